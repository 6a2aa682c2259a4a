"""Where a process can die, found by instrumentation and not by a list.

Every commit to the database (before it, after it), every call to the outside (before it, after
each piece that was sent, after the head of the answer, after the answer), every file that is
stored (before it, written but not in its place, in its place, after it) and every rendering is a
point. A new step of the portal passes through the same places, so it has its points by itself.
"""

import os
import re
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any
from unittest.mock import patch
from urllib.parse import urlsplit
from uuid import UUID

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper

from core import outbound, storage
from core.outbound.session import _Connection
from referrals.summary import pdf

COMMIT, AUTOCOMMIT, CALL, STORAGE, RENDERING = (
    "commit",
    "autocommit",
    "call",
    "storage",
    "rendering",
)
KINDS = (COMMIT, AUTOCOMMIT, CALL, STORAGE, RENDERING)

WRITE = re.compile(r'\s*(INSERT|UPDATE|DELETE)\b[^"]*"(\w+)"')
ID = re.compile(r"RF-\d+")


@dataclass(frozen=True, slots=True)
class Point:
    """A moment at which a process can die."""

    number: int  # from 1
    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.number:03} {self.name}"


class Points:
    """Counts the points that are reached; at the fatal one, this process is killed or frozen."""

    def __init__(self, fatal: int | None = None, signal_: signal.Signals = signal.SIGKILL) -> None:
        self.fatal = fatal
        self.signal = signal_
        self.reached: list[Point] = []
        self._written: list[str] = []  # in the transaction under way
        self._call = ""  # to the outside, under way
        self._ids = count()

    def reach(self, kind: str, name: str) -> None:
        self.reached.append(Point(len(self.reached) + 1, kind, name))
        if len(self.reached) == self.fatal:
            os.kill(os.getpid(), self.signal)

    @contextmanager
    def around(self, kind: str, name: str) -> Iterator[None]:
        self.reach(kind, f"before {name}")
        yield
        self.reach(kind, f"after {name}")

    @contextmanager
    def watched(self) -> Iterator["Points"]:
        """Watch this process for the length of the block."""
        with (
            patch.object(CursorWrapper, "execute", self._statement(CursorWrapper.execute)),
            patch.object(CursorWrapper, "executemany", self._statement(CursorWrapper.executemany)),
            patch.object(storage, "uuid4", self._new_id),
            patch.object(BaseDatabaseWrapper, "_commit", self._commit(BaseDatabaseWrapper._commit)),
            patch.object(outbound, "send", self._outbound(outbound.send)),
            patch.object(outbound, "download", self._outbound(outbound.download, "GET")),
            patch.object(_Connection, "send", self._piece(_Connection.send)),
            patch.object(_Connection, "getresponse", self._head(_Connection.getresponse)),
            patch.object(
                storage.EncryptedFileStorage,
                "_save",
                self._save(storage.EncryptedFileStorage._save),
            ),
            patch.object(storage, "_sync_directory", self._place(storage._sync_directory)),
            patch.object(
                storage.EncryptedFileStorage,
                "_locked",
                self._written_file(storage.EncryptedFileStorage._locked),
            ),
            patch.object(pdf, "_beside", self._rendering),
        ):
            yield self

    # -- The database ------------------------------------------------------------------------

    def _statement(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def execute(cursor: CursorWrapper, sql: str, *args: Any) -> Any:
            write = WRITE.match(sql)
            if write is None:
                return original(cursor, sql, *args)
            what = " ".join(write.groups())
            if cursor.db.in_atomic_block:
                self._written.append(what)
                return original(cursor, sql, *args)
            with self.around(AUTOCOMMIT, what):
                return original(cursor, sql, *args)

        return execute

    def _commit(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def commit(connection: BaseDatabaseWrapper) -> None:
            what = ", ".join(dict.fromkeys(self._written))
            self._written.clear()
            if not what:
                return original(connection)
            with self.around(COMMIT, f"the commit of {what}"):
                return original(connection)

        return commit

    # -- The outside -------------------------------------------------------------------------

    def _outbound(self, original: Callable[..., Any], *method: str) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            verb, url = [*method, *args][:2]
            self._call = f"{verb} {ID.sub('…', urlsplit(url).path)}"
            with self.around(CALL, self._call):
                return original(*args, **kwargs)

        return call

    def _piece(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def send(connection: Any, data: Any) -> None:
            original(connection, data)
            self.reach(CALL, f"a piece of {self._call} is sent")

        return send

    def _head(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def getresponse(connection: Any) -> Any:
            response = original(connection)
            self.reach(CALL, f"the head of the answer to {self._call} is read")
            return response

        return getresponse

    # -- Files -------------------------------------------------------------------------------

    def _new_id(self) -> UUID:
        """Return a random id that begins unlike the others.

        Two files whose names begin alike share a folder, and making it is a point.
        """
        return UUID(bytes=bytes([next(self._ids) % 256]) + os.urandom(15))

    def _save(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def save(store: Any, name: str, content: Any) -> str:
            with self.around(STORAGE, f"storing one of {name.partition('/')[0]}"):
                stored: str = original(store, name, content)
            return stored

        return save

    def _written_file(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def locked(store: Any) -> Any:
            self.reach(STORAGE, "a file is written, not in its place")
            return original(store)

        return locked

    def _place(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def sync(directory: Any) -> None:
            self.reach(STORAGE, "a name is there, not synced")
            original(directory)

        return sync

    def _rendering(self, does: Callable[[], bytes]) -> "Future[bytes]":
        """Render at once: what ends meanwhile, and when, would differ from run to run.

        The renderer is another process, which a death here does not concern.
        """
        done: Future[bytes] = Future()
        with self.around(RENDERING, "rendering the summary"):
            done.set_result(does())
        return done
