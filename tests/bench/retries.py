"""How often a summary is rendered when its referral has to be sent again and again."""

import os
from typing import Any
from unittest import mock

import requests

from tests.bench import figures, portal

MOST_RUNS = 50


def measure(failures: int) -> dict[str, int]:
    """Return tries and renderings of one referral whose first sendings the CRMS refuses."""
    portal.start()
    from referrals import delivering
    from referrals.intake import opening
    from referrals.models import Attempt, Delivery
    from referrals.summary.rendering.pool import Pool

    world = portal.make()
    received = world.receive(portal.message(0), "fhir")
    opening.open_deliveries(received.event_id)
    _refuse("create", failures)
    _refuse("summary", failures)
    rendered: list[Any] = []
    render = Pool.render

    def counted(pool: Pool, page: str, families: tuple[str, ...]) -> bytes:
        rendered.append(page)
        return render(pool, page, families)

    with mock.patch.object(Pool, "render", counted):
        for _ in range(MOST_RUNS):
            delivering.run(world.delivery.pk)
            if world.delivery.state == Delivery.State.IMPORTED:
                break
    assert world.delivery.state == Delivery.State.IMPORTED, world.delivery.reason
    return {"tries": Attempt.objects.count(), "renderings": len(rendered)}


def _refuse(step: str, times: int) -> None:
    plan = {"step": step, "mode": "503", "times": times}
    requests.post(f"{os.environ['BENCH_CRMS']}/sandbox/faults", json=plan).raise_for_status()


if __name__ == "__main__":
    figures.report(measure)
