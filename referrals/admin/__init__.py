"""The admin of what happened: all of it can be seen, none edited; and how long it is kept."""

from referrals.admin import events, onward, referrals, retention, work_list

__all__ = ["events", "onward", "referrals", "retention", "work_list"]  # importing registers them
