"""The database's clock, set by a test: where Python asks for it, and within statements."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from django.db import connection

from core.database import clock


def set_clock(monkeypatch: pytest.MonkeyPatch, now: Callable[[], datetime]) -> None:
    """Let the database's time be this one."""

    def sql() -> str:
        if connection.vendor == "postgresql":
            return f"'{now().isoformat()}'::timestamptz"
        return f"'{now().astimezone(UTC).replace(tzinfo=None).isoformat(' ', 'microseconds')}'"

    monkeypatch.setattr(clock, "now", now)
    monkeypatch.setattr(clock, "sql", sql)


@contextmanager
def clock_set(now: Callable[[], datetime]) -> Iterator[None]:
    """Let it be this one within the block."""
    with pytest.MonkeyPatch.context() as patch:
        set_clock(patch, now)
        yield
