"""How dates and times look, for each language: the one place that decides.

A day is “Nov 5, 2026” or “5 nov. 2026”, in text and in tables. Django's own names of formats and
those that we add differ in what they show, such as the time, and never in how. Machines and exports
read ISO 8601.
"""
