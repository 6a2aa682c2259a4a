"""A run of 500 killed at every point: each row is in exactly one finished run."""

from collections import Counter
from typing import Any
from unittest.mock import patch

import pytest

from core.database import clock
from integrations import destinations
from integrations.destinations.demo import transport as demo
from integrations.models import Destination, TriggerConfig
from mapping.editing.exchange import install_shipped
from referrals import delivering
from referrals.models import Delivery, Referral, Run, Version
from referrals.record.snapshot import READING, merge
from tests.crash.cells import Cells
from tests.crash.laboratory import KILLED, Laboratory, Report, until_settled
from tests.crash.points import STORAGE, Points
from tests.world import options

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.long]

ROWS = 500
ONE_ROW_OF = 100  # is a point: all are alike
ONE_OF = 3  # of the other points is in a sample
CAN = {"updates": "latest", "repeatable": True, "removes": True, "batches": True}


class RunOfMany:
    """Due referrals of one destination, in the laboratory."""

    def __init__(self, laboratory: Laboratory) -> None:
        self.laboratory = laboratory
        self.effects = laboratory.folder / "many.jsonl"

    def killed_at(self, fatal: int | None) -> list[Any]:
        """Carry the run, killed at the fatal point; return the points that were reached."""
        self.laboratory.begin()
        for file in self.effects.with_suffix(".runs").glob("*"):
            file.unlink()
        for file in self.effects.with_suffix(".runs").glob(".*.part"):
            file.unlink()

        def work(report: Report) -> None:
            self._set_up()
            make_due(ROWS)
            watched = Points(fatal)
            with watched.watched(), patch.object(demo, "finish", finishing(watched)):
                assert delivering.carry_due(Destination.objects.get().pk)
            report([(point.number, point.name) for point in watched.reached])

        ended = self.laboratory._forked(work)
        assert ended.status == (KILLED if fatal else 0)
        return ended.lines[-1] if ended.lines else []

    def resume(self) -> dict[str, Any]:
        def work(report: Report) -> None:
            self._set_up()
            until_settled()
            report(
                {
                    "states": sorted(set(Delivery.objects.values_list("state", flat=True))),
                    "versions": sorted(set(Version.objects.values_list("state", flat=True))),
                    "running": Run.objects.filter(state="running").count(),
                    "rows": sum(Run.objects.filter(state="done").values_list("rows", flat=True)),
                }
            )

        ended = self.laboratory._forked(work)
        assert ended.status == 0
        found: dict[str, Any] = ended.lines[-1]
        return found

    def rows(self) -> Counter[str]:
        """Return how often each referral is in a finished run."""
        runs = demo.finished_runs(self.effects).values()
        return Counter(row["reference"] for run in runs for row in run)

    def _set_up(self) -> None:
        shipped = destinations.default_mapping("demo")
        assert shipped
        mapping = install_shipped("demo", shipped)
        TriggerConfig.objects.update(mapping=mapping)
        destination = Destination.objects.get()
        destination.kind = "demo"
        destination.options = options("demo", **CAN, effects_file=str(self.effects))
        destination.save()


def finishing(watched: Points) -> Any:
    """Return what lets a file appear, with a point before it and one after it."""
    finish = demo.finish

    def finished(*paths: Any) -> None:
        with watched.around(STORAGE, "a run appears"):
            finish(*paths)

    return finished


def make_due(count: int) -> None:
    """Make referrals with a delivery each, due now."""
    now, config = clock.now(), TriggerConfig.objects.select_related("listing").get()
    registrant = {"first_name": "Mireille", "last_name": "Tremblay-Okafor"}
    snapshot = merge({}, {"registrant": registrant}, now, "1")
    referrals = Referral.objects.bulk_create(
        Referral(
            reference=f"77{number:08}",
            organization_id=config.listing.organization_id,
            listing=config.listing,
            snapshot=snapshot,
            reading=READING,
            created_at=now,
            changed_at=now,
        )
        for number in range(count)
    )
    deliveries = Delivery.objects.bulk_create(
        Delivery(
            referral=referral,
            destination_id=config.destination_id,
            trigger_config=config,
            reference=referral.reference,
            opened_at=now,
            state="queued",
            due_at=now,
        )
        for referral in referrals
    )
    Version.objects.bulk_create(
        Version(pk=delivery.pk, delivery=delivery, asked_at=now) for delivery in deliveries
    )


@pytest.fixture
def run_of_many(laboratory: Laboratory) -> RunOfMany:
    return RunOfMany(laboratory)


def chosen(points: list[Any]) -> list[Any]:
    """Return the points without most of those that are the same for each row."""
    of_rows = [one for one in points if one[1].endswith(" UPDATE referrals_version")]
    return [one for one in points if one not in of_rows or of_rows.index(one) % ONE_ROW_OF == 0]


@pytest.mark.postgres
def test_a_death_anywhere_leaves_each_row_in_exactly_one_finished_run(
    run_of_many: RunOfMany, cells: Cells, subtests: pytest.Subtests
) -> None:
    points = chosen(run_of_many.killed_at(None))
    assert set(run_of_many.rows().values()) == {1}
    assert len(points) > 20
    for number, name in cells.one_of(ONE_OF, points):
        with subtests.test(killed=f"{number:04} {name}"):
            run_of_many.killed_at(number)
            found = run_of_many.resume()
            assert len(run_of_many.rows()) == ROWS
            assert set(run_of_many.rows().values()) == {1}
            assert found == {
                "states": ["imported"],
                "versions": ["accepted"],
                "running": 0,
                "rows": ROWS,
            }
