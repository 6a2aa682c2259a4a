"""How the contract suite tries this kind out; `docs/adding-a-destination.md` explains."""

import base64
import socket
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from django.test import override_settings
from sqlalchemy import create_engine

from integrations.destinations.sql.database import schema
from integrations.destinations.sql.database.tables import tables
from integrations.destinations.sql.options import PREFIX
from integrations.transport import DeliveryError, Down, Misconfigured, Rejected

FILE = "copy.db"
KEY = base64.b64encode(bytes(range(32))).decode()
# What somebody did to the tables.
DAMAGE = {
    "another writer": "UPDATE dovetail_meta SET value = 'another' WHERE name = 'writer'",
    "a column gone": "ALTER TABLE dovetail_referral DROP COLUMN note",
    "a column added": "ALTER TABLE dovetail_referral ADD COLUMN extra TEXT",
    "a table gone": "DROP TABLE dovetail_answer",
    "a later version": "UPDATE dovetail_meta SET value = '99' WHERE name = 'schema_version'",
    "somebody else's tables": "DROP TABLE dovetail_meta",
    "refused by a trigger": "CREATE TRIGGER refuse BEFORE INSERT ON dovetail_referral "
    "BEGIN SELECT RAISE(ABORT, 'not this one'); END",
}


class StandIn:
    """A database file of its own."""

    things = 1  # of a parcel: no file leaves unless its category is allowed
    record = {
        "client.first_name": "Mireille",
        "client.last_name": "Tremblay-Okafor",
        "client.date_of_birth": "1991-06-29",
    }
    failures: dict[str, type[DeliveryError]] = {
        **dict.fromkeys(DAMAGE, Misconfigured),
        "refused by a trigger": Rejected,
        "nobody there": Down,
        "no folder": Misconfigured,
        "outside of the root": Misconfigured,
    }

    def __init__(self, folder: Path, variant: Mapping[str, Any]) -> None:
        self._folder = folder
        self.options: dict[str, Any] = {
            "url": f"sqlite:///{FILE}",
            "password": "the-password-of-the-account",
            "encryption_key": KEY,
            **variant,
        }

    def fail(self, failure: str) -> dict[str, Any]:
        if failure == "nobody there":
            return self._at(f"postgresql+psycopg://dovetail@127.0.0.1:{_unused_port()}/copy")
        if failure == "no folder":
            return self._at("sqlite:///missing/copy.db")
        if failure == "outside of the root":
            return self._at("sqlite:////tmp/copy.db")
        file = f"{failure.replace(' ', '-')}.db"
        encrypted = tuple(str(self.options.get("encrypt", "")).split())
        made = tables(PREFIX, "", encrypted)
        engine = create_engine(f"sqlite:///{self._folder / file}")
        with engine.begin() as connection:
            schema.prepare(connection, made, "")
            connection.exec_driver_sql(DAMAGE[failure])
        engine.dispose()
        return self._at(f"sqlite:///{file}")

    def _at(self, url: str) -> dict[str, Any]:
        return {**self.options, "url": url}

    def effects(self) -> list[str]:
        path = self._folder / FILE
        if not path.exists():
            return []
        with closing(sqlite3.connect(path)) as connection:
            there = connection.execute("SELECT name FROM sqlite_master").fetchall()
            if (f"{PREFIX}referral",) not in there:
                return []
            put = connection.execute("SELECT reference, version FROM dovetail_referral")
            removed = connection.execute("SELECT reference FROM dovetail_removed")
            return [f"{one} at {number}" for one, number in put] + [
                f"no {one}" for (one,) in removed
            ]


def variants() -> dict[str, dict[str, Any]]:
    """Return the set-ups that the suite tries: columns in clear, and some of them encrypted."""
    identifying = "referral.client_last_name referral.client_date_of_birth referral.note"
    return {"plain": {"prefix": PREFIX}, "encrypted": {"encrypt": identifying}}


def _unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


@contextmanager
def stand_in(folder: Path, variant: Mapping[str, Any] | None = None) -> Iterator[StandIn]:
    with override_settings(EXPORT_ROOT=str(folder), ALLOW_LOOPBACK=True):
        yield StandIn(folder, variant or {})
