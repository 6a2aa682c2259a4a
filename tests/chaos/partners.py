"""Referrals on their way to real counterparts of every kind while processes are killed.

Each referral goes to a partner that takes signed pushes, to OpenSSH's server, by e-mail, and into a
database. Some of these fail at random; some referrals are revoked in the middle of it. A partner
gets each push at least once, in order; each row is in one list; no message goes twice; the database
has what was last written; nothing of a revoked person is left, except where staff are notified.
"""

import json
import os
import random
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import django
import yaml

from tests import environment
from tests.chaos import shapes
from tests.chaos.killing import QUICK, killing, manage
from tests.flow.broker import Broker, running_broker
from tests.flow.portal import SECRET, Portal
from tests.services import ROOT, own_postgres

if TYPE_CHECKING:
    from tests.chaos.accounts import Accounts

FAILS = 0.1  # of what a partner or a mail server is asked
FAILURES = {
    "webhook": ["503", "429", "silent"],
    "email": ["message later", "recipient later", "silent"],
}


def run(referrals: int, seconds: float, seed: int) -> bool:
    """Kill for so long at the least; return whether every kind has kept its promise."""
    print(f"\nreal counterparts: seed {seed}, {referrals} referrals to each", flush=True)
    environment.prepare()
    chance = random.Random(seed)
    messages = [
        message
        for number in range(referrals)
        for message in shapes.messages_of(f"79{number:08}", chance, seconds)
    ]
    with everything(seed) as (portal, broker, accounts):
        began = time.monotonic()
        by_hand = shapes.a_person(accounts, messages, chance, seconds)
        with killing(portal, broker, seed) as chaos, by_hand:
            shapes.send(portal, messages)
            time.sleep(max(0.0, seconds - (time.monotonic() - began)))
            shapes.settle(accounts, seconds * shapes.LONGER)
        shapes.settle(accounts)
        print(f"killed: {chaos.shown()}; took {time.monotonic() - began:.0f} s")
        return accounts.report({m.reference: m.number for m in messages}, shapes.revoked(messages))


@contextmanager
def everything(seed: int) -> Iterator[tuple[Portal, Broker, "Accounts"]]:
    """Start all programs but the workers, which chaos starts, and the counterparts."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(TemporaryDirectory(prefix="dovetail-")))
        broker = stack.enter_context(running_broker())
        database = stack.enter_context(own_postgres())
        os.environ.update(QUICK, DATABASE_URL=database, CELERY_BROKER_URL=broker.url)
        os.environ["CAREDOVE_PASSWORD"] = shapes.CAREDOVE_PASSWORD
        os.environ["EXPORT_ROOT"] = str(directory)
        django.setup()
        from tests import counterparts
        from tests.chaos.accounts import Accounts

        found = {}
        for kind in counterparts.KINDS:
            fails = counterparts.sometimes(FAILS, seed, FAILURES.get(kind, [""]))
            folder = directory / kind if kind != "sql" else directory
            folder.mkdir(exist_ok=True)
            found[kind] = stack.enter_context(counterparts.running(kind, folder, fails))
        manage("migrate", "--verbosity", "0")
        options = {kind: one.options for kind, one in found.items()}
        manage("apply_config", str(configuration(directory, options)))
        portal = Portal(os.environ, stack)
        portal.start("web")
        portal.begin("dispatcher")
        yield portal, broker, Accounts(found)


def configuration(directory: Path, options: Mapping[str, Mapping[str, Any]]) -> Path:
    """Write a configuration in which one listing goes to a destination of each kind."""
    example = ROOT / "tests/fixtures/examples/config.yaml"
    content = yaml.safe_load(example.read_text().replace("change-me", SECRET))
    content["destinations"] = [
        {"name": kind, "organization": "812", "kind": kind, "options": dict(given)}
        for kind, given in options.items()
    ]
    content["triggers"] = [
        {"listing": "4417", "destination": kind, "on": ["received", "edited"], "mapping": "default"}
        for kind in options
    ]
    path = directory / "config.yaml"
    path.write_text(json.dumps(content))  # which is YAML, without anchors
    return path
