"""A reason is found in whatever shape it comes, and shown as plain text."""

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.http.reasons import LONGEST_REASON, reason, shortened
from tests.integrations.http.answers import answer

NO_REASON = "CRMS gave no reason (HTTP 400)."


def reason_of(body: Any, **headers: str) -> str:
    return reason(answer(400, body, **headers), "CRMS")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        # text, under whatever name and in whatever case
        ({"message": "Date of birth is required"}, "“Date of birth is required”."),
        ({"Message": "Is it Ann?"}, "“Is it Ann?”"),
        ({"ERROR_MESSAGE": "No"}, "“No”."),
        ({"error": "Postal code is not valid"}, "“Postal code is not valid”."),
        ({"detail": "The city is unknown"}, "“The city is unknown”."),
        ({"description": "The city is unknown"}, "“The city is unknown”."),
        ({"reason": "The city is unknown"}, "“The city is unknown”."),
        ("Date of birth is required", "“Date of birth is required”."),
        # nested
        ({"error": {"code": "E17", "message": "Postal code is not valid"}}, None),
        ({"data": {"error": {"detail": "Postal code is not valid"}}}, None),
        ({"data": {"message": "Postal code is not valid"}, "success": False}, None),
        ({"fault": {"faultstring": "Postal code is not valid"}}, None),
        ({"message": {"text": "Postal code is not valid"}}, None),
        ({"message": '{"error": "Postal code is not valid"}'}, None),
        # lists
        (["Postal code is not valid"], None),
        ({"errors": "Postal code is not valid"}, None),
        ({"errors": ["No a", "No b"]}, "“No a; No b”."),
        ({"errors": [{"message": "No a"}, {"message": "No b"}]}, "“No a; No b”."),
        ([{"message": "No a"}, {"Message": "No b"}], "“No a; No b”."),
        ({"message": "First", "errors": [{"message": "second"}]}, "“First; second”."),
        # by field
        ({"errors": {"dob": ["is required"]}}, "“dob is required”."),
        ({"errors": {"dob": "Enter a date."}}, "“dob: Enter a date.”"),
        ({"client": {"phone": ["Enter a number."]}}, "“client.phone: Enter a number.”"),
        ({"phone": ["Enter a number."], "dob": ["Enter a date."]}, None),
        ({"phone": "Enter a number."}, "“phone: Enter a number.”"),
        ({"errors": {"client": {"phone": ["bad"], "city": ["worse"]}}}, None),
        ({"errors": {"dob": [{"message": "required", "code": "x"}]}}, "“dob required”."),
        ({"errors": [{"field": "dob", "message": "is required"}]}, "“dob is required”."),
        ({"Errors": [{"Field": "DOB", "Message": "Date needed"}]}, "“DOB: Date needed”."),
        ({"errors": [{"dob": "is required"}]}, "“dob is required”."),
        ({"errors": [{"field": "dob", "code": "required"}]}, "“dob required”."),
        ({"detail": [{"loc": ["body", "client", "dob"], "msg": "required"}]}, None),
        ({"errors": [{"source": {"pointer": "/data/attributes/dob"}, "detail": "No"}]}, None),
        ({"invalid-params": [{"name": "age", "reason": "too low"}]}, "“age too low”."),
        ({"non_field_errors": ["Dates do not match"]}, "“Dates do not match”."),
        ({"errors": {"id": ["Postal code is invalid"]}}, "“id: Postal code is invalid”."),
        # the particular wins over the general
        ({"title": "Bad Request", "detail": "The city is unknown"}, "“The city is unknown”."),
        ({"title": "Bad Request"}, "“Bad Request”."),
        ({"error": "invalid_request", "error_description": "The city is unknown"}, None),
        (
            {"title": "One or more validation errors occurred.", "errors": {"Dob": ["is missing"]}},
            "“Dob is missing”.",
        ),
        ({"message": "Validation failed", "errors": [{"field": "a", "message": "No"}]}, "“a: No”."),
        # by language
        ({"message": {"fr": "Non", "en": "No"}}, "“No”."),
        ({"errors": {"dob": {"fr-CA": "Non", "en-CA": "No"}}}, "“dob: No”."),
        # OperationOutcome
        (
            {"resourceType": "OperationOutcome", "issue": [{"details": {"text": "Wrong code"}}]},
            "“Wrong code”.",
        ),
        ({"issue": [{"severity": "error", "diagnostics": "Line 7"}]}, "“Line 7”."),
        ({"issue": [{"diagnostics": "No dob", "expression": ["Patient.birthDate"]}]}, None),
        # text that is no JSON
        (b"Date of birth\nis required\n", "“Date of birth is required”."),
        (b"<html><style>p{}</style><body><h1>Too large</h1><hr>nginx", "“Too large nginx”."),
        (b"<p>Postal code</p><p>is not <b>valid</b>.</p><script>x()</script>", None),
        (b"<error><code>E17</code><message>No city</message></error>", "“E17 No city”."),
        (b"<?xml version='1.0'?><E><M><![CDATA[Fish & chips]]></M></E>", "“Fish & chips”."),
        (b"<html><head><title>Sign in</title></head><body></body></html>", "“Sign in”."),
        (b"Donn\xe9e refus\xe9e", "“Donnée refusée”."),
        # nothing to read
        (b"", NO_REASON),
        (b"   ", NO_REASON),
        (b"null", NO_REASON),
        (b"<html></html>", NO_REASON),
        ({}, NO_REASON),
        ([], NO_REASON),
        (7, NO_REASON),
        ({"message": None, "errors": [], "status": 400, "id": "RF-1"}, NO_REASON),
        ({"errors": [None, 7, {"message": 7}], "issue": {"details": 7}}, NO_REASON),
    ],
)
def test_what_is_stated_is_reported(body: Any, words: str | None):
    found = reason_of(body)
    if words is not None:
        assert found == words
    else:
        assert all(word in found for word in _leaves(body)), found


def _leaves(body: Any) -> list[str]:
    """Return the words that each of these bodies has to tell."""
    text = str(body)
    known = ("Postal code", "not valid", "Enter a number", "Enter a date", "bad", "worse", "No dob")
    named = ("client.dob", "client.phone", "client.city", "Patient.birthDate", "The city is")
    dotted = [name for name in named if all(part in text for part in name.split("."))]
    return [word for word in (*known, *dotted) if word in text or word in dotted]


def test_markup_and_entities_do_not_show():
    assert reason_of({"message": "<b>Age</b> &lt; 18 &amp; born"}) == "“Age < 18 & born”."
    assert reason_of(b"<p>caf&eacute;&nbsp;&#8211; no</p>") == "“café – no”."


def test_a_reason_cannot_play_tricks_on_the_screen():
    assert reason_of({"message": "a\u202eb\x1b[31m\0c\n\nd"}) == "“ab [31m c d”."


def test_a_long_reason_is_cut_at_a_word():
    shown = reason_of({"message": "required " * 200})
    assert len(shown) <= LONGEST_REASON + len("“”.")
    assert shown.endswith("required…”")
    assert reason_of(b"x" * 900) == f"“{'x' * 499}…”"


def test_what_is_repeated_of_the_request_is_no_reason():
    shown = reason_of({"message": "No", "request": {"client": {"aliases": ["Mireille"]}}})
    assert shown == "“No”."


def test_a_declared_character_set_is_used():
    assert (
        reason_of("Donnée".encode("latin-1"), Content_Type="text/plain; charset=latin1")
        == "“Donnée”."
    )
    assert reason_of("Donnée".encode("utf-16"), Content_Type="application/json") == "“Donnée”."


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b"<script>" * 20_000,
        b"<!--" * 20_000,
        b"<a '" * 20_000,
        b"&" * 60_000,
        b'{"errors":' * 900 + b'"x"' + b"}" * 900,
        b"<![CDATA[" * 10_000,
    ],
)
def test_a_hostile_body_costs_little(body: bytes):
    begun = time.process_time()
    assert reason_of(body)
    assert time.process_time() - begun < 2


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["message", "errors", "error", "field", "detail", "issue", "dob", "en"])
            | st.text(),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(json_values | st.binary(max_size=200))
def test_whatever_is_answered_a_reason_is_a_sentence_that_can_be_stored(body: Any):
    found = reason_of(body)
    assert found.encode()
    assert found.endswith((".", "”"))
    assert "\0" not in found
    assert len(found) <= LONGEST_REASON + len("“”.")


@given(st.text(), st.integers(20, 100))
def test_shortened_is_no_longer_than_its_limit_and_on_one_line(words: str, limit: int):
    found = shortened(words, limit)
    assert len(found) <= limit
    assert "\n" not in found
