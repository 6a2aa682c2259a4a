"""Destinations that are down: each is probed by the schedule of retries, by one at a time."""

from collections.abc import Sequence
from datetime import timedelta

from core import clock, outbound
from core.rows import update_one
from integrations.models import Destination, probe_delay
from integrations.transport import DeliveryError, Down, Misconfigured

PROBE_TIME = timedelta(minutes=2)  # a probe that has not ended by then was lost with its process
CALL_SHARE = 0.8  # of it, for the call; the rest is for writing down what came of it


def due_probes() -> Sequence[int]:
    """Return the destinations to probe now, the longest waiting first."""
    due = Destination.objects.filter(probe_at__lte=clock.now()).order_by("probe_at")
    return list(due.values_list("pk", flat=True))


def probe(destination_id: int) -> bool:
    """Probe a destination once, and release it if it answers.

    False when it was not due, or somebody else probes it.
    """
    destination = Destination.objects.select_related("organization").get(pk=destination_id)
    now = clock.now()
    # The time until which we probe is our token, too: whoever moves it on has won the probe.
    until = now + PROBE_TIME
    due = Destination.objects.filter(pk=destination_id, probe_at__lte=now)
    if not due.update(probe_at=until, probes=destination.probes + 1):
        return False
    try:
        with outbound.time_limit((PROBE_TIME * CALL_SHARE).total_seconds()):
            destination.probe()
    except Misconfigured:
        pass  # it is paused until somebody fixes the connection
    except DeliveryError as error:
        changed = {"held_reason": error.reason} if isinstance(error, Down) else {}
        ours = Destination.objects.filter(probe_at=until)
        next_at = clock.now() + probe_delay(destination.probes + 1)
        update_one(ours, destination, probe_at=next_at, **changed)
    return True
