"""The signature, the body and the options of a webhook, without a partner."""

from datetime import UTC, datetime
from typing import Any

import pytest
from standardwebhooks import Webhook

from integrations.channels.webhook import signed
from integrations.destinations.webhook.body import message
from integrations.destinations.webhook.options import WebhookOptions, headers_of
from mapping.engine.checks import check_mapping
from mapping.engine.engine import Rule
from tests.contract.parcels import DOCUMENTS, parcel

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OLD = "whsec_b2xkIHNlY3JldHMgYXJlIHJvdGF0ZWQgb3V0IQ=="
URL = "https://partner.example/in?key=1"


def faults(**given: Any) -> dict[str, Any]:
    return dict(WebhookOptions({"url": URL, "secrets": SECRET, **given}).errors)


def test_the_signature_is_that_of_the_published_vector() -> None:
    at = datetime.fromtimestamp(1614265330, UTC)
    headers = signed([SECRET], "msg_p5jXN8AQM9LWM0D4loKWxJek", '{"test": 2432232314}', at)
    assert headers["webhook-timestamp"] == "1614265330"
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize("known", [SECRET, OLD])
def test_while_secrets_are_rotated_both_sign(known: str) -> None:
    headers = signed([OLD, SECRET], "msg_1", "{}", datetime.now(UTC))
    assert Webhook(known).verify("{}", headers) == {}


def test_files_are_within_the_message_only_as_far_as_they_fit(monkeypatch: Any) -> None:
    monkeypatch.setattr(
        "integrations.destinations.webhook.body.INLINE_BYTES", DOCUMENTS[0].size + 1
    )
    files = message(parcel({}), inline_files=True)["data"]["files"]
    assert ["data" in file for file in files] == [True, False, False]
    named = message(parcel({}), inline_files=False)["data"]["files"]
    assert not any("data" in file for file in named)


def test_what_is_absent_is_left_out() -> None:
    assert set(message(parcel({}, documents=()), inline_files=False)["data"]) == {
        *("reference", "version", "trigger", "changed_at")
    }


def test_secrets_and_headers_are_taken_as_a_file_or_a_person_writes_them() -> None:
    for secrets in (f"{OLD} {SECRET}", [OLD, SECRET], f"{OLD},\n{SECRET}"):
        form = WebhookOptions({"url": URL, "secrets": secrets, "headers": {"X-Key": "a: b"}})
        assert form.is_valid()
        assert form.cleaned_data["secrets"].split() == [OLD, SECRET]
        assert headers_of(form.cleaned_data) == {"X-Key": "a: b"}


def test_what_no_partner_can_have_is_refused() -> None:
    for url in ("http://partner.example", "ftp://partner.example", "https://u:p@partner.example"):
        assert set(faults(url=url)) == {"url"}
    for secrets in ("", "whsec_", "whsec_c2hvcnQ=", SECRET[6:], f"{OLD} {SECRET} {OLD}", "whsec_é"):
        assert set(faults(secrets=secrets)) == {"secrets"}
    for headers in ("X-Key", "X Key: a", "X-Key: é", "X-Key: a\nno colon"):
        assert set(faults(headers=headers)) == {"headers"}


def test_a_secret_does_not_follow_to_another_address() -> None:
    stored = {"url": URL, "secrets": SECRET, "headers": ""}
    moved = WebhookOptions({"url": "https://other.example", "secrets": ""}, initial=stored)
    assert set(moved.errors) == {"secrets"}
    elsewhere = WebhookOptions({"url": f"{URL}2", "secrets": ""}, initial=stored)
    assert elsewhere.is_valid()


def test_a_mapping_may_fill_fields_of_its_own_but_not_two_in_one_place() -> None:
    own = [
        Rule("client.pronouns", ("registrant.gender",)),
        Rule("tags.first", ("priority",), (), 1),
    ]
    assert check_mapping("webhook", own, {}) == []
    for target in ("client", "client.first_name.x", "no spaces", "1st", "a..b", ""):
        (fault,) = check_mapping("webhook", [Rule(target, ("priority",))], {})
        assert fault.part == "target"
    (fault,) = check_mapping("crms", own[1:], {})[:1]
    assert fault.target == "tags.first"
