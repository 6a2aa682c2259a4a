"""The public pages at /directory/: a search, and a page for each service.

They need no script, set no cookie, and ask no other host for anything. What they show is what the
view `pages` has of stored answers, so nothing here decides who sees what.
"""
