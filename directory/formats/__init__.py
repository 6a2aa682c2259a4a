"""One table for each format that is not HSDS 3.x: where its values stand in HSDS 3.1.

Import, export, what a format cannot carry, and the docs read these. HSDS 3.x needs none:
`directory.tables` is its table.
"""
