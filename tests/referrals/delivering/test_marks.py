"""The mark of a host: small, never lowered, and shared by all programs of the host."""

import os
import random
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from referrals.delivering.restore import marks

AT = datetime(2026, 3, 11, 10, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _own_state(settings: Any, tmp_path: Path) -> None:
    settings.STATE_ROOT = str(tmp_path / "state")


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    calls: list[int] = []
    monkeypatch.setattr(marks, "_sync", calls.append)
    return calls


def test_a_host_begins_without_one():
    assert marks.read() is None


def test_it_is_made_once_and_is_blank():
    made = marks.create()
    assert made.is_blank
    assert marks.create() == marks.read() == made


def test_it_is_for_its_owner_alone():
    marks.create()
    assert marks.path().stat().st_mode & 0o777 == 0o600
    assert marks.path().parent.stat().st_mode & 0o777 == 0o700


def test_it_is_raised_and_never_lowered():
    host = marks.create().host
    for number, total in ((7, 9), (3, 30), (12, 2)):
        marks.raise_to(AT, number=number, total=total)
    marks.raise_to(AT - timedelta(hours=1), number=1)
    assert marks.read() == marks.Mark(host, 12, 30, AT)


def test_the_largest_number_fits():
    host = marks.create().host
    largest = 2**63 - 1
    at = datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
    marks.raise_to(at, number=largest, total=largest)
    assert marks.read() == marks.Mark(host, largest, largest, at)
    assert marks.path().stat().st_size == marks.SIZE


def test_without_one_nothing_is_raised():
    with pytest.raises(FileNotFoundError):
        marks.raise_to(AT, number=1)


def test_many_that_raise_it_at_once_leave_the_highest():
    marks.create()
    numbers = list(range(1, 401))
    random.Random(7).shuffle(numbers)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: marks.raise_to(AT, number=number), numbers))
    found = marks.read()
    assert found
    assert found.number == 400


def test_another_process_raises_the_same_one():
    marks.create()
    child = os.fork()
    if child == 0:
        marks.raise_to(AT, number=5)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    found = marks.read()
    assert found
    assert found.number == 5


def test_many_raises_within_a_second_are_synced_once(
    synced: list[int], monkeypatch: pytest.MonkeyPatch
):
    marks.create()
    synced.clear()
    monkeypatch.setattr(marks, "_synced_at", -marks.SYNC_SECONDS)
    monkeypatch.setattr(marks.time, "monotonic", lambda: 100.0)
    for number in range(50):
        marks.raise_to(AT, number=number)
    assert len(synced) == 1
    monkeypatch.setattr(marks.time, "monotonic", lambda: 101.5)
    marks.raise_to(AT, number=60)
    assert len(synced) == 2


def test_what_another_program_raised_is_synced_once(
    synced: list[int], monkeypatch: pytest.MonkeyPatch
):
    mark = marks.create()
    synced.clear()
    monkeypatch.setattr(marks, "_synced_at", -marks.SYNC_SECONDS)
    monkeypatch.setattr(marks.time, "monotonic", lambda: 100.0)
    marks.keep(mark)
    monkeypatch.setattr(marks.time, "monotonic", lambda: 102.0)
    marks.keep(mark)
    assert len(synced) == 1
