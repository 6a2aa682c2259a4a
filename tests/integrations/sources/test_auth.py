import base64
import hmac
import string
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from hypothesis import given, settings
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook

from integrations.sources import auth
from integrations.sources.auth import (
    _COST,
    NO_SECRET,
    check_signature,
    hash_secret,
    read_basic,
    verify_secret,
)

NOW = datetime(2026, 3, 11, 20, tzinfo=UTC)
KEY = b"a signing key of thirty-two bytes"
SECRET = "whsec_" + base64.b64encode(KEY).decode()
OTHER = "whsec_" + base64.b64encode(b"another key, for the next rotation").decode()
BODY = '{"event_type": "referral.received", "név": "é"}'.encode()


def basic(pair: str) -> str:
    return "Basic " + base64.b64encode(pair.encode()).decode()


def signature(secret=SECRET, body=BODY, at=NOW, message_id="msg_1"):
    return Webhook(secret).sign(message_id, at, body.decode())


def headers(*signatures, at=NOW, message_id="msg_1"):
    return {
        "Webhook-Id": message_id,
        "Webhook-Timestamp": str(int(at.timestamp())),
        "Webhook-Signature": " ".join(signatures),
    }


@pytest.fixture(autouse=True)
def _clock():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture(autouse=True)
def _real_cost(monkeypatch):
    monkeypatch.setattr(auth, "_COST", _COST)


def test_a_secret_is_hashed_at_a_cost_that_guesses_notice():
    algorithm, cost, _, block, parallel, _ = hash_secret("x").split("$")
    assert (algorithm, int(cost), int(block), int(parallel)) == ("scrypt", 2**13, 8, 1)


# -- HTTP Basic ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "pair"),
    [
        (basic("caredove:change-me"), ("caredove", "change-me")),
        (basic("caredove:a:b:c"), ("caredove", "a:b:c")),
        (basic("clé:sécret"), ("clé", "sécret")),
        (basic("caredove:x").replace("Basic", "bAsIc"), ("caredove", "x")),
        (basic("caredove:"), None),
        (basic(":secret"), None),
        (basic("no colon"), None),
        ("Bearer abc", None),
        ("Basic", None),
        ("", None),
        ("Basic %%%", None),
        ("Basic " + base64.b64encode(b"\xff:\xff").decode(), None),
        (basic("k:" + "s" * 9000), None),
    ],
)
def test_a_basic_header_gives_key_and_secret_or_nothing(header, pair):
    assert read_basic(header) == pair


@given(st.text())
def test_no_header_crashes_the_reading(header):
    assert read_basic(header) is None or header[:5].lower() == "basic"


def test_a_secret_proves_itself_against_its_hash_alone():
    stored = hash_secret("change-me")
    assert "change-me" not in stored
    assert verify_secret("change-me", stored)
    assert not verify_secret("change-me ", stored)
    assert not verify_secret("change-me", hash_secret("other"))


def test_the_same_secret_never_has_the_same_hash():
    assert hash_secret("change-me") != hash_secret("change-me")


def test_an_answer_that_is_remembered_stays_the_same():
    stored = hash_secret("s3cret")
    assert [verify_secret("s3cret", stored) for _ in range(3)] == [True] * 3
    assert [verify_secret("wrong", stored) for _ in range(3)] == [False] * 3


def test_a_known_secret_is_not_hashed_twice(monkeypatch):
    stored = hash_secret("s3cret")
    assert verify_secret("s3cret", stored)
    monkeypatch.setattr(auth, "_hasher", None)
    assert verify_secret("s3cret", stored)


@pytest.mark.parametrize("stored", ["", "plain", "md5$x$y", "scrypt$x$y$1$1$z", "scrypt$1$$1$1$"])
def test_a_broken_hash_proves_nothing(stored):
    assert not verify_secret("change-me", stored)
    assert not verify_secret("", stored)


def test_no_secret_has_the_hash_for_unknown_keys():
    assert not verify_secret("", NO_SECRET)
    assert not verify_secret("change-me", NO_SECRET)
    algorithm, cost, _, block, parallel, digest = NO_SECRET.split("$")
    real = hash_secret("x").split("$")
    assert [algorithm, cost, block, parallel] == [*real[:2], *real[3:5]]
    assert len(digest) == len(real[5])


# -- Standard Webhooks ---------------------------------------------------------------------------


def test_a_signed_body_is_believed():
    assert check_signature(headers(signature()), BODY, [SECRET])


def test_each_of_several_secrets_and_signatures_may_be_the_one():
    both = headers(signature(OTHER), "v1a,xyz", signature())
    assert check_signature(both, BODY, [SECRET])
    assert check_signature(headers(signature()), BODY, [OTHER, SECRET])
    assert not check_signature(headers(signature(OTHER)), BODY, [SECRET])


@pytest.mark.parametrize("noise", ["v1", "v1,", ",", "v1,a,b", "v1,***", "x" * 999, "v2,AAAA", "é"])
def test_a_malformed_signature_is_passed_over(noise):
    assert check_signature(headers(noise, signature()), BODY, [SECRET])
    assert not check_signature(headers(noise), BODY, [SECRET])


def test_another_body_id_or_time_is_not_believed():
    assert not check_signature(headers(signature()), BODY + b" ", [SECRET])
    assert not check_signature(headers(signature(), message_id="msg_2"), BODY, [SECRET])
    later = NOW + timedelta(seconds=1)
    assert not check_signature(headers(signature(), at=later), BODY, [SECRET])


@pytest.mark.parametrize(("seconds", "believed"), [(299, True), (301, False)])
@pytest.mark.parametrize("direction", [1, -1])
def test_a_timestamp_may_be_five_minutes_off(seconds, believed, direction):
    at = NOW + direction * timedelta(seconds=seconds)
    assert check_signature(headers(signature(at=at), at=at), BODY, [SECRET]) is believed


@pytest.mark.parametrize("missing", ["Webhook-Id", "Webhook-Timestamp", "Webhook-Signature"])
def test_each_header_must_be_there(missing):
    sent = headers(signature())
    del sent[missing]
    assert not check_signature(sent, BODY, [SECRET])
    assert not check_signature({**sent, missing: ""}, BODY, [SECRET])


def signed_by_hand(name, timestamp, body=BODY):
    """Return headers that are signed as they stand, as nobody's library signs them."""
    digest = hmac.digest(KEY, f"{name}.{timestamp}.".encode() + body, "sha256")
    mac = base64.b64encode(digest).decode()
    return {"Webhook-Id": name, "Webhook-Timestamp": timestamp, "Webhook-Signature": f"v1,{mac}"}


def test_a_timestamp_has_one_spelling_even_where_it_is_signed():
    seconds = str(int(NOW.timestamp()))
    assert check_signature(signed_by_hand("msg_1", seconds), BODY, [SECRET])
    arabic = seconds.translate({ord(str(digit)): 0x660 + digit for digit in range(10)})
    for timestamp in (
        f"{seconds}.0",
        f"{seconds}.",
        f"{seconds}e0",
        f"+{seconds}",
        f" {seconds}",
        f"{seconds}\n",
        f"0{seconds}",
        f"{seconds[:4]}_{seconds[4:]}",
        f"{seconds}000",
        hex(int(seconds)),
        arabic,
        *("", "soon", "NaN", "inf", "1e400", "-1", "9" * 5000),
    ):
        assert not check_signature(signed_by_hand("msg_1", timestamp), BODY, [SECRET]), timestamp


def test_an_id_leaves_no_doubt_where_it_ends():
    seconds = str(int(NOW.timestamp()))
    for name in ("msg_1", "a.b", "evt.2026.03", "6f1c0e9e-8a52-4d4b-9f0e-d34a6a3f0001"):
        assert check_signature(signed_by_hand(name, seconds), BODY, [SECRET]), name
    for name in ("", " ", "a b", "é", "a\nb", "x" * 257, f"a.{seconds}", f"a.{seconds}.b"):
        assert not check_signature(signed_by_hand(name, seconds), BODY, [SECRET]), name
    # The same signed content, cut elsewhere: what was the end of the id is now the timestamp.
    whole = signed_by_hand(f"a.{seconds}", "1000000000")
    moved = whole | {"Webhook-Id": "a", "Webhook-Timestamp": seconds}
    assert check_signature(moved, b"1000000000." + BODY, [SECRET])  # so no sender may sign `whole`


def test_a_signature_has_one_spelling():
    sent = signature()
    alphabet = string.ascii_uppercase + string.ascii_lowercase + string.digits + "+/"
    last = sent[-2]  # of 44 characters, before "=": its two lowest bits are read by nobody
    twins = [alphabet[alphabet.index(last) ^ bits] for bits in (1, 2, 3)]
    for twin in (
        *(f"{sent[:-2]}{other}=" for other in twins),
        sent.rstrip("="),
        f"{sent}=",
        f"{sent}\n",
        sent.replace("v1,", "V1,"),
        sent.replace("v1,", "v1, "),
        sent.replace("v1,", "v1=,"),
        sent.replace("v1,", "v1,,"),
    ):
        assert not check_signature(headers(twin), BODY, [SECRET]), twin


def test_a_secret_may_come_with_or_without_its_prefix_and_padding():
    for secret in (SECRET, SECRET.removeprefix("whsec_"), SECRET.rstrip("="), f" {SECRET}\n"):
        assert check_signature(headers(signature()), BODY, [secret])


def test_a_secret_that_is_not_base64_is_its_own_key():
    assert check_signature(headers(signature(b"change-me!")), BODY, ["change-me!"])


@pytest.mark.parametrize("secret", ["", "whsec_", "  "])
def test_an_empty_secret_believes_nobody(secret):
    forged = Webhook(b"\0").sign("msg_1", NOW, BODY.decode())
    assert not check_signature(headers(forged), BODY, [secret])


def test_without_secrets_nothing_is_believed():
    assert not check_signature(headers(signature()), BODY, [])


def test_a_body_that_is_not_utf_8_is_not_believed():
    assert not check_signature(headers(signature()), b"\xff", [SECRET])


@settings(max_examples=50)
@given(st.dictionaries(st.sampled_from(list(headers())), st.text()), st.binary())
def test_no_headers_crash_the_check(sent, body):
    assert not check_signature(sent, body, [SECRET, "x"])
