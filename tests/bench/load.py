"""Load: `python -m tests.bench.load [--quick]`, about 35 minutes, on PostgreSQL and Redis.

One source, with its limit raised, sends many events of fewer referrals at a steady rate, and once
a burst; it waits as long as `Retry-After` says. No answer may be another than 2xx and 429, and each
referral must be in the CRMS some minutes after the last event.
"""

import argparse
import http.client
import itertools
import json
import os
import sys
import threading
import time
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests import environment
from tests.chaos.crms import SECRETS, configuration, event
from tests.chaos.killing import manage
from tests.flow.broker import running_broker
from tests.flow.crms import Crms, running_crms
from tests.flow.portal import KEY, PLAIN, SECRET, Portal
from tests.services import own_postgres

CLIENTS = 32  # connections that the sender keeps
HEADERS = {
    "Authorization": "Basic " + b64encode(f"{KEY}:{SECRET}".encode()).decode(),
    "Content-Type": "application/json",
}


@dataclass(frozen=True, slots=True)
class Load:
    """How much is sent, how fast, and within how many seconds after it all must have arrived."""

    events: int = 120_000
    referrals: int = 3_000
    rate: int = 200  # events a second
    burst: int = 1_000  # events in one second, in the middle
    patience: int = 600


QUICK = Load(400, 20, 40, 40, 120)


@dataclass
class Sender:
    """Sends each event when it is its time, from several threads."""

    load: Load
    port: int
    answers: Counter[int] = field(default_factory=Counter)
    late: float = 0.0  # seconds, of the event that was sent latest after its time

    def run(self) -> None:
        """Send all events; returns when each has been stored."""
        self._start = time.monotonic()
        self._schedule = enumerate(_times(self.load))
        self._next = threading.Lock()
        with ThreadPoolExecutor(CLIENTS) as clients:
            for done in [clients.submit(self._send) for _ in range(CLIENTS)]:
                done.result()

    def _send(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        while (due := self._take()) is not None:
            number, at = due
            time.sleep(max(0.0, self._start + at - time.monotonic()))
            self.late = max(self.late, time.monotonic() - self._start - at)
            body = json.dumps(_event(number, self.load.referrals)).encode()
            while (wait := self._post(connection, body)) is not None:
                time.sleep(wait)
        connection.close()

    def _take(self) -> tuple[int, float] | None:
        with self._next:
            return next(self._schedule, None)

    def _post(self, connection: http.client.HTTPConnection, body: bytes) -> float | None:
        """Return None, or for how long to wait before the event is sent again."""
        connection.request("POST", PLAIN, body, HEADERS)
        answer = connection.getresponse()
        answer.read()
        self.answers[answer.status] += 1
        return float(answer.headers["Retry-After"]) if answer.status == 429 else None


def _times(load: Load) -> Iterator[float]:
    """Yield, for each event, the seconds from the beginning to its time."""
    half = (load.events - load.burst) // 2
    steady = (number / load.rate for number in itertools.count())
    yield from itertools.islice(steady, half)
    yield from (half / load.rate + number / load.burst for number in range(load.burst))
    rest = load.events - half - load.burst
    yield from (half / load.rate + 1 + number / load.rate for number in range(rest))


def _event(number: int, referrals: int) -> dict[str, Any]:
    """Return the first event of a referral, or one of those that follow it."""
    turn, which = divmod(number, referrals)
    made = event(f"88{which:08}")
    made["event_id"] += f"-{turn}"
    if turn:
        made["event_type"] = "referral.edited"
        made["referral"]["registrant"]["first_name"] = f"Mireille {turn}"
    return made


def _missing(crms: Crms, load: Load) -> int:
    """Wait until each referral is in the ledger of the CRMS; return how many never came."""
    end = time.monotonic() + load.patience
    while True:
        created = (entry for entry in crms.applied() if entry["applied"] == "referral")
        there = {entry["external_reference"] for entry in created}
        missing = load.referrals - len(there)
        if not missing or time.monotonic() > end:
            return missing
        time.sleep(5)


def run(load: Load) -> bool:
    """Return whether every event was stored, and every referral arrived in time."""
    environment.prepare()
    with ExitStack() as stack:
        directory = Path(stack.enter_context(TemporaryDirectory(prefix="dovetail-")))
        broker = stack.enter_context(running_broker())
        database = stack.enter_context(own_postgres(durable=True))
        os.environ.update(
            SECRETS,
            CELERY_BROKER_URL=broker.url,
            DATABASE_URL=database,
            RATE_LIMIT_PER_MINUTE=str(100 * load.rate),
        )
        crms = stack.enter_context(running_crms(directory / "ledger.jsonl"))
        manage("migrate", "--verbosity", "0")
        manage("apply_config", str(configuration(directory, crms, bare=False)))
        portal = Portal(os.environ, stack)
        portal.start("web", "dispatcher", "worker")
        sender = Sender(load, portal.port)
        began = time.monotonic()
        sender.run()
        sent = time.monotonic() - began
        missing = _missing(crms, load)
        settled = time.monotonic() - began - sent
    print(f"{load.events} events of {load.referrals} referrals in {sent:.0f} s")
    print(
        f"answers: {dict(sender.answers)}; the latest was sent {sender.late:.1f} s after its time"
    )
    print(f"{missing} referrals missing {settled:.0f} s after the last event")
    refused = {status for status in sender.answers if status != 429 and status // 100 != 2}
    return not missing and not refused


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.bench.load", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="whether it runs; no figures to trust")
    sys.exit(not run(QUICK if parser.parse_args().quick else Load()))
