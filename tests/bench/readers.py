"""How long intake takes beside many readers of the directory, next to intake alone.

Set up as `docs/deploying.md` says: one gunicorn for the portal, and one for the public paths, with
a lower priority. Readers take all services as ndjson, or whole export files, one after the other;
who is sent away with 429 waits as long as `Retry-After` says. They are elsewhere in life, so their
process has a lower priority here, too. Events are sent one at a time; times are by the wall clock.
"""

import http.client
import math
import os
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.bench import figures, portal
from tests.bench.intake import serving

PATHS = {
    "streams": "/hsds/3.1/services?format=ndjson",
    "exports": "/api/v1/directory/exports/hsds-3.1-json",
}
RUN_UP = 3.0  # seconds until all readers have asked
LOWER = 5  # priority, as docs/deploying.md gives the public process
WARM_UP = 5


def measure(services: int, readers: int, events: int, rounds: int, seed: int) -> dict[str, Any]:
    """Return the 95th percentile of intake in milliseconds: alone, and beside each readers."""
    portal.start()
    portal.make()
    _plant(services)
    order = random.Random(seed)
    numbers = iter(range(sys.maxsize))
    times: dict[str, list[float]] = {"alone": [], **{name: [] for name in PATHS}}
    answers: dict[str, Counter[int]] = {name: Counter() for name in PATHS}
    with (
        serving("config.wsgi", "/fhir/$process-message") as intake,
        serving("config.wsgi", "", nice=LOWER) as public,
    ):
        _send(intake.port, numbers, WARM_UP)
        for _ in range(rounds):
            for name in order.sample(list(times), len(times)):
                if name == "alone":
                    times[name] += _send(intake.port, numbers, events)
                else:
                    with reading(public.port, PATHS[name], readers, answers[name]):
                        times[name] += _send(intake.port, numbers, events)
    return {
        "p95": {name: _p95(of) * figures.MILLISECONDS for name, of in times.items()},
        "answers": {
            name: {str(status): n for status, n in of.items()} for name, of in answers.items()
        },
    }


def _plant(services: int) -> None:
    from directory.importing.running import Options, run
    from directory.taking_in import take_in
    from tests.bench import directory

    directory.make_directory()
    with TemporaryDirectory() as folder:
        file = Path(folder) / "services.ndjson"
        directory.write_services(file, 0, services)
        report = run(file, directory.SUPPLIER, Options(partial=True))
    assert not report.problems, report.problems[:3]
    take_in()


def _send(port: int, numbers: Iterator[int], count: int) -> list[float]:
    """Send so many events of referrals of their own; return the seconds that each took."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    taken = []
    for _ in range(count):
        body = portal.message(next(numbers))
        start = time.monotonic()
        connection.request("POST", "/fhir/$process-message", body, portal.headers())
        answer = connection.getresponse()
        answer.read()
        taken.append(time.monotonic() - start)
        assert answer.status in (200, 202), answer.status
    connection.close()
    return taken


def _p95(times: list[float]) -> float:
    return sorted(times)[math.ceil(0.95 * len(times)) - 1]


# -- Readers, in a process of their own ------------------------------------------------------------


@contextmanager
def reading(port: int, path: str, readers: int, answers: Counter[int]) -> Iterator[None]:
    """Let so many readers ask within the block; add the statuses that they got to `answers`.

    Raises RuntimeError where none of them got what it asked for.
    """
    context = get_context("spawn")
    ended, found = context.Event(), context.Queue()
    process = context.Process(target=_read_until, args=(ended, found, port, path, readers))
    process.start()
    time.sleep(RUN_UP)
    try:
        yield
    finally:
        ended.set()
        counted: Counter[int] = found.get()
        process.join()
    if not counted[200]:
        raise RuntimeError(f"No reader was answered: {dict(counted)}")
    answers.update(counted)


def _read_until(ended: Any, found: Any, port: int, path: str, readers: int) -> None:
    os.nice(LOWER)
    counted: Counter[int] = Counter()
    lock = threading.Lock()

    def read() -> None:
        while not ended.is_set():
            status, wait = _read(port, path)
            with lock:
                counted[status] += 1
            ended.wait(wait)

    threads = [threading.Thread(target=read) for _ in range(readers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found.put(counted)


def _read(port: int, path: str) -> tuple[int, float]:
    """Read an answer to its end; return its status and for how long to wait."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
    try:
        connection.request("GET", path, headers={"Host": "localhost"})
        answer = connection.getresponse()
        while answer.read(64 * 1024):
            pass
        return answer.status, float(answer.headers.get("Retry-After", 0))
    finally:
        connection.close()


if __name__ == "__main__":
    figures.report(measure)
