"""What one referral costs, stage by stage, next to the bare library calls that do the same.

Round by round the portal takes in a referral and imports it; the bare calls of that referral follow
in random order. The portal's own stages come from samples of its stack, all else from clocks.
"""

import os
import random
import statistics
import tempfile
from pathlib import Path
from typing import Any
from unittest import mock

from tests.bench import bare, figures, portal
from tests.bench.sampler import OURS, PYTHON, SYSTEM, Sample, Sampler

WARM_UP = 5
ENDPOINT = "/fhir/$process-message"
ROWS = (
    "intake", "mapping", "page", "rendering", "files", "upload", "database", "encryption", "engine"
)  # fmt: skip


def measure(rounds: int, seed: int) -> dict[str, Any]:
    """Return the milliseconds of each stage and of its bare call, and the shares of the owners."""
    portal.start()
    from django.conf import settings

    settings.ROOT_URLCONF = "tests.bench.urls"
    portal.make()
    portal.make_folders()
    order = random.Random(seed)
    sampler = Sampler(seed)
    with tempfile.TemporaryDirectory(dir=Path(settings.MEDIA_ROOT).parent) as directory:
        replica = bare.Replica(settings.DATABASES["default"]["NAME"], Path(directory, "copy"))
        with bare.Bare(Path(directory)) as calls:
            for number in range(WARM_UP):
                one_round(number, Sampler(), replica, calls, order)
            with sampler.running():
                taken = [
                    one_round(WARM_UP + number, sampler, replica, calls, order)
                    for number in range(rounds)
                ]
    return _summed_up(taken, sampler)


def one_round(
    number: int, sampler: Sampler, replica: bare.Replica, calls: bare.Bare, order: random.Random
) -> dict[str, Any]:
    """Import one referral, then do the same by bare calls; return the seconds of each."""
    replica.take()
    spent, made = _imported(portal.message(number), sampler)
    todo = calls.calls(made) | {"database": lambda: replica.replay(made.statements)}
    names = sorted(todo)
    order.shuffle(names)
    return {
        **spent,
        "bare": {name: todo[name]() for name in names},
        "statements": len(made.statements),
        "transactions": made.transactions,
    }


def _imported(body: bytes, sampler: Sampler) -> tuple[dict[str, float], bare.Recording]:
    from referrals import delivering
    from referrals.intake import opening
    from referrals.models import Delivery, InboundEvent
    from referrals.summary import pdf

    before = figures.cpu_seconds(os.getpid()), _renderers()
    render = pdf._rendered

    def clocked(page: str, families: tuple[str, ...]) -> bytes:
        with sampler.clocked(Sample("rendering", OURS)):
            return render(page, families)

    with bare.recording() as made, mock.patch.object(pdf, "_rendered", clocked):
        with sampler.phase("intake"):
            assert bare.post(body, ENDPOINT) == 200
            event_id = InboundEvent.objects.values_list("pk", flat=True).latest("received_at")
            opening.open_deliveries(event_id)
        with sampler.phase("engine"):
            (delivery_id,) = delivering.due_deliveries_of_event(event_id)
            delivering.run(delivery_id)
    made.body = body
    after = figures.cpu_seconds(os.getpid()), _renderers()
    delivery = Delivery.objects.get(pk=delivery_id)
    assert delivery.state == Delivery.State.IMPORTED, delivery.message
    return {"portal": after[0] - before[0], "renderer": after[1] - before[1]}, made


def _renderers() -> float:
    """Return the CPU time of the renderers so far."""
    from referrals.summary import pdf

    return sum(figures.cpu_seconds(renderer.process.pid) for renderer in pdf._pool()._idle)


def _summed_up(taken: list[dict[str, Any]], sampler: Sampler) -> dict[str, Any]:
    looking = sampler.cost / len(taken) / figures.NANOSECONDS
    portal_ms = _mean(one["portal"] - looking for one in taken)
    renderer_ms = _mean(one["renderer"] for one in taken)
    stages = {
        stage: {
            "ms": sampler.share(stage) * portal_ms + (renderer_ms if stage == "rendering" else 0),
            "ours": sampler.share(stage, OURS) * portal_ms,
            "bare": _mean(one["bare"].get(stage, 0) for one in taken),
        }
        for stage in ROWS
    }
    # What our renderer does beside WeasyPrint is ours, too.
    rendering = statistics.median(one["renderer"] / one["bare"]["rendering"] for one in taken)
    stages["rendering"]["ours"] += max(rendering - 1, 0) * stages["rendering"]["bare"]
    return {
        "stages": stages,
        "total": portal_ms + renderer_ms,
        "rendering": rendering,
        "python": sampler.share(owner=PYTHON) * portal_ms,
        "system": sampler.share(owner=SYSTEM) * portal_ms,
        "django": sampler.share(owner="django") * portal_ms,
        "samples": sampler.looks,
        "statements": statistics.median(one["statements"] for one in taken),
        "transactions": statistics.median(one["transactions"] for one in taken),
    }


def _mean(seconds: Any) -> float:
    return statistics.mean(seconds) * figures.MILLISECONDS


if __name__ == "__main__":
    figures.report(measure)
