"""Referrals on their way to every shape of destination at once while processes are killed.

Each referral goes to one demo destination of each combination of options. It is updated, some of
it after a success, sent again by hand where a person may do so, and in the end some are revoked.
What nobody can tell is asked of a person, who looks and says truthfully what is there.
"""

import json
import os
import random
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Protocol

import django
import requests
import yaml

from tests import environment
from tests.chaos.killing import PATIENCE, QUICK, killing, manage
from tests.flow.broker import Broker, running_broker
from tests.flow.portal import SECRET, Portal
from tests.services import ROOT, own_postgres

if TYPE_CHECKING:
    from tests.chaos.books import Books

SENDERS = 4
LONGER = 2  # times as long as was asked for
ANSWERS_AFTER = 0.5  # seconds: otherwise nothing would be killed between an effect and its answer
EDITS = 1, 3
REVOKED = 0.25  # of the referrals
CAREDOVE_PASSWORD = "unused"


class Person(Protocol):
    """Who sends by hand, and answers what nobody knows."""

    def send_by_hand(self, reference: str) -> bool: ...

    def answer(self) -> None: ...

    def is_settled(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent of a referral, and when: in seconds after the beginning."""

    at: float
    reference: str
    event_type: str
    number: int  # of its referral, from 1


def run(referrals: int, seconds: float, seed: int, only: str | None = None) -> bool:
    """Kill for so long at the least; return whether each version is there once, and in order."""
    print(f"\nevery shape: seed {seed}, {referrals} referrals to each", flush=True)
    environment.prepare()
    chance = random.Random(seed)
    messages = [
        message
        for number in range(referrals)
        for message in messages_of(f"78{number:08}", chance, seconds)
    ]
    with everything(only) as (portal, broker, books):
        began = time.monotonic()
        with killing(portal, broker, seed) as chaos, a_person(books, messages, chance, seconds):
            send(portal, messages)
            time.sleep(max(0.0, seconds - (time.monotonic() - began)))
            settle(books, seconds * LONGER)  # a slow machine has most of its work before it still
        settle(books)
        print(f"killed: {chaos.shown()}; took {time.monotonic() - began:.0f} s")
        return books.report({m.reference: m.number for m in messages}, revoked(messages))


def messages_of(reference: str, chance: random.Random, seconds: float) -> list[Message]:
    """Return what is sent of one referral, spread over most of the time."""
    types = ["referral.received", *["referral.edited"] * chance.randint(*EDITS)]
    if chance.random() < REVOKED:
        types.append("referral.revoked")
    times = sorted(chance.uniform(0, 0.8 * seconds) for _ in types)
    return [
        Message(at, reference, event_type, number)
        for number, (at, event_type) in enumerate(zip(times, types, strict=True), start=1)
    ]


def revoked(messages: Sequence[Message]) -> set[str]:
    return {m.reference for m in messages if m.event_type == "referral.revoked"}


@contextmanager
def everything(only: str | None) -> Iterator[tuple[Portal, Broker, "Books"]]:
    """Start all programs but the workers, which chaos starts."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(TemporaryDirectory(prefix="dovetail-")))
        broker = stack.enter_context(running_broker())
        database = stack.enter_context(own_postgres())
        os.environ.update(QUICK, DATABASE_URL=database, CELERY_BROKER_URL=broker.url)
        os.environ["CAREDOVE_PASSWORD"] = CAREDOVE_PASSWORD
        django.setup()
        from tests.chaos.books import Books, shapes

        manage("migrate", "--verbosity", "0")
        books = Books(directory, shapes(only))
        manage("apply_config", str(configuration(directory, books.options())))
        portal = Portal(os.environ, stack)
        portal.start("web")
        portal.begin("dispatcher")
        yield portal, broker, books


def configuration(directory: Path, options: dict[str, dict[str, Any]]) -> Path:
    """Write a configuration in which one listing goes to a destination for each set of options."""
    example = ROOT / "tests/fixtures/examples/config.yaml"
    content = yaml.safe_load(example.read_text().replace("change-me", SECRET))
    content["destinations"] = [
        {
            "name": name,
            "organization": "812",
            "kind": "demo",
            "options": {**of, "seconds": ANSWERS_AFTER},
        }
        for name, of in options.items()
    ]
    content["triggers"] = [
        {"listing": "4417", "destination": name, "on": ["received", "edited"], "mapping": "default"}
        for name in options
    ]
    path = directory / "config.yaml"
    path.write_text(json.dumps(content))  # which is YAML, without anchors
    return path


# -- The sender --------------------------------------------------------------------------------


def send(portal: Portal, messages: Sequence[Message]) -> None:
    """Post each when it is time, until it is stored; those of one referral in their order."""
    began = time.monotonic()
    references = sorted({message.reference for message in messages})

    def send_some(sender: int) -> None:
        its = set(references[sender::SENDERS])
        mine = (message for message in messages if message.reference in its)
        for message in sorted(mine, key=lambda message: message.at):
            time.sleep(max(0.0, message.at - (time.monotonic() - began)))
            post(portal, message)

    with ThreadPoolExecutor(SENDERS) as pool:
        list(pool.map(send_some, range(SENDERS)))


def post(portal: Portal, message: Message) -> None:
    while True:
        try:
            if portal.post(event(message)).status_code in (200, 202):
                return
        except requests.ConnectionError:
            pass
        time.sleep(0.2)


def event(message: Message) -> dict[str, Any]:
    return {
        "event_id": f"evt-{message.reference}-{message.number}",
        "event_type": message.event_type,
        "occurred_at": f"2026-03-11T10:{message.number:02}:00Z",
        "organization": {"id": "812"},
        "service_listing": {"id": "4417"},
        "referral": {
            "reference": message.reference,
            "reason": f"message {message.number}",
            "registrant": {
                "first_name": "Mireille",
                "last_name": f"Tremblay {message.reference}",
                "date_of_birth": "1991-06-29",
            },
            "attachments": [{"id": "a1", "filename": "letter.txt", "data": "aGVsbG8="}],
        },
    }


# -- People ------------------------------------------------------------------------------------


@contextmanager
def a_person(
    books: Person, messages: Sequence[Message], chance: random.Random, seconds: float
) -> Iterator[None]:
    """Let somebody send by hand what may be, for as long as the block."""
    leaving = threading.Event()
    to_send = sorted({message.reference for message in messages} - revoked(messages))
    chance.shuffle(to_send)
    pause = 0.8 * seconds / max(1, len(to_send))

    def work() -> None:
        while not leaving.wait(pause):
            if sent := next(filter(books.send_by_hand, to_send), None):
                to_send.remove(sent)

    person = threading.Thread(target=work)
    person.start()
    try:
        yield
    finally:
        leaving.set()
        person.join()


def settle(books: Person, seconds: float = PATIENCE) -> None:
    """Wait until nothing is due, and nothing is asked."""
    end = time.monotonic() + seconds
    while not books.is_settled() and time.monotonic() < end:
        books.answer()
        time.sleep(0.5)
