"""Why an import needs a person: each one that does has exactly one of these causes.

The home page counts by them, the work list filters by them; what to do about each is said in
`advice`, and a test holds the two together.

A reason implies the state “needs attention”, by a constraint: to ask for both would only make the
planner of PostgreSQL expect far fewer rows than there are.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Case, CharField, F, Q, Value, When
from django.utils.translation import gettext_lazy as _

from core.database.clock import Now
from referrals import advice as advices
from referrals import gates
from referrals.advice import Advice
from referrals.models import WRONGLY_SET_UP, Delivery

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise as StrOrPromise

State, Reason = Delivery.State, Delivery.Reason

UNCLEARED = Q(error_at__isnull=False, error_cleared_at__isnull=True)
# Somebody looks at it later; an error that comes meanwhile is shown at once.
SNOOZED = UNCLEARED & Q(snoozed_until__gt=Now(), snoozed_at__gte=F("error_at"))
AWAKE = (
    Q(snoozed_until__isnull=True) | Q(snoozed_until__lte=Now()) | Q(snoozed_at__lt=F("error_at"))
)
SHUT = gates.is_shut(gates.PAUSED, of="destination")
DOWN = gates.is_shut(gates.UNREACHABLE, of="destination")
PAUSED = SHUT & ~DOWN
OPEN = ~SHUT
REVOKED = Q(referral__purged_at__isnull=False)
KEPT = Q(referral__purged_at__isnull=True)
IN = UNCLEARED & Q(state=State.IMPORTED) & KEPT
CORRECT = Q(needs_correction=True)
LACKS_FILES = Q(lacks_files=True, due_at__isnull=True)
WAITS_FOR_CONNECTION = SHUT & Q(state=State.QUEUED)


@dataclass(frozen=True, slots=True)
class Cause:
    """What is wrong, in words for one or many imports, and what is to be done about it."""

    key: str
    label: "StrOrPromise"
    advice: Advice
    condition: Q


CAUSES = (
    Cause(
        "down",
        _("The destination cannot be reached"),
        advices.UNREACHABLE,
        DOWN & (Q(state=State.QUEUED) | UNCLEARED & Q(reason=Reason.CONNECTION)),
    ),
    Cause(
        "held",
        _("The connection is paused"),
        advices.PAUSED,
        PAUSED & Q(state=State.QUEUED) | ~DOWN & UNCLEARED & Q(reason=Reason.CONNECTION),
    ),
    *(
        Cause(reason.value, reason.label, advices.BY_REASON[reason], UNCLEARED & Q(reason=reason))
        for reason in (
            Reason.MAPPING,
            Reason.DISCONNECTED,
            *(reason for reason in Reason if reason not in WRONGLY_SET_UP),
        )
    ),
    Cause("correct", _("Something is to be corrected there"), advices.CORRECT_THERE, IN & CORRECT),
    Cause("files", _("Files are missing there"), advices.ADD_FILES, IN & ~CORRECT & LACKS_FILES),
    Cause("succeeded", _("It later succeeded"), advices.SEEN, IN & ~CORRECT & ~LACKS_FILES),
    Cause(
        "revoked",
        _("Revoked in Caredove, and perhaps sent"),
        advices.REMOVE_THERE,
        UNCLEARED & REVOKED & Q(state__in=[State.IMPORTED, State.DISMISSED]),
    ),
    Cause(
        "dismissed",
        _("Given up, and the error is not cleared"),
        advices.SEEN_TO,
        UNCLEARED & KEPT & Q(state=State.DISMISSED),
    ),
    Cause(
        "again",
        _("It will be sent again automatically"),
        advices.BY_ITSELF,
        UNCLEARED & (Q(state__in=[State.WAITING, State.RUNNING]) | Q(state=State.QUEUED) & OPEN),
    ),
)
# The gate by which imports wait for a connection, and the cause that they are counted by.
PAUSED_BY = {gates.UNREACHABLE.key: "down", gates.PAUSED.key: "held"}
BY_KEY = {cause.key: cause for cause in CAUSES}


def cause_key() -> Case:
    """Return the expression for the key of a delivery's cause; empty when it needs nobody."""
    return Case(
        *(When(cause.condition, then=Value(cause.key)) for cause in CAUSES),
        default=Value(""),
        output_field=CharField(),
    )
