"""What staff do to entries: change, hide, erase, put back an earlier version.

`recording.edit` is the one way to change entries: it keeps the version before, notes which fields
staff keep from now on, marks older translations, and lets readers see none of what was before.
"""
