"""How much a destination is given: at most so many at once, so many a minute, and the breaker.

The breaker opens when a destination fails several referrals in a row. While it is open nothing is
sent there; when it is time, one delivery is let through, and what comes of it opens the
destination again or pauses it for longer. Everything stands on the destination's row, so all
workers of an installation share it. A destination without limits costs no statement more.
"""

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import F, Q, QuerySet

from core.database.clock import Time
from integrations.models import Destination, probe_delay
from integrations.transport import DeliveryError, ErrorKind, Receipt, TryAgain

# Neither limited nor paused: nobody has to ask for a seat.
UNLIMITED = Q(at_once__isnull=True, per_minute__isnull=True, paused_until__isnull=True)
# Fewer in a row happen by mischance; each more would spend a try of another referral in vain.
FAILURES = 5
# Turns may be taken so much before their time: the dispatcher looks only now and then. The turns
# of a minute are spread over so much more, so that no minute has more of them than it may have.
EARLY = timedelta(seconds=2)
MINUTE = timedelta(seconds=60)


def is_not_recovering(now: Time) -> Q:
    """Return the condition on a destination that has not failed, or may be tried again."""
    return Q(paused_until__isnull=True) | Q(paused_until__lte=now)


def has_its_turn(now: Time) -> Q:
    """Return the condition on a destination without limits, or whose next turn has come."""
    return Q(turn_at__isnull=True) | Q(turn_at__lte=now + EARLY)


def take_turn(destination: Destination, now: datetime) -> bool:
    """Take the turn of a destination with limits, and keep the next ones for later.

    False when somebody else has taken it. The row should be locked by then; to be sure, the update
    asks for what was read. Of a paused one the next may not go before this one's lease is over.
    """
    turn_at = max(destination.turn_at or now, now)
    if destination.per_minute:
        turn_at += (MINUTE + EARLY) / destination.per_minute
    paused_until = destination.paused_until and now + settings.LEASE_TIME
    unchanged = Destination.objects.filter(
        is_not_recovering(now),
        has_its_turn(now),
        pk=destination.pk,
        turn_at=destination.turn_at,
        paused_until=destination.paused_until,
    )
    return bool(unchanged.update(turn_at=turn_at, paused_until=paused_until))


def note(
    destination: Destination, outcome: Receipt | Exception | None, now: datetime, *, first: bool
) -> None:
    """Let the breaker know what came of an attempt; the destination is as it was at its start.

    `outcome` is None where nothing was asked of the destination.
    `first`: the referral has not failed before. One that fails again and again counts once: it
    must not stop the others.
    """
    if isinstance(outcome, TryAgain):
        if destination.paused_until:
            _pause_again(destination, outcome, now)
        elif first:
            _count(destination, outcome, now)
    elif destination.failures and _has_answered(outcome):
        _close(destination)
    elif destination.paused_until:  # nothing was learned: the next one may go
        _still_paused(destination).update(paused_until=now)


def _has_answered(outcome: Receipt | Exception | None) -> bool:
    """Whether the destination is there and does its work, whatever it thinks of this referral."""
    if isinstance(outcome, DeliveryError):
        return outcome.kind in (ErrorKind.REFUSED, ErrorKind.GONE, ErrorKind.CONFLICT)
    return isinstance(outcome, Receipt)


def _count(destination: Destination, error: TryAgain, now: datetime) -> None:
    """Count a failure, and pause the destination when there are enough of them in a row."""
    is_open = Destination.objects.filter(pk=destination.pk, paused_until__isnull=True)
    is_open.update(failures=F("failures") + 1)
    is_open.filter(failures__gte=FAILURES).update(
        paused_until=now + _pause(error, 0), paused_code=error.exchange.code
    )


def _pause_again(destination: Destination, error: TryAgain, now: datetime) -> None:
    """The one that was let through has failed, too: pause for longer, up to a quarter hour."""
    before = max(destination.failures - FAILURES, 0)
    _still_paused(destination).update(
        failures=F("failures") + 1,
        paused_until=now + _pause(error, before + 1),
        paused_code=error.exchange.code,
    )


def _pause(error: TryAgain, before: int) -> timedelta:
    """Return for how long, after so many pauses; a Retry-After wins."""
    asked = error.after if error.kind is ErrorKind.THROTTLED else None
    return asked if asked is not None else probe_delay(before)


def _still_paused(destination: Destination) -> QuerySet[Destination]:
    """The pause that the attempt was let through, if no other one has begun since."""
    return Destination.objects.filter(pk=destination.pk, paused_until=destination.paused_until)


def _close(destination: Destination) -> None:
    here = Destination.objects.filter(pk=destination.pk, failures__gt=0)
    if here.filter(paused_until__isnull=True).update(failures=0):
        return
    destination.end_recovery()
