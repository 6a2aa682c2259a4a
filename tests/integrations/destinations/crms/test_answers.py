"""What each answer of CRMS means, and the words that staff read."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.destinations.crms.answers import (
    Call,
    Duplicate,
    FileRefused,
    FileThere,
    ReferralGone,
    SearchRefused,
    error_for,
    id_in_location,
    no_id,
    page_instead,
    readable_id,
    reports_failure,
)
from integrations.transport import DeliveryError, ErrorKind, Misconfigured, Rejected, TryAgain
from tests.integrations.http.answers import answer

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
        (Call.CREATE, 402, Misconfigured),
        (Call.CREATE, 407, Misconfigured),
        (Call.CREATE, 410, Misconfigured),
        (Call.CREATE, 411, Misconfigured),
        (Call.CREATE, 421, Misconfigured),
        (Call.CREATE, 426, Misconfigured),
        (Call.CREATE, 399, Misconfigured),
        (Call.CREATE, 409, Duplicate),
        (Call.CREATE, 423, TryAgain),
        (Call.CREATE, 101, TryAgain),
        (Call.CREATE, 600, TryAgain),
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
        (Call.FILE, 402, Misconfigured),
        (Call.FILE, 405, FileRefused),
        (Call.FILE, 411, FileRefused),
        (Call.FILE, 409, FileThere),
        (Call.FILE, 413, FileRefused),
        (Call.FILE, 415, FileRefused),
        (Call.FILE, 423, TryAgain),
        (Call.FILE, 302, Misconfigured),
        (Call.FILE, 429, TryAgain),
        (Call.FILE, 503, TryAgain),
        (Call.LOOK_UP, 400, SearchRefused),
        (Call.LOOK_UP, 401, Misconfigured),
        (Call.LOOK_UP, 402, Misconfigured),
        (Call.LOOK_UP, 403, SearchRefused),
        (Call.LOOK_UP, 404, SearchRefused),
        (Call.LOOK_UP, 409, SearchRefused),
        (Call.LOOK_UP, 451, SearchRefused),
        (Call.LOOK_UP, 501, SearchRefused),
        (Call.LOOK_UP, 407, Misconfigured),
        (Call.LOOK_UP, 408, TryAgain),
        (Call.LOOK_UP, 421, Misconfigured),
        (Call.LOOK_UP, 423, TryAgain),
        (Call.LOOK_UP, 425, TryAgain),
        (Call.LOOK_UP, 426, Misconfigured),
        (Call.LOOK_UP, 302, Misconfigured),
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
    ("calls", "statuses", "kind"),
    [
        ([Call.CREATE], (400, 406, 413, 415, 422, 451), "refused"),
        ([Call.FILE], (400, 405, 413, 415, 422), "refused"),
        ([Call.CREATE, Call.FILE, Call.LOOK_UP, Call.PING], (401, 402, 403), "credentials"),
        ([Call.CREATE, Call.FILE, Call.LOOK_UP, Call.PING], (302, 407, 421, 426), "misaddressed"),
        ([Call.CREATE], (404, 405, 410, 411), "misaddressed"),
        ([Call.PING], (400, 404, 418), "misaddressed"),
        ([Call.CREATE, Call.FILE, Call.LOOK_UP, Call.PING], (429,), "throttled"),
        ([Call.CREATE, Call.FILE, Call.LOOK_UP, Call.PING], (408, 423, 425, 500, 999), "failing"),
        ([Call.FILE], (404, 410), "gone"),
        ([Call.CREATE, Call.FILE], (409,), "conflict"),
        ([Call.LOOK_UP], (400, 404, 409, 501), "conflict"),
    ],
)
def test_each_answer_has_its_kind(
    calls: list[Call], statuses: tuple[int, ...], kind: ErrorKind
) -> None:
    found = {
        (call, status): error_for(call, answer(status)).kind
        for call in calls
        for status in statuses
    }
    assert found == dict.fromkeys(found, kind)


def test_a_page_in_place_of_crms_is_a_wrong_address() -> None:
    assert page_instead(Call.CREATE, answer(200, b"<html>Sign in")).kind == "misaddressed"


def test_an_answer_without_an_id_contradicts_itself() -> None:
    assert no_id(answer(201, {}), "").kind == "conflict"


@pytest.mark.parametrize(
    ("call", "status", "sentence"),
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
def test_staff_are_notified_what_happened_in_the_words_of_crms(
    call: Call, status: int, sentence: str
) -> None:
    content = {"message": "As CRMS says it"}
    error = error_for(call, answer(status, content), referral="RF-20931")
    assert sentence in error.message
    assert "“As CRMS says it”" in error.message


@given(st.sampled_from(Call), st.integers(100, 999), st.binary(max_size=100))
def test_every_answer_whatever_it_is_has_a_meaning(call: Call, status: int, body: bytes) -> None:
    error = error_for(call, answer(status, body))
    assert error.message.endswith((".", "”"))
    assert error.exchange.code == f"HTTP {status}"


def test_of_a_redirect_only_the_place_is_shown() -> None:
    moved = answer(302, Location="https://login.example/in?token=abc#x")
    message = error_for(Call.CREATE, moved).message
    assert "(https://login.example/in)" in message


def test_the_connection_test_speaks_of_no_referral() -> None:
    for status in (301, 401, 404, 429, 503, 999):
        assert "referral" not in error_for(Call.PING, answer(status)).message


def test_what_the_server_failed_at_or_led_on_from_may_have_happened() -> None:
    assert error_for(Call.CREATE, answer(500)).maybe_done
    assert error_for(Call.FILE, answer(504)).maybe_done
    assert error_for(Call.CREATE, answer(302)).maybe_done
    assert error_for(Call.FILE, answer(303)).maybe_done
    assert error_for(Call.CREATE, answer(423)).maybe_done
    assert not error_for(Call.CREATE, answer(429)).maybe_done
    assert not error_for(Call.CREATE, answer(400)).maybe_done
    assert not error_for(Call.CREATE, answer(401)).maybe_done
    assert not error_for(Call.FILE, answer(404)).maybe_done
    assert not error_for(Call.FILE, answer(413)).maybe_done


# -- Ids -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ({"id": "RF-20931"}, "RF-20931"),
        ({"id": 20931}, "20931"),
        ({"id": " RF-1 "}, "RF-1"),
        ({"id": "é" * 255}, "é" * 255),
        ({"id": 10**254}, str(10**254)),
        ({"id": 10**255}, ""),
        ({"id": ""}, ""),
        ({"id": " "}, ""),
        ({"id": ".."}, ""),
        ({"id": "RF\n1"}, ""),
        ({"id": "x" * 256}, ""),
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


URL = "https://crms.example/tenant/api/v1/referrals"


@pytest.mark.parametrize(
    ("location", "found"),
    [
        ("https://crms.example/tenant/api/v1/referrals/RF-1", "RF-1"),
        ("https://CRMS.example/tenant/api/v1/referrals/RF-1/?x=1#y", "RF-1"),
        ("/tenant/api/v1/referrals/RF%201%2F2", "RF 1/2"),
        ("http://crms.example:8080/tenant/api/v1/referrals/RF-1", "RF-1"),
        ("referrals/RF-1", "RF-1"),
        ("RF-1", ""),
        ("/tenant/api/v1/referrals/r%C3%A9f", "réf"),
        ("/tenant/api/v1/referrals/r\xc3\xa9f", "réf"),
        ("/tenant/api/v1/referrals/r%E9f", ""),
        ("/tenant/api/v1/referrals/", ""),
        ("/tenant/api/v1/referrals", ""),
        ("/tenant/api/v1/referrals/..", ""),
        ("/tenant/api/v1/referrals/RF-1/attachments", ""),
        ("/tenant/api/v1/referralsX/RF-1", ""),
        ("/login", ""),
        ("https://elsewhere.example/tenant/api/v1/referrals/RF-1", ""),
        ("//[", ""),
        ("", ""),
    ],
)
def test_an_id_in_location_lies_under_the_path_of_referrals(location: str, found: str) -> None:
    assert id_in_location(answer(201, Location=location), URL) == found


@pytest.mark.parametrize(
    ("body", "failed"),
    [
        ({"success": False}, True),
        ({"Success": "false"}, True),
        ({"OK": False, "id": "AT-1"}, True),
        ({"status": "error"}, True),
        ({"status": "Error"}, True),
        ({"error": "No"}, True),
        ({"error": {"code": 1}}, True),
        ({"errors": ["No"], "id": "AT-1"}, True),
        ({"success": True, "error": None, "errors": []}, False),
        ({"status": "inbox", "error": "", "ok": True}, False),
        ({"id": "AT-1"}, False),
        ([], False),
        (None, False),
    ],
)
def test_a_success_may_state_that_it_failed(body: Any, failed: bool) -> None:
    assert reports_failure(body) is failed
