"""Values with a unit, times without a zone, dates of birth to come, patients inside a resource."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from integrations.sources.account import texts_of
from mapping.engine.lines import lines
from tests.integrations.sources.caredove.messages import bundle, parse, plain_event, request


def answer(value) -> str:
    event = parse(plain_event(form_answers=[{"key": "1", "label": "Asked", "value": value}]))
    return event.document["form_answers"][0]["value"]


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ({"value": 5, "unit": "kg"}, "5 kg"),
        ({"value": 0, "unit": "kg"}, "0 kg"),
        ({"value": "37.5", "units": "°C"}, "37.5 °C"),
        ({"amount": 2, "unit": "packs"}, "2 packs"),
        ({"comparator": "<", "value": 5, "unit": "km"}, "<5 km"),
        ({"label": "Weight", "value": 5, "unit": "kg"}, "Weight, 5 kg"),
        ([{"value": 5, "unit": "kg"}, {"value": 11, "unit": "lb"}], "5 kg, 11 lb"),
        ({"value": "5"}, "5"),
        ({"unit": "kg"}, "Unit: kg"),
        ({"value": 5, "note": "as told"}, "5, Note: as told"),
    ],
    ids=str,
)
def test_a_number_stands_with_its_unit(value, written):
    assert answer(value) == written


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("2026-03-19T14:30", "2026-03-19 14:30 EDT"),
        ("2026-03-19T14:30:00", "2026-03-19 14:30 EDT"),
        ("2026-01-19T14:30:00.5", "2026-01-19 14:30 EST"),
        ("On 2026-03-19T14:30.", "On 2026-03-19 14:30 EDT."),
        ("2026-03-19T18:30:00Z", "2026-03-19 14:30 EDT"),
        ("2026-03-19", "2026-03-19"),
        ("2026-03-19T14:30+0500", "2026-03-19T14:30+0500"),
        ("x-2026-03-19T14:30", "x-2026-03-19T14:30"),
    ],
)
def test_a_time_in_an_answer_is_shown_in_the_organizations_zone(value, written):
    document = parse(plain_event(form_answers=[{"label": "When", "value": value}])).document
    shown = [str(line) for line in lines(document, ZoneInfo("America/Toronto"))]
    assert f"When: {written}" in shown


FAR = f"{datetime.now(UTC).year + 2}"
SOON = (datetime.now(UTC).date() + timedelta(days=40)).isoformat()


@pytest.mark.parametrize(("born", "warned"), [(FAR, True), (SOON, True), ("1991-06-29", False)])
def test_a_date_of_birth_to_come_is_sent_and_warned_of(born, warned):
    patient = {"resourceType": "Patient", "id": "p1", "birthDate": born}
    for message in (
        plain_event(registrant={"date_of_birth": born}),
        bundle(request(subject={"reference": "Patient/p1"}), patient),
    ):
        event = parse(message)
        assert event.document["registrant"]["date_of_birth"] == born
        assert [w.cause for w in event.warnings] == (["future_date"] if warned else [])


def test_today_is_no_date_to_come():
    event = parse(plain_event(registrant={"date_of_birth": date.today().isoformat()}))  # noqa: DTZ011
    assert event.warnings == ()


SAGA = {
    "resourceType": "Patient",
    "id": "p1",
    "name": [{"family": "Lindqvist", "given": ["Saga"]}],
    "birthDate": "1991-06-29",
    "identifier": [{"system": "urn:x", "value": "JHN-1"}],
}
INSIDE = {"resourceType": "Patient", "id": "sub", "maritalStatus": {"text": "Widowed"}}
OTHERS = [
    {"name": [{"family": "Hidden", "given": ["Bob"]}]},
    {"birthDate": "1950-01-02"},
    {"name": [{"given": ["Bob"]}], "identifier": [{"system": "urn:x", "value": "JHN-2"}]},
]
COPIES = [
    {"name": [{"family": "Lindqvist", "given": ["Saga", "Maria"]}]},
    {"identifier": [{"value": "JHN-1"}], "name": [{"family": "Lindqvist-Berg"}]},
    {},
]


def covering(other: dict) -> dict:
    """Return a message whose coverage contains a patient as its subscriber."""
    inside = {**INSIDE, **other}
    cover = {
        "resourceType": "Coverage",
        "id": "coverage-88231",
        "type": {"text": "Blue Plan"},
        "contained": [inside],
        "subscriber": {"reference": "#sub"},
        "beneficiary": {"reference": "Patient/p1"},
    }
    return bundle(request(subject={"reference": "Patient/p1"}), SAGA, cover)


@pytest.mark.parametrize("other", OTHERS, ids=str)
def test_another_patient_inside_a_resource_is_not_reported_as_the_registrant(other):
    event = parse(covering(other))
    written = " ".join(texts_of(event.document))
    assert "Widowed" not in written
    assert "Bob" not in written
    assert "Blue Plan" in written
    assert event.document["registrant"]["last_name"] == "Lindqvist"


@pytest.mark.parametrize("other", COPIES, ids=str)
def test_a_copy_of_the_registrant_inside_a_resource_is_reported(other):
    assert "Widowed" in " ".join(texts_of(parse(covering(other)).document))


def test_what_is_about_another_patient_inside_it_is_left_out():
    shown = {
        "resourceType": "Condition",
        "id": "condition-88231",
        "code": {"text": "SECRET"},
        "contained": [{**INSIDE, **OTHERS[0]}],
        "subject": {"reference": "#sub"},
    }
    event = parse(bundle(request(subject={"reference": "Patient/p1"}), SAGA, shown))
    assert "SECRET" not in " ".join(texts_of(event.document))
