"""The line to the database: it can be cut, or go silent, and be whole again."""

import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit, urlunsplit

LOOK = 0.05  # seconds


class Line:
    """A TCP line between programs and the database at `url`; `here` is its address for them.

    A silent line takes new connections and loses what is sent, as a network does that drops
    packets. One that is cut refuses.
    """

    def __init__(self, url: str) -> None:
        target = urlsplit(url)
        self._target = (target.hostname or "127.0.0.1", target.port or 5432)
        self._server = self._listen(0)
        port = self._server.getsockname()[1]
        user = target.netloc.rpartition("@")[0]
        self.here = urlunsplit(target._replace(netloc=f"{user}@127.0.0.1:{port}"))
        self._port = port
        self._open: list[socket.socket] = []
        self._flows = threading.Event()
        self._flows.set()
        self._ends = threading.Event()

    def silence(self) -> None:
        self._flows.clear()

    def cut(self) -> None:
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)  # or it would accept one more
        self._server.close()
        for one in self._open:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def restore(self) -> None:
        if self._server.fileno() < 0:
            self._server = self._listen(self._port)
            self.start()
        self._flows.set()

    def start(self) -> None:
        threading.Thread(target=self._accept, args=(self._server,), daemon=True).start()

    def close(self) -> None:
        self._ends.set()
        self._flows.set()
        self.cut()

    @staticmethod
    def _listen(port: int) -> socket.socket:
        return socket.create_server(("127.0.0.1", port), backlog=128)

    def _accept(self, server: socket.socket) -> None:
        with suppress(OSError):
            while True:
                ours, _ = server.accept()
                theirs = socket.create_connection(self._target)
                self._open += [ours, theirs]
                for one, other in ((ours, theirs), (theirs, ours)):
                    threading.Thread(target=self._carry, args=(one, other), daemon=True).start()

    def _carry(self, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while not self._ends.is_set():
                if not select.select([one], [], [], LOOK)[0]:
                    continue
                self._flows.wait()
                content = one.recv(65536)
                if not content:
                    break
                other.sendall(content)
        for end in (one, other):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


@contextmanager
def line_to(url: str) -> Iterator[Line]:
    line = Line(url)
    line.start()
    try:
        yield line
    finally:
        line.close()
