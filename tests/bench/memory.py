"""What a worker and its renderer hold in memory early and late in their lives.

The worker is this process: it takes in and imports one referral after the other, as the dispatcher
does without a broker.
"""

import gc
from typing import Any
from unittest import mock

from tests.bench import figures, portal


def measure(documents: int, settled: int) -> dict[str, Any]:
    """Return the resident megabytes of both after `settled` documents and after all of them."""
    portal.start()
    from referrals.summary import pdf
    from referrals.summary.rendering.pool import Limits, Pool

    # One renderer for all documents: the pool would replace it before it could grow old.
    pool = Pool(1, Limits(documents=documents + 1))
    world = portal.make()
    held: dict[int, dict[str, float]] = {}
    with mock.patch.object(pdf, "_pool", return_value=pool):
        for number in range(1, documents + 1):
            _import(world, portal.message(number))
            if number in (settled, documents):
                gc.collect()
                (renderer,) = pool._idle
                held[number] = {
                    "worker": figures.resident(),
                    "renderer": figures.resident(renderer.process.pid),
                }
    pool.close()
    return {"early": held[settled], "late": held[documents]}


def _import(world: Any, body: bytes) -> None:
    from referrals import delivering
    from referrals.intake import opening

    event_id = world.receive(body, "fhir").event_id
    opening.open_deliveries(event_id)
    for delivery_id in delivering.due_deliveries_of_event(event_id):
        delivering.run(delivery_id)


if __name__ == "__main__":
    figures.report(measure)
