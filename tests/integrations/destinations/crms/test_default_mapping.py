"""The documented default mapping, field by field."""

import copy
import json
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from integrations import destinations, sources
from integrations.destinations.crms.fields import TARGET_FIELDS
from integrations.destinations.crms.transport import CrmsTransport
from mapping.editing import exchange
from mapping.engine.engine import Context, Outcome, apply

FIXTURES = Path(__file__).parents[3] / "fixtures"

EVENT_PLAIN = json.loads((FIXTURES / "documents/event-plain.json").read_text())
CREATE_BODY = json.loads((FIXTURES / "examples/crms-create-referral.json").read_text())


def mapped(document: Any, time_zone: str = "America/Toronto") -> Outcome:
    data = destinations.default_mapping("crms")
    assert data is not None
    draft = exchange.read(data)
    context = Context(ZoneInfo(time_zone), draft.value_tables, TARGET_FIELDS)
    return apply(draft.engine_rules(), document, context)


def flat(body: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for key, value in body.items():
        fields |= (
            flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
        )
    return fields


# -- The example -------------------------------------------------------------------------------


def test_the_example_event_becomes_the_example_create_body() -> None:
    assert mapped(EVENT_PLAIN).record == flat(CREATE_BODY)


def test_the_example_event_as_caredove_sends_it_does_too() -> None:
    event = sources.endpoint("caredove", "plain").reader.parse(
        (FIXTURES / "examples/event-plain.json").read_bytes()
    )
    assert mapped(event.document).record == flat(CREATE_BODY)


def test_every_documented_field_is_in_the_example() -> None:
    assert {field.key for field in TARGET_FIELDS} == set(flat(CREATE_BODY))


def test_the_example_has_no_problems() -> None:
    assert mapped(EVENT_PLAIN).problems == ()


# -- Other cases -------------------------------------------------------------------------------

REGISTRANT_CASES = [
    ("gender", "Male", "client.gender", "male", "Gender: Male", False),
    ("gender", "F", "client.gender", "female", "Gender: F", True),
    ("gender", "m", "client.gender", "male", "Gender: m", True),
    ("gender", "non-binary", "client.gender", "unknown", "Gender: non-binary", True),
    ("gender", "other", "client.gender", "other", "Gender: other", False),
    (
        "date_of_birth",
        "June 1991",
        "client.date_of_birth",
        "June 1991",
        "Date of birth: June",
        False,
    ),
    ("languages", [{"code": "iu"}], "client.preferred_language", "Inuktitut", "anguage:", False),
    ("languages", [{"code": "fr-CA"}], "client.preferred_language", "French", "fr-CA", True),
    (
        "languages",
        [{"code": "en"}, {"code": "oj", "preferred": True}],
        "client.preferred_language",
        "Ojibwe (Anishinaabemowin)",
        "Other language: English",
        True,
    ),
    (
        "languages",
        [{"code": "fr", "name": "French"}],
        "client.preferred_language",
        "French",
        "anguage:",
        False,
    ),
    (
        "phones",
        [
            {"number": "(705) 555-0190 ext 4", "use": "work"},
            {"number": "705.555.0142", "use": "home"},
        ],
        "client.phone_home",
        "705-555-0142",
        "Main phone type: home",
        True,
    ),
    (
        "phones",
        [{"number": "705-555-0142", "rank": 2}, {"number": "+33 1 42 68 53 00", "rank": 1}],
        "client.phone_home",
        "+33 1 42 68 53 00",
        "Main phone",
        False,
    ),
    (
        "phones",
        [{"number": "705-555-0142"}, {"number": "+1 705 555 0142"}, {"number": "7055550177"}],
        "client.phone_alt",
        "705-555-0177",
        "Other phone: +1 705 555 0142",
        True,
    ),
    (
        "phones",
        [{"number": "705-555-0142 poste 12"}],
        "client.phone_home",
        "705-555-0142 ext. 12",
        "Main phone",
        False,
    ),
    (
        "phones",
        [{"number": "705-555-0142 (after five)"}],
        "client.phone_home",
        "705-555-0142 (after five)",
        "Main phone",
        False,
    ),
    (
        "emails",
        [{"address": "b@example.org", "rank": 2}, {"address": "a@example.org", "rank": 1}],
        "client.email",
        "a@example.org",
        "Other e-mail: b@example.org",
        True,
    ),
    (
        "addresses",
        [{"use": "work", "city": "Sudbury"}, {"use": "home", "city": "Milltown"}],
        "client.city",
        "Milltown",
        "Other address: Sudbury (work)",
        True,
    ),
    (
        "addresses",
        [{"use": "home"}, {"use": "temp", "city": "Sudbury"}],
        "client.city",
        "Sudbury",
        "Address type: temp",
        True,
    ),
    (
        "addresses",
        [{"province": "Québec", "postal_code": "h2x1y4"}],
        "client.province",
        "QC",
        "Province:",
        False,
    ),
    ("addresses", [{"postal_code": "h2x1y4"}], "client.postal_code", "H2X 1Y4", "Postal", False),
    ("addresses", [{"postal_code": "75008"}], "client.postal_code", "75008", "Postal", False),
    ("addresses", [{"province": "Ont."}], "client.country", "CA", "Country", False),
    ("addresses", [{"country": "Canada"}], "client.country", "CA", "Country", False),
    (
        "addresses",
        [{"province": "Bavaria", "country": "Germany"}],
        "client.country",
        "Germany",
        "Country",
        False,
    ),
]


@pytest.mark.parametrize(("key", "sent", "target", "value", "words", "noted"), REGISTRANT_CASES)
def test_a_registrant_is_written_as_documented(
    key: str, sent: Any, target: str, value: str, words: str, noted: bool
) -> None:
    record = mapped({"registrant": {key: sent}}).record
    assert record[target] == value
    assert (words in str(record.get("referral_note", ""))) == noted


@pytest.mark.parametrize("province", ["Bavaria", ""])
def test_no_country_is_made_up_outside_canada(province: str) -> None:
    document: Any = {"registrant": {"addresses": [{"city": "Hof", "province": province}]}}
    assert "client.country" not in mapped(document).record


def test_several_languages_without_a_preferred_one_all_go_to_the_note() -> None:
    outcome = mapped({"registrant": {"languages": [{"code": "en"}, {"name": "Oneida"}]}})
    assert outcome.record == {
        "source": "Caredove",
        "referral_note": "Language: English\nLanguage: Oneida",
    }


APPOINTMENT_CASES = [
    ({"duration_minutes": 45}, 45, ""),
    ({"end": "2026-03-19T15:30:00-04:00"}, 60, ""),
    ({"duration_minutes": 60, "end": "2026-03-19T15:30:00-04:00"}, 60, ""),
    (
        {"duration_minutes": 50, "end": "2026-03-19T15:30:00-04:00"},
        50,
        "Appointment end: 2026-03-19 15:30 EDT",
    ),
    (
        {"end": "2026-03-19T14:00:00-04:00"},
        None,
        "Appointment end: 2026-03-19 14:00 EDT",
    ),
]


@pytest.mark.parametrize(("sent", "minutes", "note"), APPOINTMENT_CASES)
def test_the_duration_is_the_minutes_else_end_minus_start(
    sent: Any, minutes: int | None, note: str
) -> None:
    record = mapped({"appointment": {"start": "2026-03-19T18:30:00Z", **sent}}).record
    assert record.get("appointment.duration_minutes") == minutes
    assert record.get("referral_note", "") == note


def test_times_are_those_of_the_organization() -> None:
    record = mapped(EVENT_PLAIN, "America/Vancouver").record
    assert record["appointment.start"] == "2026-03-19T11:30:00-07:00"


def test_a_cancelled_appointment_stays_out_of_the_fields_and_is_in_the_note() -> None:
    document = copy.deepcopy(EVENT_PLAIN)
    document["appointment"]["status"] = "cancelled"
    record = mapped(document).record
    assert not [key for key in record if key.startswith("appointment.")]
    note = str(record["referral_note"])
    assert "Cancelled appointment start: 2026-03-19 14:30 EDT" in note
    assert "Cancelled appointment provider: Noor Haddad" in note


def test_text_that_a_field_cannot_hold_is_whole_in_the_note() -> None:
    name = "Wolfeschlegelsteinhausenbergerdorff" * 4
    outcome = mapped({"registrant": {"last_name": name}})
    assert outcome.record["client.last_name"] == name[:100]
    assert outcome.record["referral_note"] == f"Last name: {name}"
    assert "longer than 100 characters" in str(outcome.problems[0])


# -- The note's limit ------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [200, 500, 8000])
def test_the_limit_of_the_note_is_that_of_the_destination(limit: int) -> None:
    limits = {
        field.key: field.max_length for field in CrmsTransport({"note_limit": limit}).fields()
    }
    assert limits == {field.key: field.max_length for field in TARGET_FIELDS} | {
        "referral_note": limit
    }


def test_without_the_option_the_limit_is_that_of_crms() -> None:
    assert CrmsTransport({}).fields() == TARGET_FIELDS
