"""Bringing in a supplier's file: read, checked, compared with what is here, and then applied.

Each format's reader (`formats/`) turns a file into rows of HSDS 3.1 tables (`rows.Batch`). From
there on all formats are one: `checking` decides what can be taken, `comparing/` finds what differs
from the database, `applying` writes that, `withdrawing` withdraws what is no longer listed, and
`running` reports. Taxonomies and postcodes come by themselves (`reference/`).
"""
