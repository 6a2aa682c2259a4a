"""A process killed at any point, and resumed: nothing is lost, nothing is there twice.

The points are found by a run in which nobody dies (`points`), so a new step has its cells here by
itself. All cells are tried with `--whole`, a sample of them without. CRMS recognises no idempotency
key and refuses no duplicate: whatever is sent twice is there twice.
"""

import random
from datetime import timedelta

import pytest
from django.db import connection

from tests.crash.cells import PARTS, Cells
from tests.crash.laboratory import (
    KILLED,
    NOTHING_DECLARED,
    STATED,
    Laboratory,
    assert_exactly_one_of_everything,
    nothing_doubled,
)
from tests.crash.points import AUTOCOMMIT, CALL, COMMIT, KINDS, RENDERING, STORAGE, Point

pytestmark = pytest.mark.django_db(transaction=True)

KILLS = 25
ONE_OF = 8  # points of a kind is in a sample
# The id of a step is committed with the next intent, or with the outcome: no commit of its own.
LEAST = {COMMIT: 16, AUTOCOMMIT: 6, CALL: 26, STORAGE: 12, RENDERING: 2}
CREATE = "POST /api/v1/referrals"
STEPS = ("/referrals/…/attachments", CREATE, "GET /files/phq9.png")

in_parts = pytest.mark.parametrize("part", range(PARTS))


def points_here(laboratory: Laboratory) -> list[Point]:
    """Every point on SQLite; on PostgreSQL those of the database: the others do not touch it."""
    points = laboratory.points()
    if connection.vendor == "sqlite":
        return points
    return [point for point in points if point.kind in (COMMIT, AUTOCOMMIT)]


def sample_of(points: list[Point]) -> list[Point]:
    """Return some points of every kind."""
    of_kinds = ([point for point in points if point.kind == kind] for kind in KINDS)
    return [point for points in of_kinds for point in points[::ONE_OF]]


def calls_to_create(points: list[Point]) -> list[int]:
    return [point.number for point in points if point.name.endswith(CREATE)]


def test_the_matrix_covers_every_kind_of_point(laboratory: Laboratory):
    points = laboratory.points()
    found = {kind: sum(point.kind == kind for point in points) for kind in KINDS}
    assert all(found[kind] >= least for kind, least in LEAST.items()), found
    for step in STEPS:
        assert any(step in point.name for point in points), step
    assert_exactly_one_of_everything(laboratory.crms)


def test_the_points_are_the_same_in_every_run(laboratory: Laboratory):
    assert laboratory.points() == laboratory.points()


@pytest.mark.postgres
@in_parts
def test_a_death_anywhere_loses_nothing_and_doubles_nothing(
    laboratory: Laboratory, part: int, cells: Cells, subtests: pytest.Subtests
):
    for point in cells.of_part(part, points_here(laboratory), sample_of):
        with subtests.test(killed=str(point)):
            laboratory.begin()
            ended = laboratory.receive_open_run(fatal=point.number)
            assert ended.status == KILLED
            found = laboratory.resume(accepted="accepted" in ended.lines)
            assert_all_went_well(laboratory, found)


@in_parts
def test_without_a_look_up_nothing_is_sent_on_a_guess(
    laboratory: Laboratory, part: int, cells: Cells, subtests: pytest.Subtests
):
    points = laboratory.points()
    intent = min(calls_to_create(points)) - 2  # before its commit, nothing is looked up
    since = [point for point in points if point.number >= intent]
    for point in cells.of_part(part, since, sample_of):
        with subtests.test(killed=str(point)):
            laboratory.begin({**STATED, "look_up": False})
            ended = laboratory.receive_open_run(fatal=point.number)
            found = laboratory.resume(accepted="accepted" in ended.lines)
            assert nothing_doubled(laboratory.crms.referrals())
            (delivery,) = found["deliveries"]
            if delivery["state"] != "imported":
                assert (delivery["state"], delivery["reason"]) == ("needs_attention", "unconfirmed")
                found = laboratory.answer_as_a_person()
            assert_all_went_well(laboratory, found)


@pytest.mark.long
def test_where_nothing_is_declared_and_nothing_can_be_proved_each_unknown_file_waits_for_a_person(
    bare_laboratory: Laboratory, subtests: pytest.Subtests
):
    laboratory = bare_laboratory
    points = laboratory.points(NOTHING_DECLARED)
    since = [point for point in points if point.number >= min(calls_to_create(points)) - 2]
    asked = []
    for point in random.Random(25).sample(since, KILLS):
        with subtests.test(killed=str(point)):
            laboratory.begin(NOTHING_DECLARED)
            ended = laboratory.receive_open_run(fatal=point.number)
            assert ended.status == KILLED
            unknown = laboratory.unknown_step()
            found = laboratory.resume(accepted="accepted" in ended.lines)
            assert nothing_doubled(laboratory.crms.referrals())
            (delivery,) = found["deliveries"]
            if is_file := unknown not in ("", "referral"):
                assert (delivery["state"], delivery["reason"]) == ("needs_attention", "unconfirmed")
                assert "It is proved neither that" in delivery["message"]
            if delivery["state"] != "imported":
                found = laboratory.answer_as_a_person()
            assert_all_went_well(laboratory, found)
            asked += [point] if is_file else []
    assert len(asked) > KILLS / 4


@in_parts
def test_a_second_death_changes_nothing(
    laboratory: Laboratory, part: int, cells: Cells, subtests: pytest.Subtests
):
    points = laboratory.points()
    last = points[-1].number
    draw = random.Random(part)
    for first in cells.of_part(part, points[::2], sample_of):
        second = draw.randint(1, last - first.number + 10)
        with subtests.test(killed=str(first), then=second):
            laboratory.begin()
            ended = laboratory.receive_open_run(fatal=first.number)
            again = laboratory.resume(accepted="accepted" in ended.lines, fatal=second)
            found = laboratory.resume(accepted=again.get("accepted", True))
            assert_all_went_well(laboratory, found)


@pytest.mark.postgres
@in_parts
def test_a_process_that_was_frozen_past_its_lease_sends_nothing_more(
    laboratory: Laboratory, settings, part: int, cells: Cells, subtests: pytest.Subtests
):
    settings.LEASE_TIME = timedelta(seconds=5)
    for point in cells.of_part(part, moments_around_a_create(laboratory), sample_of):
        with subtests.test(frozen=str(point)):
            laboratory.begin()
            with laboratory.frozen(point.number):
                found = laboratory.resume(accepted=True)
            assert_all_went_well(laboratory, found)


def moments_around_a_create(laboratory: Laboratory) -> list[Point]:
    """From the commit of the intent until the answer is read."""
    points = laboratory.points()
    create = calls_to_create(points)
    return [point for point in points if min(create) - 1 <= point.number <= max(create)]


def assert_all_went_well(laboratory: Laboratory, found: dict) -> None:
    """It is in CRMS, once and whole, and the portal knows it."""
    external_id = assert_exactly_one_of_everything(laboratory.crms)
    (delivery,) = found["deliveries"]
    assert (delivery["state"], delivery["external_id"]) == ("imported", external_id)
    assert delivery["missing_files"] == {}
    assert len(delivery["steps"]) == 4
    assert all(delivery["steps"].values())
    assert (found["referrals"], found["events"]) == (1, ["opened"])
