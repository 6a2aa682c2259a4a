"""What is written into real databases, read back as a partner reads it."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.test import override_settings

from integrations.destinations.sql import transport
from integrations.transport import Misconfigured, Parcel
from tests.contract.ledger import Killed
from tests.integrations.destinations.sql.targets import (
    MOMENT,
    Target,
    a_parcel,
    a_removal,
    target,
)

KEY = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="


@pytest.fixture(
    params=[
        "sqlite",
        pytest.param("postgresql", marks=pytest.mark.scaled_out),
        pytest.param("mariadb", marks=[pytest.mark.scaled_out, pytest.mark.programs]),
    ],
    scope="module",
)
def database(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Target]:
    folder = tmp_path_factory.mktemp("copies")
    with override_settings(EXPORT_ROOT=str(folder)), target(request.param, folder) as started:
        yield started


@pytest.fixture
def copy(database: Target) -> Target:
    database.empty()
    return database


STRANGE = "ᐃᓄᒃᑎᑐᑦ 👩🏽‍⚕️ İstanbul 'quoted' \\back\\ %s %(x)s :name \u2028 \t tab \r\n line"
LONG = ("Élodie 👩🏽‍⚕️ ᐃᓄᒃ " * 7000)[:100_000]


def test_every_value_reads_back_as_it_was_written(copy: Target) -> None:
    longest = "r" * 191
    moment = datetime(2026, 3, 19, 18, 30, 59, 999999, UTC)
    beside: dict[str, Any] = {
        "events": [{"id": "e" * 191, "type": "x", "received_at": moment, "outcome": STRANGE}],
        "deliveries": [
            {"destination": "CRMS", "state": "imported", "attempts": 2, "done_at": moment}
        ],
        "partner_updates": [
            {"number": 1, "partner": "p", "status": "ready", "outcome_text": STRANGE, "at": moment}
        ],
    }
    answers = [
        {"form": "f", "key": "k", "label": STRANGE, "value": LONG},
        {"form": "f", "key": "none"},
        {"form": "f", "key": "k2", "label": "2", "value": " leading and trailing "},
    ]
    record = {
        "client.first_name": STRANGE,
        "client.date_of_birth": "0999-01-01",
        "appointment.start": "2026-03-19T14:30:00.000001-04:00",
        "appointment.duration_minutes": "2147483647",
        "note": LONG,
    }
    shown = {"form_answers": answers, "parent_reference": "P" * 300}
    parcel = a_parcel(longest, record=record, shown=shown, beside=beside, made_at=moment)
    assert copy.bring(parcel).rows == 1
    (row,) = copy.rows("referral")
    assert (row["reference"], row["version"], row["changed_at"]) == (longest, 1, moment)
    assert (row["client_first_name"], row["note"]) == (STRANGE, LONG)
    assert row["client_date_of_birth"] == date(999, 1, 1)
    assert row["appointment_start"] == datetime(2026, 3, 19, 18, 30, 0, 1, UTC)
    assert row["appointment_duration_minutes"] == 2147483647
    assert (row["organization_id"], row["listing_id"]) == ("812", "4417")
    assert (row["status"], row["classification"], row["status_label"]) == (
        "booked",
        "ready",
        "Ready",
    )
    assert row["received_at"] == MOMENT
    assert row["parent_reference"].startswith("sha256:")
    assert len(row["parent_reference"]) == 71
    assert row["client_middle_name"] is None
    answered = [(one["position"], one["link_id"], one["value"]) for one in copy.rows("answer")]
    assert answered == [(1, "k", LONG), (3, "k2", " leading and trailing ")]
    (event,) = copy.rows("event")
    assert event == {"reference": longest, **beside["events"][0]}
    assert copy.rows("delivery")[0]["done_at"] == moment
    assert copy.rows("partner_update")[0]["outcome_text"] == STRANGE
    assert copy.rows("listing") == [
        {"id": "4417", "name": "Adult Counselling", "organization_id": "812", "integrated": True}
    ]
    meta = {one["name"]: one["value"] for one in copy.rows("meta")}
    assert (meta["schema_version"], meta["writer"]) == ("1", "17")
    assert datetime.fromisoformat(meta["synced_at"]) > MOMENT


def test_references_that_differ_by_case_or_accent_are_two(copy: Target) -> None:
    names = ["abc", "ABC", "äbc", "abc\u0301"]
    copy.bring(*(a_parcel(name) for name in names))
    assert sorted(one["reference"] for one in copy.rows("referral")) == sorted(names)


def test_a_newer_version_takes_the_place_of_all_that_was_there(copy: Target) -> None:
    copy.bring(a_parcel(number=1), a_parcel("other"))
    copy.bring(a_parcel(number=3, shown={"form_answers": []}))
    rows = {one["reference"]: one for one in copy.rows("referral")}
    assert (rows["3502768696"]["version"], rows["3502768696"]["note"]) == (3, "version 3")
    assert rows["other"]["version"] == 1
    assert [one["reference"] for one in copy.rows("answer")] == ["other"]


def test_an_older_version_changes_nothing(copy: Target) -> None:
    copy.bring(a_parcel(number=3))
    copy.bring(a_parcel(number=2, shown={"form_answers": []}))
    copy.bring(a_removal(number=2))
    (row,) = copy.rows("referral")
    assert (row["version"], row["note"]) == (3, "version 3")
    assert len(copy.rows("answer")) == 1
    assert copy.rows("removed") == []


def test_a_run_that_is_cut_leaves_whole_referrals_and_is_carried_on(
    copy: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "AT_ONCE", 2)
    names = [f"350276860{number}" for number in range(5)]

    def parcels(killed: bool) -> Iterator[Parcel]:
        yield from (a_parcel(name) for name in names[:3])
        if killed:
            raise Killed
        yield from (a_parcel(name) for name in names[3:])

    with pytest.raises(Killed):
        copy.bring(parcels=parcels(killed=True))
    for table in ("referral", "answer"):
        assert [one["reference"] for one in copy.rows(table)] == names[:2], table
    assert copy.bring(parcels=parcels(killed=False)).rows == 5
    for table in ("referral", "answer"):
        assert [one["reference"] for one in copy.rows(table)] == names, table


def test_a_removal_leaves_nothing_but_that_it_was_removed(copy: Target) -> None:
    beside = {"events": [{"id": "e1", "received_at": MOMENT}]}
    copy.bring(a_parcel(beside=beside), a_parcel("other"))
    copy.bring(a_removal())
    copy.bring(a_removal())
    for name in ("referral", "answer"):
        assert [one["reference"] for one in copy.rows(name)] == ["other"], name
    assert copy.rows("event") == []
    at = MOMENT + timedelta(hours=2)
    assert copy.rows("removed") == [{"reference": "3502768696", "removed_at": at}]
    copy.bring(a_parcel(number=1))  # of a worker that comes late
    assert len(copy.rows("referral")) == 1
    copy.bring(a_parcel(number=3))  # made after it
    assert len(copy.rows("referral")) == 2
    assert copy.rows("removed") == []


def test_a_version_of_a_portal_that_was_restored_is_not_written(copy: Target) -> None:
    copy.bring(a_parcel(number=3, version="before"))
    later = MOMENT + timedelta(hours=9)
    for number in (2, 3):
        with pytest.raises(Misconfigured) as caught:
            copy.bring(a_parcel(number=number, made_at=later, record={"note": "other"}))
        assert "may have been restored" in caught.value.message
    same = a_parcel(number=2, made_at=later, record={"note": "version 3"})
    copy.bring(same)
    (row,) = copy.rows("referral")
    assert (row["version"], row["note"]) == (3, "version 3")


def test_a_row_that_the_database_refuses_stops_no_other(copy: Target) -> None:
    copy.bring(a_parcel("first"))
    is_sqlite = copy.options["url"].startswith("sqlite")
    if is_sqlite:
        copy.execute(
            "CREATE TRIGGER grown BEFORE INSERT ON dovetail_referral WHEN NEW.note = 'no' "
            "BEGIN SELECT RAISE(ABORT, 'not this one'); END"
        )
    else:
        copy.execute("ALTER TABLE dovetail_referral ADD CONSTRAINT grown CHECK (note <> 'no')")
    refused = a_parcel("second", record={"note": "no"})
    receipt = copy.bring(refused, a_parcel("third"), a_parcel("fourth", record=UNFIT))
    assert receipt.rows == 1
    assert set(receipt.refused) == {refused.version, "fourth-1"}
    assert "did not accept the referral" in receipt.refused[refused.version]
    assert "client_date_of_birth" in receipt.refused["fourth-1"]
    assert sorted(one["reference"] for one in copy.rows("referral")) == ["first", "third"]


UNFIT = {"client.date_of_birth": "the summer of 1991"}


def test_tables_that_somebody_changed_are_not_written_to(copy: Target) -> None:
    changes = {
        "dovetail_answer is missing": "DROP TABLE dovetail_answer",
        "dovetail_referral.note is missing": "ALTER TABLE dovetail_referral DROP COLUMN note",
        "dovetail_file.own was added": "ALTER TABLE dovetail_file ADD COLUMN own INTEGER",
        "Another destination": "UPDATE dovetail_meta SET value = '4' WHERE name = 'writer'",
        "A later version": "UPDATE dovetail_meta SET value = '9' WHERE name = 'schema_version'",
    }
    if not copy.options["url"].startswith("sqlite"):
        alter = {
            "postgresql+psycopg": "ALTER COLUMN question TYPE varchar(50)",
            "mysql+pymysql": MODIFY,
        }
        change = alter[copy.options["url"].split(":")[0]]
        changes["dovetail_answer.question is"] = f"ALTER TABLE dovetail_answer {change}"
    for words, change in changes.items():
        copy.empty()
        copy.bring(a_parcel())
        copy.execute(change)
        with pytest.raises(Misconfigured) as caught:
            copy.bring(a_parcel(number=2))
        assert words in caught.value.message
        assert copy.execute("SELECT version FROM dovetail_referral") == [(1,)]
        with pytest.raises(Misconfigured):
            copy.transport().check()


MODIFY = "MODIFY question VARCHAR(50)"


def test_tables_are_made_on_after_a_cut_and_none_of_somebody_else_is_touched(copy: Target) -> None:
    copy.bring(a_parcel())
    copy.execute(
        "DROP TABLE dovetail_answer",
        "DROP TABLE dovetail_listing",
        "UPDATE dovetail_meta SET value = '0' WHERE name = 'schema_version'",
    )
    copy.bring(a_parcel(number=2))
    assert len(copy.rows("answer")) == 1
    copy.execute("DROP TABLE dovetail_meta")
    with pytest.raises(Misconfigured) as caught:
        copy.bring(a_parcel(number=3))
    assert "Dovetail has not made them" in caught.value.message


def test_encrypted_columns_hold_no_word_and_read_back_equal(copy: Target) -> None:
    encrypt = "referral.client_last_name referral.client_date_of_birth answer.value referral.note"
    secret = {"encrypt": encrypt, "encryption_key": KEY}
    copy.bring(a_parcel(record={"note": LONG}), **secret)
    asked = "SELECT client_last_name, client_date_of_birth, note FROM dovetail_referral"
    (there,) = copy.execute(asked)
    assert all(value.startswith("dt1:") for value in there)
    (row,) = copy.rows("referral", **secret)
    assert row["client_last_name"] == "Tremblay-Okafor"
    assert row["client_date_of_birth"] == date(1991, 6, 29)
    assert row["note"] == LONG
    copy.bring(a_parcel(record={"note": LONG}), **secret)  # the same version is no other content
    assert copy.transport(**secret).check()
    later = a_parcel(number=1, made_at=MOMENT + timedelta(days=1))
    other_key = {**secret, "encryption_key": KEY.replace("MDEy", "NDEy")}
    with pytest.raises(Misconfigured) as caught:
        copy.bring(later, **other_key)
    assert "not encrypted with this key" in caught.value.message
