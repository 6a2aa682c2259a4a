"""What each answer of CRMS means, and the words that staff read."""

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.outbound import Answer
from integrations.destinations.crms.answers import (
    Call,
    FileRefused,
    ReferralGone,
    error_for,
    exchange,
    readable_id,
    reason,
    retry_after,
)
from integrations.transport import DeliveryError, Misconfigured, Rejected, TryAgain, Unconfirmed

NO_REASON = "the system gave no reason (HTTP 400)."


def answer(status: int, body: Any = b"", **headers: str) -> Answer:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, named, content, truncated=False)


# -- The table -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "status", "error"),
    [
        (Call.CREATE, 400, Rejected),
        (Call.CREATE, 422, Rejected),
        (Call.CREATE, 413, Rejected),
        (Call.CREATE, 415, Rejected),
        (Call.CREATE, 406, Rejected),
        (Call.CREATE, 451, Rejected),
        (Call.CREATE, 401, Misconfigured),
        (Call.CREATE, 403, Misconfigured),
        (Call.CREATE, 404, Misconfigured),
        (Call.CREATE, 405, Misconfigured),
        (Call.CREATE, 301, Misconfigured),
        (Call.CREATE, 307, Misconfigured),
        (Call.CREATE, 409, Unconfirmed),
        (Call.CREATE, 200, Unconfirmed),
        (Call.CREATE, 204, Unconfirmed),
        (Call.CREATE, 408, TryAgain),
        (Call.CREATE, 425, TryAgain),
        (Call.CREATE, 429, TryAgain),
        (Call.CREATE, 500, TryAgain),
        (Call.CREATE, 502, TryAgain),
        (Call.CREATE, 503, TryAgain),
        (Call.CREATE, 504, TryAgain),
        (Call.CREATE, 599, TryAgain),
        (Call.CREATE, 999, TryAgain),
        (Call.FILE, 400, FileRefused),
        (Call.FILE, 422, FileRefused),
        (Call.FILE, 401, Misconfigured),
        (Call.FILE, 403, Misconfigured),
        (Call.FILE, 404, ReferralGone),
        (Call.FILE, 410, ReferralGone),
        (Call.FILE, 409, Unconfirmed),
        (Call.FILE, 413, FileRefused),
        (Call.FILE, 415, FileRefused),
        (Call.FILE, 201, Unconfirmed),
        (Call.FILE, 429, TryAgain),
        (Call.FILE, 503, TryAgain),
        (Call.LOOK_UP, 200, TryAgain),
        (Call.LOOK_UP, 400, Misconfigured),
        (Call.LOOK_UP, 401, Misconfigured),
        (Call.LOOK_UP, 404, Misconfigured),
        (Call.LOOK_UP, 429, TryAgain),
        (Call.LOOK_UP, 500, TryAgain),
        (Call.PING, 302, Misconfigured),
        (Call.PING, 401, Misconfigured),
        (Call.PING, 404, Misconfigured),
        (Call.PING, 429, TryAgain),
        (Call.PING, 503, TryAgain),
    ],
)
def test_each_answer_is_the_error_of_those_who_must_act(
    call: Call, status: int, error: type[DeliveryError]
) -> None:
    assert type(error_for(call, answer(status, {"message": "No"}))) is error


@pytest.mark.parametrize(
    ("call", "status", "told"),
    [
        (Call.CREATE, 400, "CRMS did not accept the referral"),
        (Call.CREATE, 401, "CRMS does not accept the credentials"),
        (Call.CREATE, 307, "at another address"),
        (Call.CREATE, 429, "CRMS asks to wait"),
        (Call.CREATE, 503, "CRMS has a problem of its own"),
        (Call.PING, 503, "CRMS has a problem of its own"),
        (Call.FILE, 404, "CRMS no longer has referral RF-20931"),
        (Call.FILE, 413, "CRMS refused this file"),
    ],
)
def test_staff_are_told_what_happened_in_the_words_of_crms(
    call: Call, status: int, told: str
) -> None:
    said = {"message": "As CRMS says it"}
    error = error_for(call, answer(status, said), referral="RF-20931")
    assert told in error.message
    assert "“As CRMS says it”" in error.message


@given(st.sampled_from(Call), st.integers(100, 999), st.binary(max_size=100))
def test_every_answer_whatever_it_is_has_a_meaning(call: Call, status: int, body: bytes) -> None:
    error = error_for(call, answer(status, body))
    assert error.message.endswith((".", "”"))
    assert error.exchange.status == status


def test_of_a_redirect_only_the_place_is_shown() -> None:
    moved = answer(302, Location="https://login.example/in?token=abc#x")
    message = error_for(Call.CREATE, moved).message
    assert "(https://login.example/in)" in message


def test_the_connection_test_speaks_of_no_referral() -> None:
    for status in (301, 401, 404, 429, 503, 999):
        assert "referral" not in error_for(Call.PING, answer(status)).message


def test_only_what_the_server_failed_at_may_have_happened() -> None:
    assert error_for(Call.CREATE, answer(500)).maybe_done
    assert error_for(Call.FILE, answer(504)).maybe_done
    assert error_for(Call.CREATE, answer(200)).maybe_done
    assert not error_for(Call.CREATE, answer(429)).maybe_done
    assert not error_for(Call.CREATE, answer(400)).maybe_done
    assert not error_for(Call.CREATE, answer(401)).maybe_done
    assert not error_for(Call.FILE, answer(404)).maybe_done
    assert not error_for(Call.FILE, answer(413)).maybe_done


# -- The reason ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"message": "Date of birth is required"}, "“Date of birth is required”."),
        ({"message": "Is it Ann?"}, "“Is it Ann?”"),
        ({"message": "First", "errors": [{"message": "second"}]}, "“First”."),
        ({"message": " ", "errors": [{"field": "a", "message": "No a"}]}, "“No a”."),
        ({"message": None, "errors": [{"message": "No a"}, {"message": "No b"}]}, "“No a; No b”."),
        (
            {"resourceType": "OperationOutcome", "issue": [{"details": {"text": "Wrong code"}}]},
            "“Wrong code”.",
        ),
        (
            {"issue": [{"diagnostics": "Stack"}, {"details": {"text": "Wrong code"}}]},
            "“Wrong code”.",
        ),
        ({"issue": [{"diagnostics": "Line 7"}], "detail": "no"}, "“Line 7”."),
        ({"title": "Bad Request", "detail": "The city is unknown"}, "“The city is unknown”."),
        ({"title": "Bad Request"}, "“Bad Request”."),
        ("Date of birth is required", "“Date of birth is required”."),
        (b"Date of birth\nis required\n", "“Date of birth is required”."),
        (b"<html><style>p{}</style><body><h1>Too large</h1><hr>nginx", "“Too large nginx”."),
        (b"Donn\xe9e refus\xe9e", "“Donnée refusée”."),
        (b"", NO_REASON),
        (b"   ", NO_REASON),
        ({}, NO_REASON),
        ([], NO_REASON),
        (7, NO_REASON),
        ({"message": {"text": "deep"}}, NO_REASON),
        ({"errors": "all of them"}, NO_REASON),
        ({"errors": [None, 7, {"message": 7}], "issue": {"details": "x"}}, NO_REASON),
        ({"issue": [{"details": "flat"}]}, NO_REASON),
        (b"[" * 100_000, "“" + "[" * 200 + "…”."),
    ],
)
def test_the_reason_is_the_first_thing_that_crms_says(body: Any, said: str) -> None:
    assert reason(answer(400, body)) == said


def test_of_a_page_the_first_two_hundred_characters_are_quoted() -> None:
    assert reason(answer(400, b"x" * 500)) == f"“{'x' * 200}…”."


def test_a_reason_cannot_play_tricks_on_the_screen() -> None:
    said = reason(answer(400, {"message": "a\u202eb\x1b[31m\0c\n\nd <script>"}))
    assert said == "“a b [31m c d <script>”."


# -- What is kept --------------------------------------------------------------------------------


def test_of_an_answer_status_useful_headers_and_the_start_of_the_body_are_kept() -> None:
    kept = exchange(
        answer(503, b"x" * 10_000, retry_after="7", X_Request_ID="abc", Set_Cookie="secret=1")
    )
    assert kept.status == 503
    assert kept.headers == {"Retry-After": "7", "X-Request-ID": "abc"}
    assert kept.body == "x" * 4096


def test_a_body_cut_within_a_character_is_still_read_as_utf8() -> None:
    assert exchange(answer(400, ("é" * 3000).encode())).body == "é" * 2048
    assert exchange(answer(400, ("x" + "é" * 3000).encode())).body.startswith("xéé")


# -- Retry-After ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "wait"),
    [
        ("120", timedelta(seconds=120)),
        (" 0 ", timedelta(0)),
        ("9" * 5000, timedelta(days=1)),
        ("Sun, 06 Nov 1994 08:49:37 GMT", timedelta(0)),
        ("Fri, 31 Dec 9999 23:59:59 GMT", timedelta(days=1)),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("Sun, 99 Nov 1994 08:49:37 GMT", None),
    ],
)
def test_the_time_to_wait_is_read_or_left_to_the_schedule(
    value: str, wait: timedelta | None
) -> None:
    assert retry_after(answer(429, Retry_After=value)) == wait


def test_a_date_to_wait_for_becomes_a_time_to_wait() -> None:
    until = datetime.now(UTC) + timedelta(hours=1)
    wait = retry_after(answer(429, Retry_After=format_datetime(until, usegmt=True)))
    assert wait is not None
    assert timedelta(minutes=55) < wait <= timedelta(hours=1)


# -- Ids -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ({"id": "RF-20931"}, "RF-20931"),
        ({"id": 20931}, "20931"),
        ({"id": " RF-1 "}, "RF-1"),
        ({"id": ""}, ""),
        ({"id": " "}, ""),
        ({"id": ".."}, ""),
        ({"id": "RF\n1"}, ""),
        ({"id": "x" * 201}, ""),
        ({"id": None}, ""),
        ({"id": True}, ""),
        ({"id": ["RF-1"]}, ""),
        ({}, ""),
        (["RF-1"], ""),
        (None, ""),
    ],
)
def test_an_id_is_used_only_if_it_can_be_read(body: Any, found: str) -> None:
    assert readable_id(body, "id") == found


def test_an_id_may_stand_deeper() -> None:
    assert readable_id({"data": {"referral": {"id": 7}}}, "data.referral.id") == "7"
