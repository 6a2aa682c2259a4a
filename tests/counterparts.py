"""The real counterparts of the kinds of destinations, which keep account of all that came.

A partner that takes signed pushes, OpenSSH's server, a mail server, a database: for whatever kills
the portal's processes and then counts. Some fail at random, as a network does.
"""

import csv
import json
import random
import sqlite3
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from hashlib import sha256
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller

from integrations.destinations.email import contract as email
from integrations.destinations.webhook import contract as webhook
from tests.services import free_port, sshd

PUT, REMOVE = "put", "remove"


@dataclass(frozen=True, slots=True)
class Came:
    """One thing that came. Who sends it may know its version by its id or by its number alone."""

    reference: str
    action: str
    number: int = 0
    version: str = ""
    content: str = field(default="", repr=False)


class Counterpart(ABC):
    """What a destination of one kind sends to, and what it has in the end."""

    kind: str
    at_least_once = False  # what comes twice is known by its id
    latest_alone = False  # of earlier versions nothing is left
    removes = True

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    @abstractmethod
    def options(self) -> dict[str, Any]:
        """Return what somebody would enter for this destination."""

    @abstractmethod
    def came(self) -> list[Came]:
        """Return all that came, in its order."""

    @abstractmethod
    def left_of(self, reference: str) -> list[str]:
        """Return where something of the person is now."""

    @abstractmethod
    def clear(self) -> None:
        """Forget all that came."""


class Webhook(Counterpart):
    """A partner that checks signatures, keeps what it is sent, and deletes what it is told to."""

    kind = "webhook"
    at_least_once = True

    def __init__(self, folder: Path, partner: webhook.Partner) -> None:
        super().__init__(folder)
        self._partner = partner
        self.clear()

    @property
    def options(self) -> dict[str, Any]:
        return {"url": self._partner.url, "secrets": webhook.SECRET}

    def clear(self) -> None:
        self._partner.taken = self._taken = _Taken()

    def came(self) -> list[Came]:
        return [
            Came(
                pushed["data"]["reference"],
                REMOVE if pushed["type"] == "referral.remove" else PUT,
                pushed["data"]["version"],
                version,
                str(pushed),
            )
            for version, pushed in self._taken.pushes()
        ]

    def left_of(self, reference: str) -> list[str]:
        ours = [one for one in self.came() if one.reference == reference]
        latest = max(ours, key=lambda one: one.number, default=None)
        return [f"version {latest.number}"] if latest and latest.action == PUT else []


class _Taken(dict[str, str]):
    """What a partner has taken by its id, and beside it every push in its order."""

    def __init__(self) -> None:
        super().__init__()
        self._all: list[tuple[str, str]] = []

    def __setitem__(self, version: str, pushed: str) -> None:
        self._all.append((version, pushed))
        super().__setitem__(version, pushed)

    def pushes(self) -> Iterable[tuple[str, Any]]:
        return [(version, json.loads(pushed)) for version, pushed in self._all]


class Mail(Counterpart):
    """A mail server: whatever it has accepted is gone for good."""

    kind = "email"
    removes = False

    def __init__(self, folder: Path, mailbox: email.Mailbox, port: int) -> None:
        super().__init__(folder)
        self._mailbox, self._port = mailbox, port

    @property
    def options(self) -> dict[str, Any]:
        return {
            "smtp_host": "127.0.0.1",
            "smtp_port": self._port,
            "security": "none",
            "username": "portal",
            "password": email.PASSWORD,
            "sender": "Birchwood <referrals@birchwood.example>",
            "recipients": "intake@partner.example",
            "passphrase": email.PASSPHRASE,
        }

    def clear(self) -> None:
        self._mailbox.taken.clear()

    def came(self) -> list[Came]:
        return [Came("", PUT, version=version) for version in map(_version, self._mailbox.taken)]

    def left_of(self, reference: str) -> list[str]:
        return []  # it never says which message is whose


def _version(content: bytes) -> str:
    mail = message_from_bytes(content, policy=policy.default)
    return str(mail["Message-ID"]).strip("<>").partition("@")[0]


class Files(Counterpart):
    """A folder of OpenSSH's server, with lists and the files that belong to them."""

    kind = "sftp"

    def __init__(self, folder: Path, server: Any) -> None:
        super().__init__(folder)
        self._server = server

    @property
    def options(self) -> dict[str, Any]:
        return {
            "host": "127.0.0.1",
            "port": self._server.port,
            "username": self._server.user,
            "private_key": self._server.private_key,
            "host_key": self._server.host_key,
            "folder": str(self.folder),
            "schedule": "at_once",
        }

    def clear(self) -> None:
        for path in sorted(self.folder.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()

    def rows(self) -> dict[str, list[Came]]:
        """Return the rows of each list, by its name."""
        return {path.name: list(_rows(path)) for path in self._lists()}

    def hashes(self) -> dict[str, str]:
        """Return the SHA-256 of each list, by its name."""
        return {path.name: sha256(path.read_bytes()).hexdigest() for path in self._lists()}

    def _lists(self) -> list[Path]:
        return sorted(self.folder.glob("*.csv"))

    def came(self) -> list[Came]:
        return [row for rows in self.rows().values() for row in rows]

    def left_of(self, reference: str) -> list[str]:
        """Return the files of a referral; lists that lie there are named to staff."""
        return [str(path) for path in (self.folder / "files").glob(f"{reference}/*")]

    def unfinished(self) -> list[str]:
        return [path.name for path in self.folder.rglob(".*.part")]


def _rows(path: Path) -> Iterator[Came]:
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            number = int(row["version"])
            yield Came(row["reference"], row["action"], number, content=str(row))


class Database(Counterpart):
    """A database of SQLite: it has the latest version of each referral."""

    kind = "sql"
    latest_alone = True
    FILE = "copy.db"

    @property
    def options(self) -> dict[str, Any]:
        return {"url": f"sqlite:///{self.FILE}"}

    def clear(self) -> None:
        for path in self.folder.glob(f"{self.FILE}*"):
            path.unlink()

    def came(self) -> list[Came]:
        put = self._ask("SELECT reference, version FROM dovetail_referral")
        gone = self._ask("SELECT reference FROM dovetail_removed")
        return [Came(one, PUT, number) for one, number in put] + [
            Came(one, REMOVE) for (one,) in gone
        ]

    def left_of(self, reference: str) -> list[str]:
        tables = self._ask(
            "SELECT name FROM sqlite_master WHERE name LIKE 'dovetail\\_%' ESCAPE '\\'"
        )
        left = []
        for (table,) in tables:
            columns = {row[1] for row in self._ask(f"PRAGMA table_info({table})")}
            if "reference" in columns and table != "dovetail_removed":
                asked = f"SELECT count(*) FROM {table} WHERE reference = '{reference}'"
                left += [table] if self._ask(asked) != [(0,)] else []
        return left

    def _ask(self, asked: str) -> list[Any]:
        path = self.folder / self.FILE
        if not path.exists():
            return []
        with closing(sqlite3.connect(path, timeout=60)) as connection:
            if not connection.execute("SELECT 1 FROM sqlite_master").fetchall():
                return []
            return connection.execute(asked).fetchall()


# -- What is kept here -----------------------------------------------------------------------------


def kept_of(references: Iterable[str]) -> Iterator[str]:
    """Yield where the portal has something of people whose referrals were revoked."""
    from referrals.models import (  # only now: who imports this sets Django up later
        InboundEvent,
        Referral,
        ReferralFile,
        RegistrantName,
        StoredSummary,
        Version,
    )

    ours = Referral.objects.filter(reference__in=list(references))
    for referral in ours:
        if referral.snapshot:
            yield f"the snapshot of {referral.reference}"
    for version in Version.objects.defer(None).filter(delivery__referral__in=ours):
        if version.document or version.options or version.data or version.made_as:
            yield f"version {version.number} of {version.delivery.reference}"
    for model in (ReferralFile, StoredSummary, RegistrantName):
        if count := model.objects.filter(referral__in=ours).count():
            yield f"{count} of {model.__name__}"
    if count := InboundEvent.objects.filter(referral__in=ours, body__isnull=False).count():
        yield f"{count} events"


# -- Running them ----------------------------------------------------------------------------------

Chance = Callable[[], str]  # how the next sending fails; empty: it does not


def sometimes(rate: float, seed: int, failures: Iterable[str]) -> Chance:
    """Return what fails so often, each time in one of these ways."""
    chance, words = random.Random(seed), list(failures)
    return lambda: chance.choice(words) if chance.random() < rate else ""


class _FailingPartner(webhook.Partner):
    """Fails as it is told to, with or without having taken the push."""

    fails: Chance = staticmethod(str)

    def process_request(self, request: Any, client_address: Any) -> None:
        self.failure = self.fails() or self.failure
        super().process_request(request, client_address)


class _FailingMailbox(email.Mailbox):
    """Fails as it is told to: "silent" after it has taken the message."""

    def __init__(self, fails: Chance) -> None:
        super().__init__()
        self._fails = fails

    async def handle_MAIL(self, *given: Any) -> str:
        self.failure = self._fails()
        return await super().handle_MAIL(*given)


@contextmanager
def running(kind: str, folder: Path, fails: Chance = str) -> Iterator[Counterpart]:
    """Run the counterpart of a kind; a database lies in `folder`, which EXPORT_ROOT has to be."""
    with _RUN[kind](folder, fails) as counterpart:
        yield counterpart


@contextmanager
def _webhook(folder: Path, fails: Chance) -> Iterator[Webhook]:
    partner = _FailingPartner()
    partner.fails = fails
    threading.Thread(target=partner.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield Webhook(folder, partner)
    finally:
        partner.shutdown()
        partner.server_close()


@contextmanager
def _email(folder: Path, fails: Chance) -> Iterator[Mail]:
    mailbox, port = _FailingMailbox(fails), free_port()
    controller = Controller(
        mailbox,
        hostname="127.0.0.1",
        port=port,
        authenticator=mailbox.authenticate,
        auth_require_tls=False,
    )
    controller.start()
    try:
        yield Mail(folder, mailbox, port)
    finally:
        controller.stop()


@contextmanager
def _sftp(folder: Path, fails: Chance) -> Iterator[Files]:
    with sshd() as server:
        yield Files(folder, server)


@contextmanager
def _sql(folder: Path, fails: Chance) -> Iterator[Database]:
    yield Database(folder)


_RUN: dict[str, Callable[[Path, Chance], Any]] = {
    "webhook": _webhook,
    "email": _email,
    "sftp": _sftp,
    "sql": _sql,
}
KINDS = tuple(_RUN)
