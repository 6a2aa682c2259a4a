"""One delivery, from claim to settlement, and what people can do to it.

`claiming` says who may work on a delivery, `preparing` fetches and stores what it needs, `building`
makes the parcel, `runs` carries those that travel together, `ledger` remembers each remote effect,
`settling` is the only place where an outcome becomes state, `deciding` holds what
people do: retry, dismiss, clear, say what is in the destination. `restoring` notices a database
that was restored from a backup, by the `marks` of the hosts.
"""

from referrals.delivering.claiming import (
    destinations_with_due,
    due_deliveries,
    due_deliveries_of_event,
    lost,
    mark_woken,
    release_lost,
)
from referrals.delivering.decisions.by_hand import NotSent, send_by_hand, why_not_by_hand
from referrals.delivering.decisions.deciding import (
    RetryRefused,
    clear_error,
    confirm_absent,
    confirm_present,
    dismiss,
    may_be_dismissed,
    retry,
    why_not_retry,
)
from referrals.delivering.decisions.repeating import NotRepeated, repeat
from referrals.delivering.decisions.replaying import (
    NotReplayed,
    Replayed,
    made_between,
    missed,
    replay,
    why_not_replay,
)
from referrals.delivering.restore.looking import (
    admit,
    asking,
    doubtful,
    found,
    look,
    look_without_asking,
    restored,
)
from referrals.delivering.running import run, run_next
from referrals.delivering.runs import carry_due, due_destinations, make_due

__all__ = [
    "NotRepeated",
    "NotReplayed",
    "NotSent",
    "Replayed",
    "RetryRefused",
    "admit",
    "asking",
    "carry_due",
    "clear_error",
    "confirm_absent",
    "confirm_present",
    "destinations_with_due",
    "dismiss",
    "doubtful",
    "due_deliveries",
    "due_deliveries_of_event",
    "due_destinations",
    "found",
    "look",
    "look_without_asking",
    "lost",
    "made_between",
    "make_due",
    "mark_woken",
    "may_be_dismissed",
    "missed",
    "release_lost",
    "repeat",
    "replay",
    "restored",
    "retry",
    "run",
    "run_next",
    "send_by_hand",
    "why_not_by_hand",
    "why_not_replay",
    "why_not_retry",
]
