"""Referrals as files: CSV, JSON lines and XML, written row by row. Pure.

rows        what a parcel says in a list
columns     which columns a CSV has: what was written once keeps its place
formats     the three formats
"""
