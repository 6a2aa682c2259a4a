"""Destinations that are down: each is probed by the schedule of retries, by one at a time."""

from collections.abc import Sequence
from datetime import timedelta

from core import outbound
from core.database import clock
from core.database.clock import Now
from core.database.due import Due
from integrations.models import Destination, probe_delay
from integrations.transport import DeliveryError, Down, Misconfigured

PROBE_TIME = timedelta(minutes=2)  # a probe that has not ended by then was lost with its process
CALL_SHARE = 0.8  # of it, for the call; the rest is for writing down what came of it
PROBES = Due(Destination, "probe_at", tries="probes")


def due_probes() -> Sequence[int]:
    """Return the destinations to probe now, the longest waiting first."""
    return PROBES.keys(Now())


def probe(destination_id: int) -> bool:
    """Probe a destination once, and release it if it answers.

    False when it was not due, or somebody else probes it.
    """
    until = PROBES.claim(destination_id, clock.now(), PROBE_TIME)
    if until is None:
        return False
    destination = Destination.objects.select_related("organization").get(pk=destination_id)
    try:
        with outbound.time_limit((PROBE_TIME * CALL_SHARE).total_seconds()):
            destination.probe()
    except Misconfigured:
        pass  # it is paused until somebody fixes the connection
    except DeliveryError as error:
        changed = {"paused_reason": error.reason} if isinstance(error, Down) else {}
        next_at = clock.now() + probe_delay(destination.probes)
        PROBES.settle(destination, until, probe_at=next_at, **changed)
    return True
