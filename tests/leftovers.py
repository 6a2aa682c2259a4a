"""Connections to the database that threads leave open when they end.

Such a one stays until the garbage collector comes by, and PostgreSQL copies and drops no database
that somebody is connected to: a later test would fail in its set-up.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch
from weakref import ref

from django.db.backends.base.base import BaseDatabaseWrapper

_opened: list[tuple[threading.Thread, "ref[BaseDatabaseWrapper]"]] = []


@contextmanager
def watched() -> Iterator[None]:
    """Know of every connection that is opened during the block."""
    connect = BaseDatabaseWrapper.connect

    def known(wrapper: BaseDatabaseWrapper, *args: Any) -> None:
        connect(wrapper, *args)
        _opened.append((threading.current_thread(), ref(wrapper)))

    with patch.object(BaseDatabaseWrapper, "connect", known):
        yield


def close() -> None:
    """Close what threads that have ended left open."""
    ended = [(thread, found) for thread, found in _opened if not thread.is_alive()]
    for entry in ended:
        _opened.remove(entry)
        wrapper = entry[1]()
        if wrapper is not None and wrapper.connection is not None:
            # Of another thread: Django's own `close` would refuse.
            wrapper.connection.close()
            wrapper.connection = None
