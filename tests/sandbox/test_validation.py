"""What the sandbox refuses in a new referral."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.rules import validation
from tests.sandbox.sender import body, changed

NOT_BORN_YET = (datetime.now(UTC) + timedelta(days=2)).date().isoformat()
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


def test_the_contracts_example_is_right():
    assert validation.errors(body()) == []


def test_a_missing_date_of_birth_is_answered_in_the_documented_words(sandbox, sender):
    answer = sender.create(body(date_of_birth=None))
    sentence = "Date of birth is required"
    assert answer.status_code == 400
    assert answer.json() == {
        "message": sentence,
        "errors": [{"field": "client.date_of_birth", "message": sentence}],
    }
    assert sandbox.referrals == []


@pytest.mark.parametrize("absent", [None, "", "  "])
@pytest.mark.parametrize("key", [field.key for field in validation.FIELDS if field.required])
def test_required_fields_are_required(key, absent):
    (error,) = validation.errors(changed(key, absent))
    assert error["field"] == key
    assert error["message"].endswith("is required")


@pytest.mark.parametrize("key", [field.key for field in validation.FIELDS if not field.required])
def test_all_other_fields_may_be_null_or_empty(key):
    assert validation.errors(changed(key, None)) == validation.errors(changed(key, "")) == []


def test_every_group_but_the_client_may_be_absent():
    content = body()
    del content["requester"], content["appointment"]
    assert validation.errors(content) == []
    del content["client"]
    assert len(validation.errors(content)) == 3


def test_several_errors_are_reported_at_once(sender):
    answer = sender.create(body(first_name="", date_of_birth="29/06/1991"))
    assert answer.json()["message"] == (
        "First name is required; Date of birth must look like 1991-06-29"
    )


@pytest.mark.parametrize(
    ("key", "wrong"),
    [
        ("client.date_of_birth", "29/06/1991"),
        ("client.date_of_birth", "1991-02-30"),
        ("client.date_of_birth", "1791-06-29"),
        ("client.date_of_birth", NOT_BORN_YET),
        ("client.date_of_birth", 19910629),
        ("client.gender", "F"),
        ("client.phone_home", "call after five"),
        ("client.phone_home", "555"),
        ("client.email", "mireille at example.org"),
        ("client.province", "Ontario"),
        ("client.province", "on"),
        ("client.postal_code", "P0A1B0"),
        ("client.postal_code", "D0A 1B0"),
        ("client.country", "Canada"),
        ("client.first_name", "x" * 101),
        ("client.first_name", {"given": "Mireille"}),
        ("client.first_name", "Mir\x00eille"),
        ("client.first_name", "Mir\ud800eille"),
        ("appointment.start", "2026-03-19T14:30:00"),
        ("appointment.start", "tomorrow"),
        ("appointment.duration_minutes", "30"),
        ("appointment.duration_minutes", True),
        ("appointment.duration_minutes", 0),
        ("referral_note", "x" * 8_001),
        ("requester.phone", "n/a"),
    ],
)
def test_a_wrong_value_is_refused_by_the_name_of_its_field(key, wrong):
    (error,) = validation.errors(changed(key, wrong))
    assert error["field"] == key


@pytest.mark.parametrize(
    ("key", "right"),
    [
        ("client.last_name", "Beauchêne-d’Arcy"),
        ("client.last_name", "ᓄᓇᕕᒃ"),
        ("client.phone_home", "+1 (705) 555-0142 ext. 12"),
        ("client.phone_home", "705.555.0142 poste 3"),
        ("program", "A program that nobody has set up"),
        ("appointment.start", "2026-03-19T18:30:00Z"),
        ("referral_note", "Reason\r\n\tAnxiété"),
    ],
)
def test_what_people_really_write_is_taken(key, right):
    assert validation.errors(changed(key, right)) == []


def test_an_address_abroad_has_its_own_rules():
    abroad = body(country="US", province="Michigan", postal_code="48226-1234")
    assert validation.errors(abroad) == []


def test_unknown_fields_are_taken(sandbox, sender):
    assert sender.create({**body(), "colour": "green"}).status_code == 201
    assert sandbox.referrals[0].body["colour"] == "green"


@pytest.mark.parametrize("group", validation.GROUPS)
def test_a_group_that_is_no_object_is_named(group):
    assert validation.errors({**body(), group: ["x"]})[0]["field"] == group


@given(JSON)
def test_any_json_is_judged(content):
    assert validation.errors(content)


@given(st.sampled_from([field.key for field in validation.FIELDS]), JSON)
def test_any_value_of_any_field_is_taken_or_named(key, value):
    assert {error["field"] for error in validation.errors(changed(key, value))} <= {key}


@pytest.mark.parametrize(
    "raw",
    [b"", b"{", b"[" * 100_000, b"\xff\xfe", b'{"external_reference": NaN}', b"9" * 5_000],
)
def test_what_is_no_json_is_refused(sandbox, sender, raw):
    headers = {"Content-Type": "application/json"}
    answer = sender.call("POST", "/api/v1/referrals", data=raw, headers=headers)
    assert (answer.status_code, answer.json()["message"]) == (400, "The body is not readable JSON")


def test_a_surrogate_in_the_reference_is_refused_in_good_order(sender):
    raw = json.dumps(changed("external_reference", "\ud800"))
    headers = {"Content-Type": "application/json"}
    answer = sender.call("POST", "/api/v1/referrals", data=raw, headers=headers)
    assert answer.status_code == 400


def test_only_json_is_read(sender):
    answer = sender.call("POST", "/api/v1/referrals", data={"external_reference": "1"})
    assert answer.status_code == 415


def test_a_create_of_more_than_4_mib_is_too_large(sender):
    answer = sender.create({**body(), "more": "x" * 4 * 1024 * 1024})
    assert answer.status_code == 413
