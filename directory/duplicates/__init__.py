"""Entries that are one thing: found with reasons, merged field by field, and taken apart again."""
