"""Due deliveries of one destination that travel together: each row in exactly one finished run."""

import hashlib
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from core.database import clock
from integrations.destinations.demo import transport as demo
from integrations.transport import Down, Misconfigured, Rejected, TryAgain
from referrals import delivering
from referrals.models import Delivery, Referral, Run
from referrals.record import versions
from referrals.running.dispatcher import Dispatcher
from tests.world import World, make_world, options, plain

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]  # claims and conditional updates


@pytest.fixture
def effects(tmp_path: Path) -> Path:
    return tmp_path / "effects.jsonl"


@pytest.fixture
def world(effects: Path) -> World:
    return make_world(
        on=["received"],
        updates="latest",
        repeatable=True,
        removes=True,
        batches=True,
        effects_file=str(effects),
    )


def several(world: World, count: int = 3) -> list[str]:
    references = [f"35027686{number:02}" for number in range(10, 10 + count)]
    for number, reference in enumerate(references):
        world.send(plain(number=number, reference=reference))
    return references


def carry(world: World) -> bool:
    return delivering.carry_due(world.destination.pk)


def rows(effects: Path) -> list[tuple[str, int, str]]:
    """Return what is in the finished runs."""
    return sorted(
        (row["reference"], row["number"], row["action"])
        for run in demo.finished_runs(effects).values()
        for row in run
    )


def due_again() -> None:
    """Let what waits be due, and what is leased be lost."""
    Delivery.objects.filter(due_at__isnull=False).update(due_at=F("opened_at"))
    past = clock.now() - timedelta(seconds=1)
    Run.objects.filter(state="running").update(lease_until=past)


def fails(error: Exception) -> Any:
    def deliver_batch(*_: object) -> None:
        raise error

    return deliver_batch


def test_what_is_due_travels_together(world: World, effects: Path) -> None:
    references = several(world)
    assert list(delivering.due_destinations()) == [world.destination]
    assert carry(world)
    assert rows(effects) == [(reference, 1, "put") for reference in references]
    run = Run.objects.get()
    (file,) = effects.with_suffix(".runs").iterdir()
    content = file.read_bytes()
    assert (run.state, run.name, run.rows, run.size) == ("done", file.name, 3, len(content))
    assert run.sha256 == hashlib.sha256(content).hexdigest()
    assert run.since is None
    assert set(Delivery.objects.values_list("state", "done", "external_id")) == {
        ("imported", 1, run.name)
    }
    assert run.versions.filter(state="accepted").count() == 3
    assert not carry(world)


def test_the_window_begins_where_the_one_before_has_ended(world: World) -> None:
    several(world, 1)
    carry(world)
    world.send(plain("referral.edited", number=7, reference="3502768610", reason="another"))
    carry(world)
    second, first = Run.objects.order_by("-until")
    assert (second.since, second.rows) == (first.until, 1)


def test_no_delivery_of_a_run_goes_by_itself(world: World) -> None:
    several(world)
    assert delivering.due_deliveries(10) == []
    assert not delivering.run(Delivery.objects.first().pk)
    assert not delivering.run_next(Delivery.objects.first().pk)


@pytest.mark.django_db(transaction=True)
def test_the_dispatcher_carries_it(world: World, effects: Path) -> None:
    several(world)
    dispatcher = Dispatcher(threads=1)
    assert dispatcher.round() == 1
    dispatcher.close()
    assert len(rows(effects)) == 3


def test_a_run_of_many_is_claimed_by_one_update_and_settled_by_one(world: World) -> None:
    several(world, 1)
    first = Delivery.objects.get()
    now = clock.now()
    referrals = Referral.objects.bulk_create(
        Referral(
            reference=uuid4().hex[:10],
            organization=world.organization,
            listing=world.listing,
            snapshot=first.referral.snapshot,
            reading=first.referral.reading,
            created_at=now,
            changed_at=now,
        )
        for _ in range(60)
    )
    for referral in referrals:
        delivery = Delivery.objects.create(
            referral=referral,
            destination=world.destination,
            trigger_config=world.config,
            reference=referral.reference,
            opened_at=now,
            state="queued",
            due_at=now,
        )
        versions.begin(delivery)
    with CaptureQueriesContext(connection) as asked:
        assert carry(world)
    updates = [
        query["sql"] for query in asked if query["sql"].startswith('UPDATE "referrals_delivery"')
    ]
    assert len(updates) == 2
    assert Run.objects.get().rows == 61


@pytest.mark.parametrize("error", [TryAgain("Not now."), Rejected("No."), Misconfigured("Who?")])
def test_a_failed_run_gives_all_back(
    world: World, effects: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    references = several(world)
    with monkeypatch.context() as patch:
        patch.setattr(demo.DemoTransport, "deliver_batch", fails(error))
        carry(world)
    run = Run.objects.get()
    assert (run.state, run.message) == ("failed", error.message)
    assert set(Delivery.objects.values_list("state", "lease_token")) == {("queued", None)}
    assert not run.versions.exists()
    world.destination.refresh_from_db()
    assert bool(world.destination.paused_at) == (not isinstance(error, TryAgain))
    world.destination.release()
    due_again()
    carry(world)
    assert rows(effects) == [(reference, 1, "put") for reference in references]


def test_a_run_to_what_is_down_goes_when_it_is_there_again(
    world: World, effects: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    several(world)
    with monkeypatch.context() as patch:
        down = Down("It cannot be reached.", cause="no connection", remedy="Wait.")
        patch.setattr(demo.DemoTransport, "deliver_batch", fails(down))
        carry(world)
    world.destination.refresh_from_db()
    assert world.destination.is_down
    assert not delivering.due_destinations()
    world.destination.release()
    carry(world)
    assert len(rows(effects)) == 3


@pytest.mark.parametrize("behaviour", ["no_answer", "unconfirmed", "crash_after"])
def test_a_run_that_may_be_there_is_carried_again_under_its_id(
    world: World, effects: Path, behaviour: str
) -> None:
    references = several(world)
    given = world.destination.options
    world.destination.options = options("demo", **{**given, "behaviour": behaviour})
    world.destination.save()
    carry(world)
    run = Run.objects.get()
    assert run.state == "running"
    assert delivering.release_lost() == 0
    world.send(plain(number=9, reference="3502768699"))  # comes meanwhile, and is not in it
    world.destination.options = given
    world.destination.save()
    due_again()
    carry(world)
    assert rows(effects) == [(reference, 1, "put") for reference in references]
    carry(world)
    assert len(rows(effects)) == 4
    assert Run.objects.filter(state="done").count() == 2


def test_what_changes_meanwhile_goes_with_the_next_run(
    world: World, effects: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (reference,) = several(world, 1)
    finish = demo.finish

    def and_then(*paths: Path) -> None:
        finish(*paths)
        world.send(plain("referral.edited", number=5, reference=reference, reason="another"))

    with monkeypatch.context() as patch:
        patch.setattr(demo, "finish", and_then)
        carry(world)
    assert (world.delivery.state, world.delivery.done) == ("queued", 1)
    carry(world)
    assert rows(effects) == [(reference, 1, "put"), (reference, 2, "put")]
    assert (world.delivery.state, world.delivery.done) == ("imported", 2)


def test_what_may_not_go_is_left_out_and_the_rest_goes(world: World, effects: Path) -> None:
    references = several(world)
    moved = Delivery.objects.get(reference=references[1])
    Referral.objects.filter(pk=moved.referral_id).update(organization=None)
    carry(world)
    assert [row[0] for row in rows(effects)] == [references[0], references[2]]
    moved.refresh_from_db()
    assert (moved.state, moved.reason) == ("needs_attention", "rejected")
    assert moved.versions.get().run is None


def test_a_revocation_is_a_row_of_the_next_run(world: World, effects: Path) -> None:
    (reference,) = several(world, 1)
    carry(world)
    world.send(plain("referral.revoked", number=8, reference=reference))
    carry(world)
    assert rows(effects) == [(reference, 1, "put"), (reference, 2, "remove")]
    assert (world.delivery.state, world.delivery.done) == ("dismissed", 2)


def test_what_is_revoked_on_its_way_is_removed_by_the_next_run(
    world: World, effects: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (reference,) = several(world, 1)
    finish = demo.finish

    def and_then(*paths: Path) -> None:
        finish(*paths)
        world.send(plain("referral.revoked", number=8, reference=reference))

    with monkeypatch.context() as patch:
        patch.setattr(demo, "finish", and_then)
        carry(world)
    carry(world)
    assert rows(effects) == [(reference, 1, "put"), (reference, 2, "remove")]
    assert world.delivery.state == "dismissed"
