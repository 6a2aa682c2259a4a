"""A dispatcher that dies while it gives imports of a bulk retry their turns."""

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User

from core.models import AuditEvent
from integrations.models import Source, TriggerConfig
from referrals.delivering.decisions import bulk
from referrals.models import BulkRetry, Delivery
from tests.crash.cells import Cells
from tests.crash.laboratory import KILLED, Laboratory, Report
from tests.crash.points import Points
from tests.referrals.delivering.test_bulk import failed
from tests.world import World

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]

IMPORTS = 3
ONE_OF = 3  # points is in a sample


def known_world() -> World:
    """Return the world that the laboratory has set up."""
    config = TriggerConfig.objects.get()
    listing = config.listing
    return World(listing.organization, listing, Source.objects.get(), config.destination, config)


def begin() -> None:
    """Ask for failed imports to be sent again, and confirm it."""
    settings.BULK_RETRY_PAUSE = timedelta(0)
    failed(known_world(), IMPORTS)
    by = User.objects.create_user("support")
    bulk.ask(Delivery.objects.all(), by)
    bulk.start(BulkRetry.objects.all(), by)


def work_off(laboratory: Laboratory, fatal: int | None) -> list[Any]:
    """Let a process work, and another one after it when it dies; return the points it reached."""

    def work(report: Report) -> None:
        begin()
        points = Points(fatal)
        with points.watched():
            bulk.tick()
        report([point.number for point in points.reached])

    def go_on(report: Report) -> None:
        settings.BULK_RETRY_PAUSE = timedelta(0)
        bulk.tick()
        bulk_retry = BulkRetry.objects.get()
        report(
            {
                "state": bulk_retry.state,
                "items": sorted(bulk_retry.items.values_list("state", flat=True)),
                "resends": list(Delivery.objects.values_list("resends", flat=True)),
                "recorded": AuditEvent.objects.filter(action="retry").count(),
            }
        )

    laboratory.begin()
    died = laboratory._forked(work)
    assert died.status == (KILLED if fatal else 0)
    (found,) = laboratory._forked(go_on).lines
    assert found == {
        "state": "done",
        "items": ["sent"] * IMPORTS,
        "resends": [1] * IMPORTS,
        "recorded": IMPORTS,
    }
    return died.lines


def test_a_death_anywhere_skips_and_doubles_nothing(
    laboratory: Laboratory, cells: Cells, subtests: pytest.Subtests
):
    (points,) = work_off(laboratory, None)
    assert len(points) > IMPORTS
    for fatal in cells.one_of(ONE_OF, points):
        with subtests.test(killed=fatal):
            work_off(laboratory, fatal)
