"""A request does not wait for a database that does not answer: it is answered 503 instead.

A database that is gone refuses connections, and that is noticed at once. One that is silent (its
machine is frozen, or the network drops packets) says nothing, and a client would wait for minutes.
So a thread watches the requests of this process. When one has lasted for some time, it asks the
database for a new connection. Where even that is not answered, the connections of the waiting
requests are cut: what they wait for then fails as if the database were gone. A request that is only
slow goes on.

SQLite has no server, so nothing is watched there.
"""

import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import psycopg
from django.db import DEFAULT_DB_ALIAS, connection, connections

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

logger = logging.getLogger(__name__)

SUSPECT_AFTER = 0.4  # seconds
BETWEEN_LOOKS = 0.2  # seconds


class Watch:
    """Watches the requests of one process, by a thread that runs while there are any."""

    def __init__(self, is_silent: Callable[[Any], bool]) -> None:
        self._is_silent = is_silent
        self._lock = threading.Lock()
        self._came = threading.Event()
        self._since: dict[Any, float] = {}  # by the wrapper of a thread's connection
        self._started = False

    def begin(self, wrapper: Any) -> None:
        """Watch the connection of a request that begins."""
        with self._lock:
            self._since[wrapper] = time.monotonic()
            if not self._started:
                self._started = True
                threading.Thread(target=self._run, name="silence", daemon=True).start()
        self._came.set()

    def end(self, wrapper: Any) -> None:
        """Watch it no longer."""
        with self._lock:
            self._since.pop(wrapper, None)

    def _run(self) -> None:
        while True:
            self._came.wait()
            time.sleep(BETWEEN_LOOKS)
            try:
                self.look()
            except Exception:
                logger.exception("the database could not be watched")
            with self._lock:
                if not self._since:
                    self._came.clear()

    def look(self) -> int:
        """Cut the connections of requests that wait for a silent database; return how many."""
        suspects = self._suspects()
        if not suspects or not self._is_silent(suspects[0]):
            return 0
        logger.error("the database does not answer: requests that wait for it are given up")
        with self._lock:  # none of them ends meanwhile, so none is another request's by now
            return sum(_cut(wrapper) for wrapper in suspects if wrapper in self._since)

    def _suspects(self) -> list[Any]:
        with self._lock:
            long_ago = time.monotonic() - SUSPECT_AFTER
            return [wrapper for wrapper, since in self._since.items() if since < long_ago]


def _cut(wrapper: Any) -> bool:
    """Shut the socket of a connection, so that its thread waits no more."""
    with suppress(AttributeError, OSError, psycopg.Error):
        with socket.socket(fileno=os.dup(wrapper.connection.pgconn.socket)) as own:
            own.shutdown(socket.SHUT_RDWR)
        return True
    return False  # it has none: it is being connected, which ends by itself


def is_silent(wrapper: Any) -> bool:
    """Return whether the database leaves a new connection without any answer.

    A refusal is an answer, too: then the requests that wait have been told the same.
    """
    try:
        psycopg.connect(**wrapper.get_connection_params()).close()
    except psycopg.errors.ConnectionTimeout:
        return True
    except psycopg.Error:
        return False
    return False


def watched(application: "WSGIApplication") -> "WSGIApplication":
    """Let no request wait for a silent database for longer than twice DATABASE_CONNECT_SECONDS."""
    if connection.vendor != "postgresql":
        return application
    watch = Watch(is_silent)

    def answer(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        wrapper = connections[DEFAULT_DB_ALIAS]  # this thread's
        watch.begin(wrapper)
        try:
            return application(environ, start_response)
        finally:
            watch.end(wrapper)

    return answer
