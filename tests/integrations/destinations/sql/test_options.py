"""What can be entered, what is refused, and that no secret shows."""

import base64
import re
from pathlib import Path
from typing import Any

import pytest

from integrations.destinations.sql.database import connecting
from integrations.destinations.sql.options import SqlOptions
from integrations.destinations.sql.sealing import Seal, Unreadable
from integrations.destinations.sql.transport import SqlTransport
from integrations.transport import Misconfigured

ROOT = Path(__file__).parents[4]
KEY = base64.b64encode(bytes(range(32))).decode()
GOOD = "postgresql+psycopg://dovetail@db.example/warehouse"


def errors(**given: Any) -> dict[str, Any]:
    initial = given.pop("initial", {})
    return dict(SqlOptions({"url": GOOD, **given}, initial=initial).errors)


def test_addresses_that_lead_elsewhere_or_hold_a_secret_are_refused() -> None:
    for url in (
        "postgresql+psycopg://dovetail:secret@db.example/warehouse",
        "postgresql://dovetail@db.example/warehouse",
        "postgresql+psycopg://db.example",
        "postgresql+psycopg:///warehouse",
        "postgresql+psycopg:///warehouse?host=10.0.0.1",
        "postgresql+psycopg://db.example/warehouse?hostaddr=10.0.0.1",
        "postgresql+psycopg://db.example/warehouse?sslmode=disable",
        "postgresql+psycopg://db.example/warehouse?options=-c%20x",
        "postgresql+psycopg://a.example,b.example/warehouse",
        "postgresql+psycopg://%2Fvar%2Frun/warehouse",
        "mysql+pymysql://db.example/warehouse?unix_socket=/run/mysql",
        "mysql+pymysql://db.example/warehouse?ssl_disabled=1",
        "mysql+mysqldb://db.example/warehouse",
        "mssql+pyodbc:///?odbc_connect=x",
        "oracle://db.example/warehouse",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:///file:copy.db?uri=true",
        "https://db.example/",
        "nothing",
    ):
        assert "url" in errors(url=url), url
    for url in (
        GOOD,
        "postgresql+psycopg://dovetail@db.example:6432/warehouse?application_name=portal",
        "mysql+pymysql://dovetail@db.example/warehouse",
        "mssql+pyodbc://dovetail@db.example/warehouse?driver=ODBC+Driver+18+for+SQL+Server",
        "sqlite:///copy.db",
    ):
        assert not errors(url=url), url


def test_a_file_has_no_schemas() -> None:
    assert "schema" in errors(url="sqlite:///copy.db", schema="intake")
    assert not errors(schema="intake")


def test_columns_are_encrypted_that_exist_and_are_no_key() -> None:
    for name in ("referral.reference", "referral.version", "answer.position", "listing.name", "x"):
        assert "encrypt" in errors(encrypt=name, encryption_key=KEY), name
    assert "encryption_key" in errors(encrypt="referral.note")
    assert "encryption_key" in errors(encryption_key="c2hvcnQ=")
    form = SqlOptions(
        {"url": GOOD, "encrypt": ["referral.note", "answer.value"], "encryption_key": KEY}
    )
    assert form.is_valid()
    assert form.cleaned_data["encrypt"] == "referral.note answer.value"


def test_a_password_is_for_the_server_that_it_was_entered_for() -> None:
    stored = {"url": GOOD, "password": "secret"}
    assert not errors(initial=stored, password="")
    assert not errors(initial=stored, url=GOOD.replace("warehouse", "other"), password="")
    elsewhere = GOOD.replace("db.example", "db.elsewhere")
    assert "password" in errors(initial=stored, url=elsewhere, password="")
    assert not errors(initial=stored, url=elsewhere, password="another")


def test_a_file_lies_below_the_root_and_is_none_of_the_portals(
    tmp_path: Path, settings: Any
) -> None:
    settings.EXPORT_ROOT = str(tmp_path)
    (tmp_path / "out").symlink_to("/tmp")
    settings.DATABASES["default"]["NAME"], own = (
        str(tmp_path / "own.db"),
        settings.DATABASES["default"]["NAME"],
    )
    try:
        refused = ("../copy.db", "/tmp/copy.db", "out/copy.db", "own.db", ".", "missing/copy.db")
        for path in refused:
            with pytest.raises(Misconfigured):
                connecting.checked_file(path)
        assert connecting.checked_file("copy.db") == tmp_path / "copy.db"
    finally:
        settings.DATABASES["default"]["NAME"] = own
    settings.EXPORT_ROOT = ""
    with pytest.raises(Misconfigured):
        connecting.checked_file("copy.db")


def test_no_text_of_a_destination_holds_a_secret() -> None:
    options = {"url": GOOD, "password": "hush", "encryption_key": KEY, "encrypt": "referral.note"}
    transport = SqlTransport(options)
    texts = [repr(transport), repr(vars(transport).get("_seal")), repr(transport._tables)]
    texts.append(repr(connecting.database(transport.options)))
    assert not any("hush" in text or KEY in text for text in texts)


def test_addresses_inside_are_refused(settings: Any) -> None:
    settings.ALLOW_LOOPBACK = False
    for host in ("127.0.0.1", "10.1.2.3", "169.254.169.254", "[::1]", "100.100.100.200"):
        for scheme in ("postgresql+psycopg", "mysql+pymysql", "mssql+pyodbc"):
            with pytest.raises(Misconfigured):
                SqlTransport({"url": f"{scheme}://dovetail@{host}/warehouse"}).check()


def test_the_example_in_the_guide_decrypts_and_a_moved_value_does_not() -> None:
    guide = (ROOT / "docs" / "keeping-a-database.md").read_text()
    (example,) = re.findall(r"```python\n(.*?)```", guide, re.S)
    names: dict[str, Any] = {}
    exec(example, names)
    seal = Seal(KEY)
    for text in ("Tremblay-Okafor", "1991-06-29", "ᐃᓄᒃᑎᑐᑦ 👩🏽‍⚕️", ""):
        sealed = seal.close(text, "referral.client_last_name", "3502768696")
        assert re.fullmatch(r"dt1:[A-Za-z0-9_-]+=*", sealed)
        assert names["decrypt"](sealed, KEY, "referral.client_last_name", "3502768696") == text
        for column, reference in (
            ("referral.client_first_name", "3502768696"),
            ("referral.client_last_name", "3502768697"),
        ):
            with pytest.raises(Unreadable):
                seal.open(sealed, column, reference)
