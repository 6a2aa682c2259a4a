"""Bringing in a supplier's file: read, checked, compared with what is here, and then applied.

Each format's reader turns a file into rows of HSDS 3.1 tables (`rows.Batch`). From there on all
formats are one: `checking` decides what can be taken, `withdrawing` what is no longer listed,
`applying` compares it with the database and writes what differs, and `running` reports.
"""
