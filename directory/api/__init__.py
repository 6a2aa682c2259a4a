"""The public API: HSDS 3.1 at /hsds/3.1."""
