"""How many events a second a web server takes in, next to a bare Django view and to no Django.

The bare view checks a credential and makes one INSERT; on PostgreSQL, a WSGI function with the
driver alone does the latter. All are served by gunicorn as the Procfile starts it. Batches of
events go to each in turn. The ratios are of the server's CPU time, which other programs of the
machine cannot spoil; the events a second are by the wall clock.
"""

import http.client
import os
import random
import statistics
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.bench import figures, portal
from tests.services import ROOT, answers, free_port, spawn

CLIENTS = 4
WARM_UP = 1


@dataclass
class Server:
    """A web server under load, and what its batches took: seconds of the wall and of the CPU."""

    port: int
    path: str
    master: int
    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    def take(self, bodies: list[bytes]) -> None:
        """Send the bodies from several clients at once."""
        start, used = time.monotonic(), self._used()
        with ThreadPoolExecutor(CLIENTS) as clients:
            list(clients.map(self._send, [bodies[client::CLIENTS] for client in range(CLIENTS)]))
        self.wall.append((time.monotonic() - start) / len(bodies))
        self.cpu.append((self._used() - used) / len(bodies))

    def figures(self) -> dict[str, float]:
        return {
            "per_second": 1 / statistics.median(self.wall[WARM_UP:]),
            "ms": statistics.median(self.cpu[WARM_UP:]) * figures.MILLISECONDS,
        }

    def _used(self) -> float:
        return sum(map(figures.cpu_seconds, figures.children(self.master)))

    def _send(self, bodies: list[bytes]) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        for body in bodies:
            connection.request("POST", self.path, body, portal.headers())
            answer = connection.getresponse()
            answer.read()
            assert answer.status in (200, 202), answer.status
        connection.close()


def measure(batches: int, batch: int, seed: int) -> dict[str, Any]:
    """Return events a second and CPU milliseconds an event, of each server."""
    portal.start()
    portal.make()
    order = random.Random(seed)
    with ExitStack() as stack:
        servers = {
            "ours": stack.enter_context(serving("config.wsgi", "/fhir/$process-message")),
            "bare": stack.enter_context(serving("tests.bench.bare_portal", "/")),
        }
        if os.environ["DATABASE_URL"].startswith("postgres"):
            servers["raw"] = stack.enter_context(serving("tests.bench.raw_portal", "/"))
        for number in range(batches + WARM_UP):
            bodies = [portal.message(number * batch + one) for one in range(batch)]
            for name in order.sample(sorted(servers), len(servers)):
                servers[name].take(bodies)
    return {name: server.figures() for name, server in servers.items()}


@contextmanager
def serving(application: str, path: str, nice: int = 0) -> Iterator[Server]:
    """Run gunicorn with the options of the Procfile; a higher `nice` is a lower priority."""
    port = free_port()
    lines = (ROOT / "Procfile").read_text().splitlines()
    (web,) = (line.partition(": ")[2] for line in lines if line.startswith("web:"))
    command = ["sh", "-c", f"exec nice -n {nice} {web.replace('config.wsgi', application)}"]
    path_to = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    env = {**os.environ, "PORT": str(port), "PATH": path_to}
    with spawn(command, env, answers(f"http://127.0.0.1:{port}/healthz")) as program:
        yield Server(port, path, program.process.pid)


if __name__ == "__main__":
    figures.report(measure)
