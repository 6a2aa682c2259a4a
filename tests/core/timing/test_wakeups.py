"""Wake-ups: whoever waits on this host wakes at once, and nobody is delayed by one who is gone."""

import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from core.timing import wakeups
from core.timing.wakeups import Waiting

LONG = 60.0  # seconds: a test that waits so long fails


@pytest.fixture
def place(settings: Any, tmp_path: Path) -> Path:
    settings.STATE_ROOT = str(tmp_path)
    return tmp_path / "waiting"


@pytest.fixture
def waiting(place: Path) -> Iterator[Waiting]:
    with closing(Waiting()) as waiting:
        yield waiting


def test_a_wake_up_ends_the_wait(waiting: Waiting) -> None:
    threading.Timer(0.01, wakeups.wake).start()
    assert waiting.wait(LONG)


def test_a_wake_up_that_came_before_the_wait_is_not_lost(waiting: Waiting) -> None:
    wakeups.wake()
    assert waiting.wait(LONG)


def test_many_wake_ups_are_one(waiting: Waiting) -> None:
    for _ in range(2_000):  # more than a socket keeps
        wakeups.wake()
        waiting.set()
    assert waiting.wait(LONG)
    assert not waiting.wait(0)


def test_all_who_wait_are_woken(waiting: Waiting) -> None:
    with closing(Waiting()) as other:
        wakeups.wake()
        assert waiting.wait(LONG)
        assert other.wait(LONG)


def test_who_is_gone_is_forgotten(waiting: Waiting, place: Path) -> None:
    killed = Waiting()
    killed._from_outside.close()  # as the kernel does: its name stays
    wakeups.wake()
    assert len(list(place.iterdir())) == 1
    assert waiting.wait(LONG)
    killed.close()


def test_who_ends_leaves_nothing(place: Path) -> None:
    Waiting().close()
    assert list(place.iterdir()) == []


@pytest.mark.parametrize("root", ["/dev/null/state", "/tmp/" + "long" * 40])
def test_where_no_socket_can_be_its_own_threads_still_wake_it(
    settings: Any, root: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.STATE_ROOT = root
    monkeypatch.setattr(Path, "mkdir", lambda *_, **__: None)
    wakeups.wake()  # does not fail
    with closing(Waiting()) as waiting:
        waiting.set()
        assert waiting.wait(LONG)
        assert not waiting.wait(0)
