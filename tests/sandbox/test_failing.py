"""Every mode over a real connection: what the sender sees, and what took effect."""

import json
import socket
from email.utils import parsedate_to_datetime

import pytest
import requests

from sandbox import running_sandbox
from sandbox.rules.faults import MODES, BadFault, Effect
from tests.sandbox.sender import TOKEN, Sender, body, eventually

NO_ANSWER = (
    requests.ConnectionError,
    requests.ReadTimeout,
    requests.exceptions.ChunkedEncodingError,
)
SEEN = {
    "timeout": None,
    "timeout-after": None,
    "late": None,
    "reset": None,
    "reset-after": None,
    "close": None,
    "close-after": None,
    "truncated": None,
    "500": 500,
    "500-after": 500,
    "502": 502,
    "503": 503,
    "503-after": 503,
    "503-retry-after": 503,
    "504": 504,
    "504-after": 504,
    "html": 502,
    "html-after": 504,
    "429": 429,
    "429-date": 429,
    "400": 400,
    "422": 422,
    "401": 401,
    "403": 403,
    "404": 404,
    "409": 409,
    "409-no-id": 409,
    "413": 413,
    "413-html": 413,
    "415": 415,
    "login-page": 200,
    "no-id": 201,
    "empty": 204,
    "unreadable": 201,
    "drip": 201,
    "drip-body": 201,
    "huge": 201,
    "redirect": 307,
    "400-fields": 400,
    "login-page-after": 200,
    "location": 201,
    "text": 200,
    "says-failed": 200,
    "423": 423,
    "501": 501,
    "999": 999,
}


def status_of(call, *args):
    """Return the status of a call, or None when there was no answer or not all of it."""
    try:
        return call(*args).status_code
    except NO_ANSWER:
        return None


def in_each_mode(sandbox):
    """Yield each mode, on a sandbox that has forgotten the one before."""
    for mode in MODES:
        sandbox.clear()
        yield mode


def takes_effect(mode, stored):
    """Say whether as much is stored as the mode says, once it is; a late one takes a moment."""
    if MODES[mode].effect is Effect.LATE:
        eventually(stored)
    return len(stored()) == (MODES[mode].effect is not Effect.NONE)


def test_a_create_fails_as_its_mode_states(sandbox, sender):
    for mode in in_each_mode(sandbox):
        sandbox.fail("create", mode)
        assert status_of(sender.create) == SEEN[mode], mode
        assert takes_effect(mode, lambda: sandbox.referrals), mode
        assert [seen.fault for seen in sandbox.calls] == [mode]


def test_an_upload_fails_as_its_mode_states(sandbox, sender):
    for mode in in_each_mode(sandbox):
        referral_id = sender.created()
        sandbox.fail("upload", mode)
        assert status_of(sender.attach, referral_id) == SEEN[mode], mode
        assert takes_effect(mode, lambda: sandbox.referrals[0].attachments), mode


def test_the_call_after_a_failure_is_answered_as_if_nothing_had_been(sandbox, sender):
    for mode in in_each_mode(sandbox):
        sandbox.fail("create", mode)
        status_of(sender.create, body(), "k")
        assert takes_effect(mode, lambda: sandbox.referrals), mode
        assert sender.create(body(), "k").status_code == 201, mode
        assert len(sandbox.referrals) == 1, mode


@pytest.mark.parametrize(("step", "path"), [("ping", "/ping"), ("look-up", "/referrals")])
def test_pings_and_look_ups_fail_too(sandbox, sender, step, path):
    sandbox.fail(step, "503")
    sandbox.fail(step, "reset")
    assert [status_of(sender.get, f"/api/v1{path}") for _ in range(2)] == [503, None]


def test_a_wrong_token_is_answered_before_any_fault(sandbox):
    sandbox.fail("ping", "500")
    assert Sender(sandbox.url, token="wrong").get("/api/v1/ping").status_code == 401
    assert Sender(sandbox.url).get("/api/v1/ping").status_code == 500


def test_a_fault_after_the_effect_does_not_hide_a_refusal(sandbox, sender):
    sandbox.fail("create", "500-after")
    assert sender.create(body(date_of_birth="")).status_code == 400


# -- What some of the answers hold -----------------------------------------------------------------


def answer_of(sandbox, sender, mode):
    sandbox.fail("create", mode)
    return sender.create()


@pytest.mark.parametrize("mode", ["503-retry-after", "429"])
def test_retry_after_counts_seconds(sandbox, sender, mode):
    assert answer_of(sandbox, sender, mode).headers["Retry-After"] == "2"


def test_retry_after_can_be_a_date(sandbox, sender):
    answer = answer_of(sandbox, sender, "429-date")
    until, sent = (parsedate_to_datetime(answer.headers[name]) for name in ("Retry-After", "Date"))
    assert until > sent


def test_a_plain_503_states_nothing_of_when(sandbox, sender):
    assert "Retry-After" not in answer_of(sandbox, sender, "503").headers


@pytest.mark.parametrize("mode", ["html", "html-after", "413-html", "login-page"])
def test_html_pages_are_html(sandbox, sender, mode):
    answer = answer_of(sandbox, sender, mode)
    assert answer.headers["Content-Type"].startswith("text/html")
    assert answer.text.startswith("<!doctype html>")


def test_a_conflict_names_the_id_that_was_created(sandbox, sender):
    answer = answer_of(sandbox, sender, "409")
    assert answer.json()["id"] == sandbox.referrals[0].id


@pytest.mark.parametrize("mode", ["409-no-id", "no-id"])
def test_an_answer_without_an_id_is_json_all_the_same(sandbox, sender, mode):
    assert "id" not in answer_of(sandbox, sender, mode).json()


def test_an_unreadable_answer_cannot_be_read(sandbox, sender):
    answer = answer_of(sandbox, sender, "unreadable")
    with pytest.raises(requests.JSONDecodeError):
        answer.json()


@pytest.mark.parametrize("mode", ["drip", "drip-body"])
def test_a_slow_drip_is_the_right_answer_in_the_end(sandbox, sender, mode):
    assert answer_of(sandbox, sender, mode).json()["id"] == sandbox.referrals[0].id


def test_a_slow_drip_sends_one_byte_at_a_time():
    with running_sandbox(drip_seconds=3600) as sandbox, raw_ping(sandbox, "drip-body") as line:
        assert line.recv(4096).endswith(b"\r\n\r\n")


def test_a_huge_body_is_huge_and_has_the_id(sandbox, sender):
    answer = answer_of(sandbox, sender, "huge")
    assert len(answer.content) > 64 * 1024 * 1024
    assert answer.json()["id"] == sandbox.referrals[0].id


def test_an_id_may_be_in_location_only(sandbox, sender):
    answer = answer_of(sandbox, sender, "location")
    assert answer.headers["Location"] == f"/api/v1/referrals/{sandbox.referrals[0].id}"
    assert answer.content == b""


@pytest.mark.parametrize("applied", [True, False])
@pytest.mark.parametrize(
    ("planned", "content"),
    [
        ({"json": ["Né"]}, '["Né"]'.encode()),
        ({"text": "Né", "headers": {"Content-Type": "text/plain"}}, "Né".encode()),
        ({"base64": "TsOp"}, "Né".encode()),
        ({}, b""),
    ],
)
def test_any_answer_can_be_given(sandbox, sender, planned, content, applied):
    sandbox.answer("create", status=418, applied=applied, **planned)
    answer = sender.create()
    assert (answer.status_code, answer.content) == (418, content)
    assert len(sandbox.referrals) == applied
    assert sender.create().status_code == (409 if applied else 201)


@pytest.mark.parametrize(
    "planned", [{}, {"status": "x"}, {"status": 200, "base64": "?"}, {"status": 200, "headers": 7}]
)
def test_an_answer_that_cannot_be_given_is_refused(sandbox, planned):
    with pytest.raises(BadFault):
        sandbox.answer("create", **planned)


def test_a_sender_that_follows_the_redirect_is_seen_elsewhere(sandbox, sender):
    sandbox.fail("create", "redirect")
    path = "/api/v1/referrals"
    followed = sender.call("POST", path, json=body(), allow_redirects=True)
    assert followed.json()["status"] == "elsewhere"
    assert sandbox.referrals == []


# -- What happens on the wire ----------------------------------------------------------------------


def raw(sandbox, head, content=b""):
    """Send a request, and return the open connection."""
    line = socket.create_connection(("127.0.0.1", sandbox.port))
    headers = f"Authorization: Bearer {TOKEN}\r\nContent-Length: {len(content)}\r\n"
    line.sendall(f"{head}\r\n{headers}\r\n".encode() + content)
    return line


def raw_ping(sandbox, mode):
    sandbox.fail("ping", mode)
    return raw(sandbox, "GET /api/v1/ping HTTP/1.1")


def raw_create(sandbox):
    head = "POST /api/v1/referrals HTTP/1.1\r\nContent-Type: application/json"
    return raw(sandbox, head, json.dumps(body()).encode())


def test_a_reset_is_a_real_reset(sandbox):
    with raw_ping(sandbox, "reset") as line, pytest.raises(ConnectionResetError):
        line.recv(1)


def test_a_closed_connection_ends_in_good_order(sandbox):
    with raw_ping(sandbox, "close") as line:
        assert line.recv(1) == b""


def test_a_time_out_outlasts_the_sender():
    with running_sandbox(hang_seconds=3600) as sandbox:
        sandbox.fail("create", "timeout-after")
        with pytest.raises(requests.ReadTimeout):
            Sender(sandbox.url, timeout=0.5).create()
        assert len(sandbox.referrals) == 1


def test_a_late_create_counts_only_when_the_sender_has_given_up():
    with running_sandbox(hang_seconds=3600) as sandbox:
        sandbox.fail("create", "late")
        with raw_create(sandbox):
            eventually(lambda: sandbox.calls)
            assert sandbox.referrals == []
        eventually(lambda: sandbox.referrals)


# -- Faults that referrals bring with them ---------------------------------------------------------


def test_a_referral_fails_by_its_own_address(sandbox, sender):
    content = body(email="fail-503-once@example.org")
    assert [sender.create(content).status_code for _ in range(2)] == [503, 201]


def test_a_referrals_own_address_reaches_its_files(sandbox, sender):
    referral_id = sender.created(email="fail-attachment-415-always@example.org")
    assert sender.attach(referral_id).status_code == 201
    statuses = [sender.attach(referral_id, category="attachment").status_code for _ in range(3)]
    assert statuses == [415, 415, 415]


def test_faults_of_the_options_are_there_from_the_start():
    with running_sandbox(faults=("create:500", "create:429")) as sandbox:
        sender = Sender(sandbox.url)
        assert [sender.create().status_code for _ in range(3)] == [500, 429, 201]


def test_with_a_rate_of_one_every_call_fails():
    with running_sandbox(fail_rate=1, hang_seconds=0.05) as sandbox:
        sender = Sender(sandbox.url)
        assert {status_of(sender.get, "/api/v1/ping") for _ in range(20)} <= {None, 500, 504}
        assert all(seen.fault for seen in sandbox.calls)
