"""Versions that are sent once more under the same ids; and a referral that a person sends."""

import json
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from core.models import AuditEvent
from integrations.destinations.demo import transport as demo
from referrals import delivering
from referrals.models import ReferralFile, Version
from tests.referrals.delivering.test_updates import (
    EACH,
    KINDS,
    behave,
    brought,
    close,
    edit,
    keeps,
    run_all,
    states,
)
from tests.world import World, make_world, plain

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]  # conditional updates

REPEATABLE = [one for one in KINDS if one.get("repeatable")]


@pytest.fixture(autouse=True)
def _fresh() -> None:
    demo.delivered.clear()
    demo.asked.clear()
    demo.misbehaved.clear()


def replay(world: World, *which: str) -> dict[str, Any]:
    output = StringIO()
    call_command("replay", str(world.destination), *which, "--json", stdout=output)
    found: dict[str, Any] = json.loads(output.getvalue())
    return found


def three(**given: Any) -> World:
    """Let three versions be accepted, a minute after one another."""
    world = keeps(**given)
    world.send(plain())
    run_all(world)
    for number in (2, 3):
        edit(world, number)
        run_all(world)
    for version in Version.objects.all():
        later = version.asked_at + timedelta(minutes=version.number)
        Version.objects.filter(pk=version.pk).update(asked_at=later)
    return world


def asked() -> list[tuple[int, str]]:
    """Return the number and the id of each version that was brought since, again or not."""
    found = [(one.number, one.version) for one in demo.asked if one.step == "referral"]
    demo.asked.clear()
    return found


@pytest.mark.parametrize("given", REPEATABLE)
def test_one_version_goes_once_more_under_its_ids(given: dict[str, Any]) -> None:
    world = three(**given)
    first = asked()
    there = list(demo.delivered)
    second = world.delivery.versions.get(number=2)
    assert replay(world, "--version", str(second.pk)) == {"queued": 1, "refused": []}
    delivery = run_all(world)
    assert asked() == [first[1]]
    assert demo.delivered == there, "it is known there by its id"
    assert (delivery.state, delivery.done, states(world)) == ("imported", 3, ["accepted"] * 3)
    assert AuditEvent.objects.filter(action="replay").count() == 1


@pytest.mark.parametrize("given", REPEATABLE)
def test_what_was_made_in_a_time_goes_once_more_in_order(given: dict[str, Any]) -> None:
    world = three(**given)
    first = asked()
    start, _, end = world.delivery.versions.order_by("number").values_list("asked_at", flat=True)
    times = ["--from", start.isoformat(), "--to", end.isoformat()]
    assert replay(world, *times) == {"queued": 2, "refused": []}
    run_all(world)
    assert asked() == first[:2]
    zone = world.organization.zone
    local = [f"{at.astimezone(zone).replace(tzinfo=None).isoformat()}" for at in (start, end)]
    assert replay(world, "--from", local[0], "--to", local[1])["queued"] == 2


def test_what_was_missed_goes_in_order() -> None:
    world = keeps(**EACH, repeatable=True)
    world.send(plain())
    run_all(world)
    behave(world, "reject")
    edit(world, 2)
    run_all(world)
    close(world, 3)
    behave(world)
    assert replay(world, "--missed") == {"queued": 2, "refused": []}
    run_all(world)
    assert brought() == [1, 2, 3]
    assert replay(world, "--missed") == {"queued": 0, "refused": []}


@pytest.mark.parametrize("given", [EACH, {}])
def test_what_would_be_there_twice_is_refused(given: dict[str, Any]) -> None:
    world = keeps(**given)
    world.send(plain())
    run_all(world)
    there = list(demo.delivered)
    (refused,) = replay(world, "--version", str(world.delivery.versions.get().pk))["refused"]
    assert refused["reference"] == "3502768696"
    assert "twice" in refused["why"]
    run_all(world)
    assert demo.delivered == there


def test_what_was_revoked_or_withdrawn_since_does_not_leave_again() -> None:
    world = keeps(**EACH, repeatable=True)
    world.send(plain(attachments=[{"id": "a1", "filename": "a.txt", "data": "aGVsbG8="}]))
    run_all(world)
    version = str(world.delivery.versions.get().pk)
    ReferralFile.objects.update(state="withdrawn")
    assert "withdrawn" in replay(world, "--version", version)["refused"][0]["why"]
    world.send(plain("referral.revoked", number=5))
    assert "revoked" in replay(world, "--version", version)["refused"][0]["why"]
    assert world.delivery.versions.get().state == "accepted"


BATCHES: dict[str, Any] = {"updates": "latest", "repeatable": True, "batches": True}


def test_a_row_that_went_in_a_run_is_not_sent_alone(tmp_path: Path) -> None:
    world = keeps(**BATCHES, effects_file=str(tmp_path / "effects.jsonl"))
    world.send(plain())
    assert delivering.carry_due(world.destination.pk)
    version = str(world.delivery.versions.get().pk)
    assert "in one run only" in replay(world, "--version", version)["refused"][0]["why"]
    assert not delivering.carry_due(world.destination.pk)


def test_a_row_that_could_not_go_is_among_what_was_missed(tmp_path: Path) -> None:
    world = keeps(**BATCHES, effects_file=str(tmp_path / "effects.jsonl"))
    rules = world.config.mapping.rules.filter(target="name")
    works = rules.get().transforms
    rules.update(transforms=[{"name": "unknown"}])
    world.send(plain())
    assert delivering.carry_due(world.destination.pk)
    assert world.delivery.reason == "mapping"
    rules.update(transforms=works)
    world.config.mapping.save()  # as whatever changes its rules does
    assert replay(world, "--missed") == {"queued": 1, "refused": []}
    assert delivering.carry_due(world.destination.pk)
    assert (world.delivery.state, states(world)) == ("imported", ["accepted"])


@pytest.mark.parametrize(
    "which",
    [
        ["--version", "b5f1d1b2-4c0e-4b0c-9a52-3f8f5b6a7c10"],
        ["--from", "yesterday", "--to", "today"],
        ["--from", "2026-03-19"],
    ],
)
def test_a_wrong_choice_is_stated(world: World, which: list[str]) -> None:
    with pytest.raises(CommandError):
        replay(world, *which)


# -- By hand ---------------------------------------------------------------------------------------


@pytest.fixture
def person() -> User:
    return User.objects.create_user("liaison")


def test_a_person_sends_a_referral_and_again(person: User) -> None:
    world = make_world(on=["closed_any"], by_hand=True)
    world.send(plain())
    first = delivering.send_by_hand(
        world.referral, world.destination, person, {"to": "a@b.example"}
    )
    run_all(world)
    again = delivering.send_by_hand(world.referral, world.destination, person)
    delivery = run_all(world)
    assert brought() == [1, 2]
    assert (first.why, first.asked_by, first.options) == ("person", person, {"to": "a@b.example"})
    assert (again.number, delivery.state, delivery.done) == (2, "imported", 2)


def test_a_person_may_send_again_while_one_is_unknown(person: User) -> None:
    world = make_world(by_hand=True, look_up=False, behaviour="unconfirmed")
    world.send(plain())
    run_all(world)
    assert world.delivery.reason == "unconfirmed"
    behave(world)
    delivering.send_by_hand(world.referral, world.destination, person)
    delivery = run_all(world)
    assert (delivery.state, states(world)) == ("imported", ["superseded", "accepted"])


def test_nothing_goes_by_hand_where_that_is_not_offered(world: World, person: User) -> None:
    world.send(plain())
    with pytest.raises(delivering.NotSent):
        delivering.send_by_hand(world.referral, world.destination, person)


def test_what_was_revoked_is_not_sent_by_hand(person: User) -> None:
    world = make_world(on=["closed_any"], by_hand=True)
    world.send(plain())
    world.send(plain("referral.revoked", number=2))
    with pytest.raises(delivering.NotSent, match="revoked"):
        delivering.send_by_hand(world.referral, world.destination, person)
    assert not demo.delivered
