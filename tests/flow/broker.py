"""A Redis that can be killed and comes back at the same address, empty."""

import socket
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from tests.services import Program, free_port, spawn


class Broker:
    """One address, and the Redis that listens there at the moment."""

    def __init__(self, stack: ExitStack) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._stack = stack
        self._directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="dovetail-"))
        self.start()

    def start(self) -> None:
        command = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1"]
        command += ["--save", "", "--appendonly", "no", "--dir", self._directory]
        self.program = self._stack.enter_context(spawn(command, ready=self._pongs, name="redis"))

    def kill(self) -> None:
        self.program.kill()

    def _pongs(self, _: Program) -> bool:
        try:
            return bool(Redis.from_url(self.url).ping())
        except RedisConnectionError:
            return False


@contextmanager
def running_broker() -> Iterator[Broker]:
    with ExitStack() as stack:
        yield Broker(stack)


@contextmanager
def silent_broker() -> Iterator[str]:
    """Yield the URL of a broker that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as server:
        yield f"redis://127.0.0.1:{server.getsockname()[1]}/0"
