"""Databases that do not let us in, or not as usual: each is its kind of error, in clear words."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.test import override_settings
from sqlalchemy.exc import DBAPIError

from integrations.destinations.sql.database import connecting, errors
from integrations.transport import (
    DeliveryError,
    Down,
    ErrorKind,
    Misconfigured,
    TryAgain,
)
from tests.integrations.destinations.sql.targets import Target, a_parcel, target
from tests.services import free_port

SECRET = "hush-of-the-account"


def fails(target: Target, **options: Any) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        target.bring(a_parcel(), **options)
    shown = caught.value.message + repr(caught.value) + str(caught.value.exchange)
    assert SECRET not in shown
    assert "Tremblay" not in shown
    assert caught.value.message.endswith(".")
    return caught.value


@pytest.fixture
def files(tmp_path: Path) -> Iterator[Target]:
    with override_settings(EXPORT_ROOT=str(tmp_path)), target("sqlite", tmp_path) as made:
        yield made


def test_where_nobody_listens_it_is_down() -> None:
    for scheme in ("postgresql+psycopg", "mysql+pymysql"):
        url = f"{scheme}://dovetail@127.0.0.1:{free_port()}/copy"
        error = fails(Target({"url": url, "password": SECRET}))
        assert type(error) is Down
        assert "refused" in error.reason


def test_a_file_that_is_in_use_is_tried_again(
    files: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files.bring(a_parcel())
    monkeypatch.setattr(connecting, "CONNECT_SECONDS", 0.01)
    with closing(sqlite3.connect(tmp_path / "copy.db")) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        error = fails(files)
    assert (type(error), error.kind) == (TryAgain, ErrorKind.FAILING)
    assert "using the tables" in error.message
    files.bring(a_parcel(number=2))


def test_a_file_that_is_no_database_pauses(files: Target, tmp_path: Path) -> None:
    (tmp_path / "copy.db").write_bytes(b"This is a letter, and no database." * 100)
    assert type(fails(files)) is Misconfigured


def test_what_drivers_raise_becomes_its_kind_of_error() -> None:
    class Sqlstate(Exception):
        def __init__(self, sqlstate: str) -> None:
            super().__init__("what it says, with 'Tremblay' in it")
            self.sqlstate = sqlstate

    class OperationalError(Exception):
        """As PyMySQL and psycopg name it."""

    refused = errors.RowRefused
    for given, expected, kind in (
        (Sqlstate("28P01"), Misconfigured, ErrorKind.CREDENTIALS),
        (Sqlstate("42501"), Misconfigured, ErrorKind.CREDENTIALS),
        (Sqlstate("3D000"), Misconfigured, ErrorKind.MISADDRESSED),
        (Sqlstate("42P01"), Misconfigured, ErrorKind.MISADDRESSED),
        (Sqlstate("25006"), TryAgain, ErrorKind.FAILING),
        (Sqlstate("53100"), TryAgain, ErrorKind.FAILING),
        (Sqlstate("57P01"), TryAgain, ErrorKind.FAILING),
        (Sqlstate("57014"), TryAgain, ErrorKind.SILENT),
        (Sqlstate("40P01"), TryAgain, ErrorKind.FAILING),
        (Sqlstate("08006"), TryAgain, ErrorKind.SILENT),
        (Sqlstate("XX000"), TryAgain, ErrorKind.FAILING),
        (Sqlstate("23514"), refused, None),
        (Sqlstate("P0001"), refused, None),
        (OperationalError(1045, "Access denied"), Misconfigured, ErrorKind.CREDENTIALS),
        (OperationalError(1049, "Unknown database"), Misconfigured, ErrorKind.MISADDRESSED),
        (OperationalError(1142, "INSERT denied"), Misconfigured, ErrorKind.CREDENTIALS),
        (OperationalError(1290, "--read-only"), TryAgain, ErrorKind.FAILING),
        (OperationalError(1040, "Too many connections"), TryAgain, ErrorKind.FAILING),
        (OperationalError(1213, "Deadlock found"), TryAgain, ErrorKind.FAILING),
        (OperationalError(2013, "Lost connection"), TryAgain, ErrorKind.SILENT),
        (OperationalError(4025, "CONSTRAINT failed"), refused, None),
        (OperationalError("28000", "Login failed for user"), Misconfigured, ErrorKind.CREDENTIALS),
        (OperationalError("FATAL:  accès refusé"), Misconfigured, ErrorKind.CREDENTIALS),
        (OperationalError("FATAL:  the database system is starting up"), TryAgain, None),
        (OperationalError("certificate verify failed"), Down, ErrorKind.DOWN),
        (sqlite3.OperationalError("attempt to write a readonly database"), TryAgain, None),
        (sqlite3.OperationalError("database or disk is full"), TryAgain, None),
        (sqlite3.OperationalError("no such table: x"), Misconfigured, None),
    ):
        with pytest.raises((DeliveryError, refused)) as caught, errors.translated():
            raise DBAPIError("INSERT …", {"last_name": "Tremblay"}, given)
        assert type(caught.value) is expected, given
        assert kind is None or caught.value.kind is kind, given
        if expected is TryAgain and kind is ErrorKind.SILENT:
            assert caught.value.maybe_done


@pytest.fixture(
    params=["postgresql", pytest.param("mariadb", marks=pytest.mark.programs)], scope="module"
)
def server(request: pytest.FixtureRequest, tmp_path_factory: Any) -> Iterator[Target]:
    with target(request.param, tmp_path_factory.mktemp("copies")) as started:
        yield started


@pytest.mark.scaled_out
def test_a_server_that_does_not_let_us_in_or_is_read_only(server: Target) -> None:
    server.bring(a_parcel())
    is_postgresql = server.options["url"].startswith("postgresql")
    if is_postgresql:
        name = server.options["url"].rpartition("/")[2]
        elsewhere = server.options["url"].replace(name, "nowhere")
        stranger = server.options["url"].replace("postgres@", "stranger@")
        close, reopen = (
            f"ALTER DATABASE {name} SET default_transaction_read_only = {one}"
            for one in ("on", "off")
        )
    else:
        elsewhere = server.options["url"].replace("/copy", "/nowhere")
        stranger = server.options["url"].replace("dovetail@", "stranger@")
    for options, kind in (
        ({"url": elsewhere}, ErrorKind.MISADDRESSED),
        ({"url": stranger, "password": SECRET}, ErrorKind.CREDENTIALS),
    ):
        error = fails(server, **options)
        assert (type(error), error.kind) == (Misconfigured, kind), options
    if is_postgresql:
        server.execute(close)
        try:
            error = fails(server)
        finally:
            with psycopg.connect(os.environ["TEST_DATABASE_URL"], autocommit=True) as connection:
                connection.execute(reopen)  # type: ignore[call-overload]
        assert (type(error), error.kind) == (TryAgain, ErrorKind.FAILING)
        assert "read-only" in error.message
    server.bring(a_parcel(number=2))


@pytest.mark.scaled_out
def test_a_lock_of_somebody_else_is_waited_for_only_so_long(
    server: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.bring(a_parcel())
    monkeypatch.setattr(connecting, "STATEMENT_SECONDS", 1)
    short = connecting._MYSQL_SESSION.replace("= 60", "= 1")
    monkeypatch.setattr(connecting, "_MYSQL_SESSION", short)
    holding = server._engine().connect()
    with holding, holding.begin():
        holding.exec_driver_sql("SELECT * FROM dovetail_meta FOR UPDATE")
        error = fails(server)
    assert type(error) is TryAgain
    server.bring(a_parcel(number=2))


@pytest.mark.scaled_out
def test_without_tls_and_a_trusted_certificate_nothing_is_sent(
    server: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connecting, "_is_local", lambda reached: False)
    error = fails(server)
    assert type(error) in (Misconfigured, Down)
    assert "encrypted" in error.message or isinstance(error, Down)
