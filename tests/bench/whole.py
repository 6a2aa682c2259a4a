"""Referrals through the whole portal, from POST to CRMS, next to the naive one.

Both run their own programs on one PostgreSQL, one Redis and one stand-in CRMS. Batches go to either
in turn; what counts is the CPU time of a portal's programs and of PostgreSQL meanwhile.
"""

import http.client
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from tests.bench import figures, portal
from tests.services import PATIENCE, ROOT, answers, free_port, own_redis, prints, spawn

FILES = 3  # of each referral in the CRMS: the summary and two attachments
WARM_UP = 1
TICKS = os.sysconf("SC_CLK_TCK")
NAIVE = "tests.bench.naive.portal"
COMMANDS = dict(
    line.split(": ", maxsplit=1) for line in (ROOT / "Procfile").read_text().splitlines()
)


@dataclass
class Portal:
    """A portal whose programs run, and the seconds of CPU time that its batches took, each."""

    path: str
    port: int
    programs: list[int]
    cpu: list[float] = field(default_factory=list)

    def take(self, bodies: list[bytes], database: "Server") -> None:
        """Send the bodies, and wait until all of them are whole in the CRMS."""
        before = self._used() + database.used()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        for body in bodies:
            connection.request("POST", self.path, body, portal.headers())
            answer = connection.getresponse()
            answer.read()
            assert answer.status in (200, 202), answer.status
        connection.close()
        _wait_for(len(bodies))
        self.cpu.append((self._used() + database.used() - before) / len(bodies))

    def figures(self) -> dict[str, Any]:
        spread = sorted(self.cpu[WARM_UP:])
        return {
            "ms": statistics.median(spread) * figures.MILLISECONDS,
            "least": spread[0] * figures.MILLISECONDS,
            "most": spread[-1] * figures.MILLISECONDS,
        }

    def _used(self) -> float:
        return sum(map(_with_descendants, self.programs))


@dataclass(frozen=True)
class Server:
    """PostgreSQL: its processes come and go with connections, and their parent counts those."""

    postmaster: int

    @classmethod
    def of_this_database(cls) -> "Server":
        from django.db import connection

        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            (pid,) = cursor.fetchone()
        return cls(int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1]))

    def used(self) -> float:
        """Return the CPU seconds so far of the processes that live, and of those that ended."""
        ended = Path(f"/proc/{self.postmaster}/stat").read_text().rpartition(")")[2].split()
        return _with_descendants(self.postmaster) + sum(map(int, ended[13:15])) / TICKS


def _with_descendants(pid: int) -> float:
    try:
        return figures.cpu_seconds(pid) + sum(map(_with_descendants, figures.children(pid)))
    except OSError:
        return 0.0  # it has ended meanwhile


def _wait_for(count: int) -> None:
    """Wait until so many referrals are in the CRMS with all their files; then empty it."""
    end = time.monotonic() + PATIENCE
    while True:
        found = requests.get(f"{os.environ['BENCH_CRMS']}/sandbox/referrals", timeout=60).json()
        whole = [one for one in found["referrals"] if len(one["attachments"]) == FILES]
        if len(whole) == count:
            break
        assert time.monotonic() < end, f"{len(whole)} of {count} referrals arrived"
        time.sleep(0.2)
    requests.delete(f"{os.environ['BENCH_CRMS']}/sandbox", timeout=60).raise_for_status()


def measure(rounds: int, batch: int, seed: int) -> dict[str, Any]:
    """Return the CPU milliseconds of a referral: of the portal, and of the naive one."""
    portal.start()
    portal.make()
    order = random.Random(seed)
    with ExitStack() as stack:
        broker = stack.enter_context(own_redis())
        ours = stack.enter_context(_running(broker))
        naive = stack.enter_context(_running_naive(broker.replace("/0", "/1")))
        database = Server.of_this_database()
        for number in range(rounds + WARM_UP):
            for which, one in enumerate(order.sample([ours, naive], 2)):
                first = (2 * number + which) * batch
                one.take([portal.message(first + n) for n in range(batch)], database)
    return {"ours": ours.figures(), "naive": naive.figures()}


@contextmanager
def _running(broker: str) -> Iterator[Portal]:
    port = free_port()
    env = _environment(broker, port)
    commands = {name: f"exec {command}" for name, command in COMMANDS.items()}
    with _programs(commands, env, f"http://127.0.0.1:{port}/healthz") as pids:
        yield Portal("/fhir/$process-message", port, pids)


@contextmanager
def _running_naive(broker: str) -> Iterator[Portal]:
    port = free_port()
    env = _environment(broker, port) | {
        "BENCH_TOKEN": portal.TOKEN,
        "BENCH_SENDER": portal.headers()["Authorization"],
    }
    subprocess.run([sys.executable, "-c", f"import {NAIVE}"], cwd=ROOT, env=env, check=True)
    commands = {
        "web": f"exec {COMMANDS['web'].replace('config.wsgi', NAIVE)}",
        "worker": f"exec celery -A {NAIVE} worker --concurrency 2 --loglevel INFO",
    }
    with _programs(commands, env, f"http://127.0.0.1:{port}/") as pids:
        yield Portal("/messages", port, pids)


def _environment(broker: str, port: int) -> dict[str, str]:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return {**os.environ, "CELERY_BROKER_URL": broker, "PORT": str(port), "PATH": path}


@contextmanager
def _programs(commands: dict[str, str], env: dict[str, str], url: str) -> Iterator[list[int]]:
    ready = {"web": answers(url), "worker": prints("ready.")}
    with ExitStack() as stack:
        started = [
            stack.enter_context(spawn(["sh", "-c", command], env, ready.get(name), name=name))
            for name, command in commands.items()
        ]
        yield [program.process.pid for program in started]


if __name__ == "__main__":
    figures.report(measure)
