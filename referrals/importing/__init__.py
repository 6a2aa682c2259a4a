"""One delivery, from claim to settlement, and what people can do to it.

`claiming` says who may work on a delivery, `building` makes the parcel, `ledger` remembers each
remote effect, `settling` is the only place where an outcome becomes state, `deciding` holds what
people do: retry, dismiss, clear, say what is in the destination.
"""

from referrals.importing.claiming import (
    due_deliveries,
    due_deliveries_of_event,
    mark_nudged,
    release_lost,
)
from referrals.importing.deciding import (
    RetryRefused,
    clear_error,
    confirm_absent,
    confirm_present,
    dismiss,
    retry,
    why_not_retry,
)
from referrals.importing.running import run, run_next

__all__ = [
    "RetryRefused",
    "clear_error",
    "confirm_absent",
    "confirm_present",
    "dismiss",
    "due_deliveries",
    "due_deliveries_of_event",
    "mark_nudged",
    "release_lost",
    "retry",
    "run",
    "run_next",
    "why_not_retry",
]
