"""Referrals through the whole portal, from POST to CRMS, next to the naive one.

Both run their own programs on one PostgreSQL, one Redis and one stand-in CRMS. Batches go to either
in turn; what counts is the CPU time of a portal's programs and of PostgreSQL meanwhile. Then single
referrals go to idle portals, and the wall clock counts until each is created in the CRMS. On SQLite
the portal runs alone, embedded: the web server and the dispatcher, without a broker.
"""

import http.client
import os
import random
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import requests

from tests.bench import figures, pdf, portal
from tests.services import PATIENCE, ROOT, answers, free_port, own_redis, prints, spawn

FILES = 3  # of each referral in the CRMS: the summary and two attachments
WARM_UP = 1
RENDERINGS = 5  # bare ones, after each batch of the portal
QUIET = 2  # seconds before a single referral: all programs rest
IDLE = 30  # seconds without a referral, while transactions are counted
TICKS = os.sysconf("SC_CLK_TCK")
NAIVE = "tests.bench.naive.portal"
RENDERER = "referrals.summary.rendering.child"
COMMANDS = dict(
    line.split(": ", maxsplit=1) for line in (ROOT / "Procfile").read_text().splitlines()
)


class Server:
    """The database's own processes; SQLite has none."""

    def __init__(self) -> None:
        """Find PostgreSQL's parent process: the others come and go with connections."""
        from django.db import connection

        self.postmaster = 0
        if connection.vendor == "postgresql":
            pid = self._of_this_database("pg_backend_pid()")
            stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2]
            self.postmaster = int(stat.split()[1])

    def used(self) -> float:
        """Return the CPU seconds so far of the processes that live, and of those that ended."""
        if not self.postmaster:
            return 0.0
        ended = Path(f"/proc/{self.postmaster}/stat").read_text().rpartition(")")[2].split()
        living = sum(seconds for _, seconds in _with_descendants(self.postmaster))
        return living + sum(map(int, ended[13:15])) / TICKS

    def connections(self) -> int:
        """Return how many connections have been made so far."""
        return self._of_this_database("sessions")

    def transactions(self) -> int:
        """Return how many transactions have ended so far, each at least one statement."""
        return self._of_this_database("xact_commit + xact_rollback")

    def _of_this_database(self, what: str) -> int:
        from django.db import connection

        if connection.vendor != "postgresql":
            return 0
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT {what} FROM pg_stat_database WHERE datname = current_database()"
            )
            return int(cursor.fetchone()[0])


@dataclass
class Portal:
    """A portal whose programs run, and what its referrals took."""

    path: str
    port: int
    programs: dict[str, int]
    cpu: list[Counter[str]] = field(default_factory=list)  # seconds a referral, by program
    seconds: list[float] = field(default_factory=list)  # from POST to its creation, when idle

    def take(self, bodies: list[bytes], database: Server) -> None:
        """Send the bodies, and wait until all of them are whole in the CRMS."""
        before = self._used(database)
        for body in bodies:
            self._post(body)
        _wait_for(len(bodies))
        spent = self._used(database)
        spent.subtract(before)
        self.cpu.append(Counter({who: spent[who] / len(bodies) for who in spent}))

    def take_one(self, body: bytes) -> None:
        """Send one body while nothing else happens."""
        time.sleep(QUIET)
        start = datetime.now(UTC)
        self._post(body)
        (created,) = _wait_for(1)
        self.seconds.append(
            (datetime.fromisoformat(created["received_at"]) - start).total_seconds()
        )

    def figures(self) -> dict[str, Any]:
        """Return CPU milliseconds a referral (all, least, most, by program) and idle ones."""
        counted = self.cpu[WARM_UP:]
        spread = sorted(sum(one.values()) for one in counted)
        names = {who for one in counted for who in one}
        return {
            "ms": statistics.median(spread) * figures.MILLISECONDS,
            "least": spread[0] * figures.MILLISECONDS,
            "most": spread[-1] * figures.MILLISECONDS,
            "parts": {
                who: statistics.median(one[who] for one in counted) * figures.MILLISECONDS
                for who in sorted(names)
            },
            "idle": statistics.median(self.seconds) * figures.MILLISECONDS,
        }

    def memory(self) -> float:
        """Return the megabytes of all programs; what they share is counted once (PSS)."""
        pids = [pid for top in self.programs.values() for pid, _ in _with_descendants(top)]
        return sum(map(_proportional, pids))

    def _post(self, body: bytes) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request("POST", self.path, body, portal.headers())
        answer = connection.getresponse()
        answer.read()
        connection.close()
        assert answer.status in (200, 202), answer.status

    def _used(self, database: Server) -> Counter[str]:
        used = Counter({"database": database.used()})
        for name, top in self.programs.items():
            for pid, seconds in _with_descendants(top):
                used["renderer" if _renders(pid) else name] += seconds
        return used


def _with_descendants(pid: int) -> Iterator[tuple[int, float]]:
    """Yield a process and all that it started, each with its CPU seconds so far."""
    try:
        yield pid, figures.cpu_seconds(pid)
        for child in figures.children(pid):
            yield from _with_descendants(child)
    except OSError:
        return  # it has ended meanwhile


def _renders(pid: int) -> bool:
    return RENDERER.encode() in Path(f"/proc/{pid}/cmdline").read_bytes()


def _proportional(pid: int) -> float:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def _wait_for(count: int) -> list[dict[str, Any]]:
    """Wait until so many referrals are in the CRMS with all their files; empty and return it."""
    end = time.monotonic() + PATIENCE
    while True:
        found = requests.get(f"{os.environ['BENCH_CRMS']}/sandbox/referrals", timeout=60).json()
        whole = [one for one in found["referrals"] if len(one["attachments"]) == FILES]
        if len(whole) == count:
            break
        assert time.monotonic() < end, f"{len(whole)} of {count} referrals arrived"
        time.sleep(0.2)
    requests.delete(f"{os.environ['BENCH_CRMS']}/sandbox", timeout=60).raise_for_status()
    return whole


def measure(rounds: int, batch: int, singles: int, seed: int) -> dict[str, Any]:
    """Return what a referral costs the portal and, on PostgreSQL, the naive one.

    `outside` is the CPU time of a referral without intake and rendering, to a bare rendering of the
    same page; `connections` are new ones a referral; `resting` counts transactions a second while
    nothing happens; `memory` is megabytes.
    """
    portal.start()
    portal.make()
    order = random.Random(seed)
    database = Server()
    render = pdf.ours()
    rendered: list[float] = []
    made = 0
    numbers = iter(range(10**6))
    with ExitStack() as stack:
        ours, naive = _portals(stack, bool(database.postmaster))
        both = [one for one in (ours, naive) if one]
        for _ in range(rounds + WARM_UP):
            for one in order.sample(both, len(both)):
                before = database.connections()
                one.take([portal.message(next(numbers)) for _ in range(batch)], database)
                if one is ours:
                    made = database.connections() - before
            rendered += _seconds(render)
        for _ in range(singles):
            for one in order.sample(both, len(both)):
                one.take_one(portal.message(next(numbers)))
        memory = ours.memory()
        before = database.transactions()
        time.sleep(IDLE)
        resting = (database.transactions() - before) / IDLE
    bare = statistics.median(rendered) * figures.MILLISECONDS
    found = ours.figures()
    outside = found["ms"] - found["parts"]["renderer"] - found["parts"]["web"]
    return {
        "ours": found,
        "naive": naive.figures() if naive else None,
        "rendering": bare,
        "outside": outside / bare,
        "connections": made / batch,
        "resting": resting,
        "memory": memory,
    }


def _seconds(render: Callable[[], bytes]) -> Iterator[float]:
    for _ in range(RENDERINGS):
        start = time.process_time()
        render()
        yield time.process_time() - start


def _portals(stack: ExitStack, scaled_out: bool) -> tuple[Portal, Portal | None]:
    if not scaled_out:
        return stack.enter_context(_running("")), None
    broker = stack.enter_context(own_redis())
    ours = stack.enter_context(_running(broker))
    return ours, stack.enter_context(_running_naive(broker.replace("/0", "/1")))


@contextmanager
def _running(broker: str) -> Iterator[Portal]:
    port = free_port()
    env = _environment(broker, port)
    commands = {
        name: f"exec {command}" for name, command in COMMANDS.items() if broker or name != "worker"
    }
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
def _programs(commands: dict[str, str], env: dict[str, str], url: str) -> Iterator[dict[str, int]]:
    ready = {"web": answers(url), "worker": prints("ready.")}
    with ExitStack() as stack:
        started = {
            name: stack.enter_context(spawn(["sh", "-c", command], env, ready.get(name), name=name))
            for name, command in commands.items()
        }
        yield {name: program.process.pid for name, program in started.items()}


if __name__ == "__main__":
    figures.report(measure)
