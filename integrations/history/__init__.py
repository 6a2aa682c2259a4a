"""What was changed in the configuration, by whom; and putting an earlier version back.

A secret is said to have been changed, and never what it was or is. Putting back leaves every secret
as it is now, and the user names that belong to one.

    sorts         which rows are configuration, and whose
    states        what differs between two states of a row
    putting_back  an earlier version, as a new change
    changes       all changes of one organization's configuration, newest first
"""
