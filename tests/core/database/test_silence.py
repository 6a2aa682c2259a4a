"""A request that waits for a silent database is given up; one that is slow goes on."""

import socket
import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection

from core.database import silence
from core.database.silence import Watch, is_silent


class Wrapper:
    """A connection to a server that this test plays."""

    def __init__(self, port: int = 0) -> None:
        self.ours, self.theirs = socket.socketpair()
        self.connection = SimpleNamespace(pgconn=SimpleNamespace(socket=self.ours.fileno()))
        self.port = port

    def get_connection_params(self) -> dict[str, Any]:
        return {"host": "127.0.0.1", "port": self.port, "user": "x", "connect_timeout": 2}

    def is_cut(self) -> bool:
        self.theirs.settimeout(0)
        try:
            return self.theirs.recv(1) == b""
        except BlockingIOError:
            return False


@pytest.fixture
def wrapper() -> Iterator[Wrapper]:
    made = Wrapper()
    yield made
    made.ours.close()
    made.theirs.close()


@pytest.fixture(autouse=True)
def _by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look when the test says so, and suspect at once."""
    monkeypatch.setattr(silence, "SUSPECT_AFTER", -1.0)
    monkeypatch.setattr(Watch, "_run", lambda self: None)


def test_whoever_waits_for_a_silent_database_waits_no_more(wrapper: Wrapper):
    watch = Watch(lambda _: True)
    watch.begin(wrapper)
    heard: list[bytes] = []
    waits = threading.Thread(target=lambda: heard.append(wrapper.ours.recv(1)))
    waits.start()
    assert watch.look() == 1
    waits.join(60)
    assert heard == [b""]


def test_whoever_is_only_slow_goes_on(wrapper: Wrapper, monkeypatch: pytest.MonkeyPatch):
    asked: list[Any] = []
    watch = Watch(lambda one: asked.append(one) or False)
    watch.begin(wrapper)
    assert watch.look() == 0
    assert asked == [wrapper]
    assert not wrapper.is_cut()
    # One that has only begun is no reason to ask.
    monkeypatch.setattr(silence, "SUSPECT_AFTER", 3600.0)
    assert watch.look() == 0
    assert asked == [wrapper]


def test_a_request_that_has_ended_meanwhile_is_left_alone(wrapper: Wrapper):
    def ends(_: Any) -> bool:
        watch.end(wrapper)
        return True

    watch = Watch(ends)
    watch.begin(wrapper)
    assert watch.look() == 0
    assert not wrapper.is_cut()


def test_one_without_a_connection_is_passed_over(wrapper: Wrapper):
    wrapper.connection = None  # type: ignore[assignment]
    watch = Watch(lambda _: True)
    watch.begin(wrapper)
    assert watch.look() == 0


@pytest.mark.slow
def test_a_server_that_says_nothing_is_silent_and_one_that_refuses_is_not(free_port: int):
    with socket.create_server(("127.0.0.1", 0)) as mute:
        assert is_silent(Wrapper(mute.getsockname()[1]))
    assert not is_silent(Wrapper(free_port))


def test_only_a_server_is_watched():
    def application(environ: Any, start_response: Any) -> list[bytes]:
        return [b"answer"]

    watched = silence.watched(application)
    assert (watched is application) is (connection.vendor == "sqlite")
