"""The tables that Dovetail publishes, and how each dialect writes their types.

They are fixed: a change of them is a new `SCHEMA_VERSION`, and a step in `schema.UPGRADES`.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Dialect,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    TypeDecorator,
)
from sqlalchemy import Text as PlainText
from sqlalchemy.dialects import mssql, mysql
from sqlalchemy.types import TypeEngine

from integrations.usual_fields import USUAL_FIELDS

SCHEMA_VERSION = 1
LONGEST_KEY = 191  # characters: what MySQL can index of four bytes each
HASHED = "sha256:"

_BINARY = {
    "postgresql": String(LONGEST_KEY, collation="C"),
    "mysql": mysql.VARCHAR(LONGEST_KEY, charset="utf8mb4", collation="utf8mb4_bin"),
    "mssql": mssql.NVARCHAR(LONGEST_KEY, collation="Latin1_General_100_BIN2"),
    "sqlite": String(LONGEST_KEY, collation="BINARY"),
}
_LONG: dict[str, TypeEngine[str]] = {
    "mysql": mysql.LONGTEXT(charset="utf8mb4"),
    "mssql": mssql.NVARCHAR(None),
}
_INSTANT: dict[str, TypeEngine[datetime]] = {
    "postgresql": DateTime(timezone=True),
    "mysql": mysql.DATETIME(fsp=6),
    "mssql": mssql.DATETIME2(6),  # type: ignore[no-untyped-call]
}


def family(dialect: Dialect) -> str:
    """Return the name of a dialect; MariaDB's is MySQL's."""
    return "mysql" if dialect.name == "mariadb" else dialect.name


def as_key(value: str) -> str:
    """Return an id as it stands in a key: one that is too long by its hash."""
    if len(value) <= LONGEST_KEY:
        return value
    return HASHED + hashlib.sha256(value.encode("utf-8", "replace")).hexdigest()


class Key(TypeDecorator[str]):
    """An id, distinguished by every letter and its case."""

    impl = String(LONGEST_KEY)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return _BINARY[family(dialect)]


class Text(TypeDecorator[str]):
    """A text of any length."""

    impl = PlainText
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        # As it stands: a driver's own kind of text may be written as another type.
        return _LONG.get(family(dialect), PlainText())


class Instant(TypeDecorator[datetime]):
    """A moment in UTC, to the microsecond."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return _INSTANT.get(family(dialect), DateTime())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        value = value.astimezone(UTC)
        return value if family(dialect) == "postgresql" else value.replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


_TYPED: dict[str, type[TypeEngine[Any]]] = {
    "client.date_of_birth": Date,
    "appointment.start": Instant,
    "appointment.duration_minutes": Integer,
}
MAPPED = {field.key: field.key.replace(".", "_") for field in USUAL_FIELDS}
Columns = Mapping[str, type[TypeEngine[Any]]]

# Each table: how many of its columns are its key, and all of them in their order.
SHAPES: Mapping[str, tuple[int, Columns]] = {
    "referral": (
        1,
        {
            "reference": Key,
            "version": Integer,
            "changed_at": Instant,
            "organization_id": Key,
            "listing_id": Key,
            "parent_reference": Key,
            "status": Text,
            "classification": Text,
            "status_label": Text,
            "received_at": Instant,
            **{column: _TYPED.get(key, Text) for key, column in MAPPED.items()},
        },
    ),
    "event": (
        1,
        {"id": Key, "reference": Key, "type": Text, "received_at": Instant, "outcome": Text},
    ),
    "answer": (
        2,
        {
            "reference": Key,
            "position": Integer,
            "form": Text,
            "link_id": Text,
            "question": Text,
            "value": Text,
        },
    ),
    "file": (
        2,
        {
            "reference": Key,
            "position": Integer,
            "name": Text,
            "content_type": Text,
            "size": BigInteger,
            "sha256": Text,
            "category": Text,
        },
    ),
    "delivery": (
        2,
        {
            "reference": Key,
            "destination": Key,
            "state": Text,
            "cause": Text,
            "attempts": Integer,
            "done_at": Instant,
            "external_id": Text,
        },
    ),
    "partner_update": (
        3,
        {
            "reference": Key,
            "number": Integer,
            "partner": Key,
            "status": Text,
            "outcome_code": Text,
            "outcome_text": Text,
            "record_id": Text,
            "at": Instant,
        },
    ),
    "listing": (1, {"id": Key, "name": Text, "organization_id": Key, "integrated": Boolean}),
    "removed": (1, {"reference": Key, "removed_at": Instant}),
    "meta": (1, {"name": Key, "value": Text}),
}
# What is written of a referral, and removed with it.
REFERRAL = "referral"
OF_A_REFERRAL = ("referral", "event", "answer", "file", "delivery", "partner_update")
# They tell which version is there, and what belongs to which referral.
_PLAIN = {"reference", "version", "changed_at"}
NEEDED = {"version", "changed_at", "removed_at"}


def encryptable() -> list[str]:
    """Return the columns that may be encrypted, as `table.column`."""
    return [
        f"{table}.{column}"
        for table in OF_A_REFERRAL
        for place, column in enumerate(SHAPES[table][1])
        if place >= SHAPES[table][0] and column not in _PLAIN
    ]


@dataclass(frozen=True)
class Tables:
    """The tables of one destination by their names in the contract, without the prefix."""

    metadata: MetaData
    by_name: Mapping[str, Table]
    encrypted: frozenset[str]

    def __getitem__(self, name: str) -> Table:
        return self.by_name[name]


@lru_cache(maxsize=16)
def tables(prefix: str, schema: str, encrypted: tuple[str, ...] = ()) -> Tables:
    """Return the tables under a prefix, in a schema unless that is empty."""
    metadata = MetaData(schema=schema or None)
    by_name = {}
    for name, (key, columns) in SHAPES.items():
        made = [
            Column(
                column,
                Text() if f"{name}.{column}" in encrypted else kind(),
                primary_key=place < key,
                nullable=place >= key and column not in NEEDED,
                autoincrement=False,
            )
            for place, (column, kind) in enumerate(columns.items())
        ]
        by_name[name] = Table(
            prefix + name, metadata, *made, mysql_charset="utf8mb4", mysql_engine="InnoDB"
        )
    Index(f"ix_{prefix}event_reference", by_name["event"].c.reference)
    return Tables(metadata, by_name, frozenset(encrypted))
