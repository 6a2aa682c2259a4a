"""The directory as iCarol's API shows it: `records` are entries, `searching` finds them, `terms`.

All of it is made of the answers of a view, so nothing else can be in it.
"""
