"""Referrals on their way to CRMS while processes are killed: lost, doubled, or there once?

The CRMS answers ambiguously, ignores idempotency keys and refuses no duplicate, so whatever is sent
twice is there twice. What it can do is stated; of a bare one nothing is stated and it lists no
files, so a person is asked about each that is unknown.
"""

import os
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests import environment
from tests.chaos.killing import PATIENCE, QUICK, Chaos, killing, manage
from tests.flow.broker import Broker, running_broker
from tests.flow.crms import TOKEN, Crms, running_crms
from tests.flow.portal import SECRET, Portal
from tests.services import ROOT, own_postgres

FILES = 3  # of each referral: the summary and two attachments
SECRETS = {"CRMS_TOKEN": TOKEN, "CAREDOVE_PASSWORD": "unused"}


def run(referrals: int, seconds: float, seed: int, ambiguous: float, *, bare: bool) -> bool:
    """Kill for so long at the least; return whether nothing was lost and nothing doubled."""
    what = "a bare CRMS" if bare else "CRMS"
    print(f"\n{what}: seed {seed}, {referrals} referrals, ", end="")
    print(f"{ambiguous:.0%} of its answers ambiguous", flush=True)
    environment.prepare()
    with everything(seed, ambiguous, bare=bare) as (portal, crms, broker):
        began = time.monotonic()
        with killing(portal, broker, seed) as chaos:
            references = send(portal, referrals)
            time.sleep(max(0.0, seconds - (time.monotonic() - began)))
        states = settle(portal, references)
        return report(chaos, crms, references, states, time.monotonic() - began)


@contextmanager
def everything(seed: int, ambiguous: float, *, bare: bool) -> Iterator[tuple[Portal, Crms, Broker]]:
    """Start all programs but the workers, which chaos starts."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(TemporaryDirectory(prefix="dovetail-")))
        broker = stack.enter_context(running_broker())
        database = stack.enter_context(own_postgres())
        os.environ.update(QUICK, **SECRETS, DATABASE_URL=database, CELERY_BROKER_URL=broker.url)
        fault = ["--fail-rate", str(ambiguous), "--seed", str(seed)]
        duplicates = ["--no-idempotency", "--allow-duplicates", "--hang", "5"]
        duplicates += ["--no-attachment-listing"] if bare else []
        ledger = directory / "ledger.jsonl"
        crms = stack.enter_context(running_crms(ledger, *fault, *duplicates))
        manage("migrate", "--verbosity", "0")
        manage("apply_config", str(configuration(directory, crms, bare)))
        portal = Portal(os.environ, stack)
        portal.start("web")
        portal.begin("dispatcher")
        yield portal, crms, broker


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
) -> bool:
    """Print the figures; return whether nothing was lost and nothing doubled."""
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
    print(f"killed: {chaos.shown()}; took {seconds:.0f} s")
    print(f"states: {dict(Counter(states.values()))}")
    print(f"referrals: {len(lost)} lost, {len(doubled)} doubled")
    print(f"files: {len(few)} referrals with files missing, {len(twice)} files doubled")
    print(f"a person was asked about {len(asked)}")
    unsettled = [r for r in references if states.get(r) not in ("imported", "needs_attention")]
    return not (lost or doubled or few or twice or unsettled)
