"""The admin of what happened: everything can be seen, nothing can be edited."""

from referrals.admin import events, imports, referrals, retrying  # noqa: F401 - registers them
