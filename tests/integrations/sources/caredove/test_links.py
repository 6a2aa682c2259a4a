import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.sources.caredove.links import (
    is_launch_link,
    is_sign_in_link,
    without_sign_in_links,
)
from tests.integrations.sources.caredove.messages import DEMO, load, parse, plain_event

REMOVED = "[sign-in link removed]"


@pytest.mark.parametrize(
    "link",
    [
        "https://www.caredove.com/applaunch?fhirServiceUrl=https%3A%2F%2Fx&patientId=p1",
        "HTTPS://SANDBOX.CAREDOVE.COM/APPLAUNCH?x=1",
        "www.caredove.com/applaunch?x=1",
        "caredove.com/applaunch",
        "https://elsewhere.example/redirect?to=https%3A%2F%2Fwww.caredove.com%2Fapplaunch%3Fx",
        "https://www.caredove.com/sso/abc",
        "www.caredove.com/sso/abc",
        "https://www.caredove.com/sso?next=https://example.org",
        "https://example.org/r?to=https%3A%2F%2Fwww.caredove.com%2Fsso%2Fabc",
        "https://www.caredove.com/app%6Caunch?x=1",
        "https://caredove.com?token=abc",
        "https://sandbox.caredove.example/sign-in/abc",
        "https://www.caredove.com/referral/12?token=abc",
    ],
)
def test_a_sign_in_link_is_removed(link):
    assert is_sign_in_link(link)
    assert without_sign_in_links(f"Reply here: {link}") == f"Reply here: {REMOVED}"
    assert without_sign_in_links(f"(see {link}).") == f"(see {REMOVED})."


@pytest.mark.parametrize(
    "text",
    [
        "https://help.caredove.com/en/articles/8442191-lessons",
        "https://zoom.example/j/123?pwd=login",
        "Caredove asked to log in and launch the app.",
        "https://sandbox.caredove.example/files/phq9.png",
    ],
)
def test_other_links_and_words_stay(text):
    assert without_sign_in_links(text) == text


def test_the_signature_in_the_address_of_a_file_is_no_launch_link():
    assert not is_launch_link("https://sandbox.caredove.example/files/phq9.png?token=abc")
    assert is_launch_link("https://sandbox.caredove.example/applaunch/files?x=1")


def test_a_link_hidden_by_markup_or_entities_is_removed_too():
    hidden = "<a href='https://www.caredove.com/applaunch?a'>www.caredove.com/app&#108;aunch?a</a>"
    event = parse(plain_event(notes=[hidden]))
    assert event.document["notes"] == [{"text": REMOVED}]


@given(st.text(max_size=60), st.text(max_size=60))
def test_no_launch_link_survives_whatever_stands_around_it(before, after):
    text = f"{before} https://www.caredove.com/applaunch?x=1 {after}"
    event = parse(plain_event(reason=text.replace("\0", "")))
    assert "applaunch" not in event.document["reason"].lower()


@pytest.mark.parametrize("file", sorted(DEMO.glob("*.json")), ids=lambda file: file.stem)
def test_no_message_of_the_demo_lets_a_sign_in_link_through(file):
    assert "applaunch" not in json.dumps(parse(load(file.stem)).document)
