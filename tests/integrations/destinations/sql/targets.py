"""Databases of partners to write into, and referrals to write."""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
from sqlalchemy import text

from integrations.destinations.sql.database import connecting
from integrations.destinations.sql.database.tables import tables
from integrations.destinations.sql.options import SqlOptions
from integrations.destinations.sql.reading import Reader
from integrations.destinations.sql.sealing import Seal
from integrations.destinations.sql.transport import SqlTransport
from integrations.transport import Action, Batch, BatchReceipt, Parcel
from tests.contract.ledger import InMemoryLedger
from tests.services import own_mariadb

MOMENT = datetime(2026, 3, 19, 18, 30, 0, 123456, UTC)
WRITER = "17"


@dataclass
class Target:
    """A database, and the transport of a destination that writes there."""

    options: dict[str, Any]

    def transport(self, **options: Any) -> SqlTransport:
        form = SqlOptions({**self.options, **options})
        assert form.is_valid(), form.errors.as_json()
        made = SqlTransport(form.cleaned_data)
        made.destination_id = WRITER
        return made

    def bring(
        self, *given: Parcel, parcels: Iterator[Parcel] | None = None, **options: Any
    ) -> BatchReceipt:
        batch = Batch(str(uuid4()), None, MOMENT, iter(given) if parcels is None else parcels)
        return self.transport(**options).deliver_batch(batch)

    def rows(self, name: str, **options: Any) -> list[dict[str, Any]]:
        """Return the rows of a table, in clear."""
        given = {**self.options, **options}
        encrypted = str(given.get("encrypt", "")).split()
        made = tables(
            given.get("prefix") or "dovetail_", given.get("schema") or "", tuple(encrypted)
        )
        seal = Seal(given["encryption_key"]) if encrypted else None
        with self._engine().connect() as connection:
            return [dict(row) for row in Reader(connection, made, seal).all(name)]

    def execute(self, *statements: str) -> list[Any]:
        """Do what a person there does; return the rows of the last statement."""
        with self._engine().begin() as connection:
            for statement in statements:
                result = connection.execute(text(statement))
            return [tuple(row) for row in result] if result.returns_rows else []

    def _engine(self) -> Any:
        return connecting.engine(connecting.database({"password": "", **self.options}))

    def empty(self) -> None:
        """Drop our tables."""
        made = tables("dovetail_", "")
        with self._engine().begin() as connection:
            made.metadata.drop_all(connection)


@contextlib.contextmanager
def target(kind: str, folder: Path) -> Iterator[Target]:
    """Yield an empty database; a file lies in `folder`, which EXPORT_ROOT has to be."""
    starts = {"sqlite": _sqlite, "postgresql": _postgresql, "mariadb": _mariadb}
    with starts[kind](folder) as made:
        yield made


@contextlib.contextmanager
def _sqlite(folder: Path) -> Iterator[Target]:
    yield Target({"url": "sqlite:///copy.db"})


@contextlib.contextmanager
def _postgresql(folder: Path) -> Iterator[Target]:
    server = urlsplit(os.environ["TEST_DATABASE_URL"])
    name = f"copy_{uuid4().hex[:8]}"
    with psycopg.connect(server.geturl(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")  # type: ignore[call-overload]
        url = f"postgresql+psycopg://{server.username}@{server.hostname}:{server.port}/{name}"
        try:
            yield Target({"url": url})
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")  # type: ignore[call-overload]


@contextlib.contextmanager
def _mariadb(folder: Path) -> Iterator[Target]:
    with own_mariadb() as port:
        url = f"mysql+pymysql://dovetail@127.0.0.1:{port}/copy"
        yield Target({"url": url, "password": "secret"})


def a_parcel(reference: str = "3502768696", number: int = 1, **given: Any) -> Parcel:
    """Return a version of a referral, made so many hours after the first one."""
    record = {
        "client.first_name": "Mireille",
        "client.last_name": "Tremblay-Okafor",
        "client.date_of_birth": "1991-06-29",
        "appointment.start": "2026-03-19T14:30:00-04:00",
        "appointment.duration_minutes": 30,
        "note": f"version {number}",
        **given.pop("record", {}),
    }
    shown: Any = {
        "reference": reference,
        "status": "booked",
        "substatus": {"classification": "ready", "label": "Ready"},
        "organization": {"id": "812", "name": "Birchwood"},
        "listing": {"id": "4417", "name": "Adult Counselling"},
        "form_answers": [{"form": "intake", "key": "q1", "label": "Alone?", "value": "yes"}],
        **given.pop("shown", {}),
    }
    made_at = given.pop("made_at", MOMENT + timedelta(hours=number))
    version = given.pop("version", f"{reference}-{number}")
    return Parcel(
        reference,
        record,
        (),
        InMemoryLedger(),
        number=number,
        version=version,
        shown=shown,
        made_at=made_at,
        received_at=MOMENT,
        **given,
    )


def a_removal(reference: str = "3502768696", number: int = 2, **given: Any) -> Parcel:
    given.setdefault("made_at", MOMENT + timedelta(hours=number))
    version = f"{reference}-{number}"
    about = {"action": Action.REMOVE, "version": version, "number": number, **given}
    return Parcel(reference, {}, (), InMemoryLedger(), **about)
