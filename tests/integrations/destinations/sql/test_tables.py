"""The tables as each dialect makes them: the types that partners rely on."""

from typing import Any

import pytest
from sqlalchemy import Connection, insert, select, text
from sqlalchemy.dialects import mssql, mysql, postgresql, sqlite
from sqlalchemy.schema import CreateTable

from integrations.destinations.sql.database import schema, tables
from integrations.transport import Misconfigured
from tests.integrations.destinations.sql.targets import Target, a_parcel

DIALECTS: dict[str, Any] = {
    "postgresql": postgresql.dialect(),
    "mysql": mysql.dialect(),
    "mssql": mssql.dialect(),
    "sqlite": sqlite.dialect(),
}
DIALECTS["mssql"].server_version_info = (16,)  # which it asks when it connects
# A key, a text, a moment, a day, a number, a large one, and yes or no.
COLUMNS = {
    "referral.reference": {
        "postgresql": 'VARCHAR(191) COLLATE "C" NOT NULL',
        "mysql": "VARCHAR(191) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL",
        "mssql": "NVARCHAR(191) COLLATE Latin1_General_100_BIN2 NOT NULL",
        "sqlite": 'VARCHAR(191) COLLATE "BINARY" NOT NULL',
    },
    "referral.note": {
        "postgresql": "TEXT",
        "mysql": "LONGTEXT CHARACTER SET utf8mb4",
        "mssql": "NVARCHAR(max) NULL",
        "sqlite": "TEXT",
    },
    "referral.changed_at": {
        "postgresql": "TIMESTAMP WITH TIME ZONE NOT NULL",
        "mysql": "DATETIME(6) NOT NULL",
        "mssql": "DATETIME2(6) NOT NULL",
        "sqlite": "DATETIME NOT NULL",
    },
    "referral.client_date_of_birth": {
        "postgresql": "DATE",
        "mysql": "DATE",
        "mssql": "DATE NULL",
        "sqlite": "DATE",
    },
    "referral.version": dict.fromkeys(DIALECTS, "INTEGER NOT NULL"),
    "file.size": {**dict.fromkeys(DIALECTS, "BIGINT"), "mssql": "BIGINT NULL"},
    "listing.integrated": {
        "postgresql": "BOOLEAN",
        "mysql": "BOOL",
        "mssql": "BIT NULL",
        "sqlite": "BOOLEAN",
    },
}


def made(table: str, dialect: str, encrypted: tuple[str, ...] = ()) -> dict[str, str]:
    """Return the columns of a table as a dialect makes them."""
    chosen = tables.tables("dovetail_", "intake", encrypted)[table]
    lines = str(CreateTable(chosen).compile(dialect=DIALECTS[dialect])).splitlines()
    pairs = (line.strip().rstrip(",").partition(" ") for line in lines)
    return {name.strip('"`[]'): kind.strip() for name, _, kind in pairs}


def test_each_dialect_has_the_types_of_the_contract() -> None:
    for column, expected in COLUMNS.items():
        table, _, name = column.partition(".")
        for dialect, kind in expected.items():
            assert made(table, dialect)[name] == kind, (column, dialect)


def test_what_is_encrypted_is_text_in_each_dialect() -> None:
    secret = ("referral.client_date_of_birth", "referral.listing_id", "file.size")
    for column in secret:
        table, _, name = column.partition(".")
        for dialect in DIALECTS:
            kind = made(table, dialect, secret)[name]
            assert kind == COLUMNS["referral.note"][dialect], (column, dialect)


def test_all_statements_can_be_written_for_sql_server() -> None:
    chosen = tables.tables("dovetail_", "intake")
    dialect = DIALECTS["mssql"]
    for table in chosen.by_name.values():
        assert f"CREATE TABLE intake.{table.name}" in str(
            CreateTable(table).compile(dialect=dialect)
        )
        assert str(insert(table).compile(dialect=dialect)).startswith("INSERT INTO intake.")
    meta, referral = chosen["meta"], chosen["referral"]
    locked = schema.locking(meta).compile(dialect=dialect)
    assert "WITH (UPDLOCK, HOLDLOCK)" in str(locked)
    page = select(referral.c.reference).order_by(referral.c.reference).limit(500)
    assert "TOP" in str(page.compile(dialect=dialect))


def test_an_upgrade_brings_tables_of_an_earlier_version_up_to_date(
    tmp_path: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.EXPORT_ROOT = str(tmp_path)
    target = Target({"url": "sqlite:///copy.db"})
    target.bring(a_parcel())
    target.execute("ALTER TABLE dovetail_referral DROP COLUMN note")

    def add_note(connection: Connection, tables: tables.Tables) -> None:
        connection.execute(text(f"ALTER TABLE {tables['referral'].name} ADD COLUMN note TEXT"))

    monkeypatch.setattr(schema, "SCHEMA_VERSION", 2)
    monkeypatch.setattr(schema, "UPGRADES", {1: add_note})
    target.bring(a_parcel(number=2))
    (row,) = target.rows("referral")
    assert (row["version"], row["note"]) == (2, "version 2")
    assert ("schema_version", "2") in target.execute("SELECT name, value FROM dovetail_meta")
    monkeypatch.undo()
    settings.EXPORT_ROOT = str(tmp_path)
    with pytest.raises(Misconfigured) as caught:  # an earlier version of this program
        target.bring(a_parcel(number=3))
    assert "A later version of Dovetail" in caught.value.message
