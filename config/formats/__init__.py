"""Dates that Django's own formats of a language do not have; used by name in templates."""
