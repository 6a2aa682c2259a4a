"""A webhook is signed, leads nowhere but to its address, and its answers say who must act."""

import json
import socket
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from integrations.channels import webhook
from integrations.transport import (
    DeliveryError,
    Down,
    ErrorKind,
    Misconfigured,
    Rejected,
    TryAgain,
)
from tests.hooks import HookServer, running_hook_server
from tests.integrations.http.answers import answer

pytestmark = pytest.mark.django_db  # the time of a signature is the database's

OLD = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NEW = "whsec_b2xkIHNlY3JldHMgYXJlIHJvdGF0ZWQgb3V0IQ=="
ID = "9d4b2f6e-5a39-4b6b-9d1a-0f1c2e3d4a5b"
PAYLOAD = {"type": "referral.put", "data": {"name": "Élodie", "count": 1}}


@pytest.fixture
def hook() -> Iterator[HookServer]:
    with running_hook_server() as server:
        yield server


def failure(hook: HookServer, **given: Any) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        webhook.send(hook.url, [OLD], ID, PAYLOAD, **given)
    return caught.value


# -- The signature ---------------------------------------------------------------------------------


@pytest.mark.parametrize("secret", [OLD, NEW])
def test_while_secrets_are_rotated_a_receiver_may_know_either(hook: HookServer, secret: str):
    webhook.send(hook.url, [OLD, NEW], ID, PAYLOAD)
    (got,) = hook.received
    assert Webhook(secret).verify(got.body, got.headers) == PAYLOAD
    assert got.headers["webhook-id"] == ID


def test_a_receiver_that_knows_neither_refuses_it(hook: HookServer):
    webhook.send(hook.url, [OLD], ID, PAYLOAD)
    (got,) = hook.received
    with pytest.raises(WebhookVerificationError):
        Webhook(NEW).verify(got.body, got.headers)


def test_nothing_is_sent_without_a_signature(hook: HookServer):
    with pytest.raises(ValueError, match="signature"):
        webhook.send(hook.url, [], ID, PAYLOAD)
    assert hook.received == []


@pytest.mark.parametrize(
    "name", ["webhook-id", "Webhook-Signature", "WEBHOOK-TIMESTAMP", "content-type"]
)
def test_a_header_of_ones_own_does_not_take_the_place_of_ours(hook: HookServer, name: str):
    webhook.send(hook.url, [OLD], ID, PAYLOAD, headers={name: "theirs", "X-Tenant": "birchwood"})
    (got,) = hook.received
    assert "theirs" not in got.headers.values()
    assert got.headers["X-Tenant"] == "birchwood"
    Webhook(OLD).verify(got.body, got.headers)


def test_the_answer_that_accepts_it_can_be_read(hook: HookServer):
    hook.status = 201
    hook.headers = {"X-Request-ID": "r-1"}
    accepted = webhook.send(hook.url, [OLD], ID, PAYLOAD)
    assert (accepted.status, accepted.headers["x-request-id"]) == (201, "r-1")
    assert json.loads(hook.received[0].body) == PAYLOAD


# -- What an answer means --------------------------------------------------------------------------

CREDENTIALS, MISADDRESSED = ErrorKind.CREDENTIALS, ErrorKind.MISADDRESSED


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        *((status, Rejected, ErrorKind.REFUSED) for status in (400, 409, 413, 415, 422, 418, 451)),
        *((status, Misconfigured, CREDENTIALS) for status in (401, 402, 403)),
        *((status, Misconfigured, MISADDRESSED) for status in (404, 405, 407, 411, 421, 426)),
        *((status, Misconfigured, MISADDRESSED) for status in (300, 301, 302, 303, 304, 307, 308)),
        (410, Misconfigured, ErrorKind.GONE),
        (429, TryAgain, ErrorKind.THROTTLED),
        *((status, TryAgain, ErrorKind.FAILING) for status in (408, 423, 425, 500, 502, 503, 599)),
        *((status, TryAgain, ErrorKind.FAILING) for status in (600, 999)),
    ],
)
def test_an_answer_states_who_must_act(status: int, error: type[DeliveryError], kind: ErrorKind):
    found = webhook.error_of(answer(status))
    assert (type(found), found.kind, found.exchange.code) == (error, kind, f"HTTP {status}")


def test_a_redirect_is_not_followed(hook: HookServer):
    with running_hook_server() as elsewhere:
        hook.status, hook.headers = 307, {"Location": elsewhere.url}
        assert isinstance(failure(hook), Misconfigured)
        assert elsewhere.received == []


@pytest.mark.parametrize("status", [429, 503, 408, 418])
def test_it_may_state_when_to_come_again(hook: HookServer, status: int):
    hook.status, hook.headers = status, {"Retry-After": "120"}
    error = failure(hook)
    assert isinstance(error, TryAgain)
    assert error.after == timedelta(minutes=2)


@pytest.mark.parametrize("status", [400, 401, 404, 409, 410, 422])
def test_what_has_a_meaning_of_its_own_is_not_put_off_by_that(hook: HookServer, status: int):
    hook.status, hook.headers = status, {"Retry-After": "120"}
    assert not isinstance(failure(hook), TryAgain)


# -- No answer -------------------------------------------------------------------------------------


def test_where_nobody_listens_nothing_was_sent():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/"
        with pytest.raises(Down) as caught:
            webhook.send(url, [OLD], ID, PAYLOAD)
    assert caught.value.kind is ErrorKind.DOWN
    assert not caught.value.maybe_done


def test_what_is_not_answered_in_time_may_have_arrived(hook: HookServer):
    hook.silent.set()
    error = failure(hook, seconds=0.3)
    assert (type(error), error.kind, error.maybe_done) == (TryAgain, ErrorKind.SILENT, True)


@pytest.mark.parametrize("url", ["https://169.254.169.254/hook", "http://127.0.0.1:9/hook"])
def test_it_leads_nowhere_inside(settings: Any, url: str):
    settings.ALLOW_LOOPBACK = False
    with pytest.raises(Misconfigured):
        webhook.send(url, [OLD], ID, PAYLOAD)


def test_an_error_states_nothing_of_what_was_sent(hook: HookServer):
    hook.status = 500
    error = failure(hook)
    for shown in (error.message, str(error), repr(error)):
        assert "Élodie" not in shown
        assert "of-the-receiver" not in shown
