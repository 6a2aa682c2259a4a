"""What is kept of an answer, and how long it asks to wait."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from integrations.http.exchanges import exchange, retry_after
from tests.integrations.http.answers import answer


def test_of_an_answer_status_useful_headers_and_the_start_of_the_body_are_kept():
    kept = exchange(
        answer(503, b"x" * 10_000, retry_after="7", X_Request_ID="abc", Set_Cookie="secret=1")
    )
    assert kept.code == "HTTP 503"
    assert kept.headers == {"Retry-After": "7", "X-Request-ID": "abc"}
    assert kept.body == "x" * 4096


def test_what_a_database_cannot_hold_is_left_out():
    kept = exchange(answer(400, b"a\0b", Server="a\0b" + "x" * 1000))
    assert kept.body == "ab"
    assert "\0" not in kept.headers["Server"]
    assert len(kept.headers["Server"]) <= 300


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
def test_the_time_to_wait_is_read_or_left_to_the_schedule(value: str, wait: timedelta | None):
    assert retry_after(answer(429, Retry_After=value)) == wait


def test_a_date_to_wait_for_becomes_a_time_to_wait():
    until = datetime.now(UTC) + timedelta(hours=1)
    wait = retry_after(answer(429, Retry_After=format_datetime(until, usegmt=True)))
    assert wait is not None
    assert timedelta(minutes=55) < wait <= timedelta(hours=1)
