"""A destination that delivers nothing and fails on purpose: for demonstrations and tests."""
