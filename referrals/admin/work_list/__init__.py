"""The work list: what needs a person, how it is narrowed, and what can be done to it."""

from referrals.admin.work_list import imports

__all__ = ["imports"]
