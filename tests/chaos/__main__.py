"""`make chaos`: kill processes at random under load, and count what was lost and what was doubled.

    python -m tests.chaos [--referrals 300] [--seed N] [--ambiguous 0.05]

PostgreSQL, Redis, a web server, workers and a dispatcher run as the Procfile has them. While
referrals come in, workers, dispatcher and broker are killed and started again; the CRMS answers
ambiguously, ignores idempotency keys and refuses no duplicate, so whatever is sent twice is there
twice. What it can do is stated. With --bare nothing is stated and it lists no files: a person is
asked about each that is unknown. Ends with 0 when nothing was lost and nothing doubled.
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests import environment
from tests.flow.broker import Broker, running_broker
from tests.flow.crms import TOKEN, Crms, running_crms
from tests.flow.portal import SECRET, Portal
from tests.services import ROOT, own_postgres

WORKERS = 3
FILES = 3  # of each referral: the summary and two attachments
QUICK = {
    "LEASE_SECONDS": "8",
    "SETTLE_SECONDS": "0.5",
    "RETRY_SCHEDULE": ",".join(["1"] * 60),
    "CRMS_TOKEN": TOKEN,
    "CAREDOVE_PASSWORD": "unused",
}
PATIENCE = 600  # seconds, for what is left to settle once nothing is killed any more


@dataclass
class Chaos:
    """Kills and starts again, until it is told to stop."""

    portal: Portal
    broker: Broker
    random: random.Random
    stopping: threading.Event = field(default_factory=threading.Event)
    killed: Counter[str] = field(default_factory=Counter)

    def run(self) -> None:
        workers = [self.portal.begin("worker") for _ in range(WORKERS)]
        while not self.stopping.wait(self.random.uniform(1, 3)):
            choice = self.random.choices(["worker", "dispatcher", "broker"], [6, 2, 1])[0]
            self.killed[choice] += 1
            if choice == "worker":
                victim = self.random.randrange(WORKERS)
                workers[victim].kill()
                workers[victim] = self.portal.begin("worker")
            elif choice == "dispatcher":
                self.portal.program("dispatcher").kill()
                self.portal.begin("dispatcher")
            else:
                self.broker.kill()
                self.stopping.wait(self.random.uniform(1, 3))
                self.broker.start()


def main() -> int:
    options = arguments()
    print(f"seed {options.seed}, {options.referrals} referrals, ", end="")
    print(f"{options.ambiguous:.0%} of CRMS's answers ambiguous", flush=True)
    environment.prepare()
    with everything(options) as (portal, crms, broker):
        chaos = Chaos(portal, broker, random.Random(options.seed))
        thread = threading.Thread(target=chaos.run)
        thread.start()
        began = time.monotonic()
        references = send(portal, options.referrals)
        time.sleep(max(0.0, options.seconds - (time.monotonic() - began)))
        chaos.stopping.set()
        thread.join()
        states = settle(portal, references)
        return report(chaos, crms, references, states, time.monotonic() - began)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos")
    parser.add_argument("--referrals", type=int, default=300)
    parser.add_argument("--seconds", type=float, default=90, help="to go on killing, at the least")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--ambiguous", type=float, default=0.05)
    parser.add_argument("--bare", action="store_true", help="say nothing of a CRMS without a list")
    return parser.parse_args()


@contextmanager
def everything(options: argparse.Namespace) -> Iterator[tuple[Portal, Crms, Broker]]:
    """Start all programs but the workers, which chaos starts."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="dovetail-")))
        broker = stack.enter_context(running_broker())
        database = stack.enter_context(own_postgres())
        os.environ.update(QUICK, DATABASE_URL=database, CELERY_BROKER_URL=broker.url)
        fault = ["--fail-rate", str(options.ambiguous), "--seed", str(options.seed)]
        duplicates = ["--no-idempotency", "--allow-duplicates", "--hang", "5"]
        duplicates += ["--no-attachment-listing"] if options.bare else []
        ledger = directory / "ledger.jsonl"
        crms = stack.enter_context(running_crms(ledger, *fault, *duplicates))
        manage("migrate", "--verbosity", "0")
        manage("apply_config", str(configuration(directory, crms, options.bare)))
        portal = Portal(os.environ, stack)
        portal.start("web")
        portal.begin("dispatcher")
        yield portal, crms, broker


def manage(*command: str) -> None:
    subprocess.run([sys.executable, "manage.py", *command], cwd=ROOT, check=True)


def configuration(directory: Path, crms: Crms, bare: bool) -> Path:
    content = (ROOT / "tests/fixtures/examples/config.yaml").read_text()
    content = content.replace("http://127.0.0.1:9009", crms.url).replace("change-me", SECRET)
    if not bare:
        token = "token: env:CRMS_TOKEN"
        content = content.replace(token, f"{token}\n      look_up: true\n      repeat_files: false")
    path = directory / "config.yaml"
    path.write_text(content)
    return path


def send(portal: Portal, count: int) -> list[str]:
    """Post all events, each until it is stored; return their references."""
    references = [f"77{number:08}" for number in range(count)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda reference: post(portal, reference), references))
    return references


def post(portal: Portal, reference: str) -> None:
    while portal.post(event(reference)).status_code not in (200, 202):
        time.sleep(0.2)


def event(reference: str) -> dict[str, Any]:
    contents = ["aGVsbG8=", "d29ybGQ="]
    return {
        "event_id": f"evt-{reference}",
        "event_type": "referral.received",
        "organization": {"id": "812"},
        "service_listing": {"id": "4417"},
        "referral": {
            "reference": reference,
            "registrant": {
                "first_name": "Mireille",
                "last_name": f"Tremblay {reference}",
                "date_of_birth": "1991-06-29",
            },
            "attachments": [
                {"id": f"a{number}", "filename": f"{number}.txt", "data": content}
                for number, content in enumerate(contents)
            ],
        },
    }


def settle(portal: Portal, references: list[str]) -> dict[str, str]:
    """Wait until every import has ended, or needs a person; return the state of each."""
    end = time.monotonic() + PATIENCE
    states: dict[str, str] = {}
    while time.monotonic() < end:
        open_ones = [r for r in references if states.get(r) not in ("imported", "needs_attention")]
        if not open_ones:
            break
        for reference in open_ones:
            found: dict[str, Any] = portal.import_of(reference)
            states[reference] = found.get("state", "unknown")
        time.sleep(0.5)
    return states


def report(
    chaos: Chaos, crms: Crms, references: list[str], states: dict[str, str], seconds: float
) -> int:
    """Print the figures; return 0 when nothing was lost and nothing doubled."""
    there = crms.referrals()
    times = Counter(referral["external_reference"] for referral in there)
    files = Counter(
        (referral["external_reference"], file["sha256"], file["category"])
        for referral in there
        for file in referral["attachments"]
    )
    asked = [r for r in references if states.get(r) == "needs_attention"]
    lost = [r for r in references if not times[r] and r not in asked]
    few = [r for r in references if sum(k[0] == r for k in files) < FILES and r not in asked]
    doubled = [r for r, count in times.items() if count > 1]
    twice = [key for key, count in files.items() if count > 1]
    killed = ", ".join(f"{name} {count}" for name, count in sorted(chaos.killed.items()))
    print(f"killed: {killed}; took {seconds:.0f} s")
    print(f"states: {dict(Counter(states.values()))}")
    print(f"referrals: {len(lost)} lost, {len(doubled)} doubled")
    print(f"files: {len(few)} referrals with files missing, {len(twice)} files doubled")
    print(f"a person was asked about {len(asked)}")
    unsettled = [r for r in references if states.get(r) not in ("imported", "needs_attention")]
    return 1 if lost or doubled or few or twice or unsettled else 0


if __name__ == "__main__":
    sys.exit(main())
