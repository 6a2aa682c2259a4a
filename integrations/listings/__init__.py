"""Bringing in service listings: from a source's listing API, or from a CSV or XLSX file.

`asking` and `files` each give an `Offer`: rows as they are listed elsewhere. `comparing` says
what that would change here, and does it. Both ways share the rules, and the preview.
"""
