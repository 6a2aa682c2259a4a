"""Whatever encoding a body comes in, it is read; one bad character never refuses a referral."""

import gzip
import json
import tracemalloc
import zlib
from typing import Any

import pytest
from django.test import Client

from referrals.intake import opening
from referrals.models import InboundEvent, Referral
from referrals.record import snapshot
from tests.referrals.api.sender import (
    FHIR,
    PLAIN,
    add_signing_secret,
    basic,
    post,
    signed,
)
from tests.world import World, example, plain

NAME = "Zoé « d’Amours »"


def event(name: str = NAME, **more: Any) -> dict[str, Any]:
    return plain(registrant={"first_name": name, "last_name": "Tremblay"}) | more


def text_of(name: str = NAME, **more: Any) -> str:
    return json.dumps(event(name, **more), ensure_ascii=False)


def first_name() -> str:
    """Open the one event; return the name that has arrived."""
    stored = InboundEvent.objects.get()
    opening.open_deliveries(stored.pk)
    document = snapshot.view(Referral.objects.get().snapshot)
    return document["registrant"]["first_name"]


# -- characters ----------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32"])
def test_every_unicode_encoding_is_read(world: World, encoding: str):
    assert post(text_of().encode(encoding)).status_code == 202
    assert first_name() == NAME


@pytest.mark.parametrize(
    ("raw", "arrived"),
    [
        (b"Zo\\u0000\\u0000", "Zo"),  # padded, as fields of a fixed length are
        (b"Zo\0", "Zo"),
        (b"Zo\x1be", "Zo e"),
        (b"Zo\\ud83d", "Zo\ufffd"),
        (b"Zo\xc3\xa9 \xff", "Zoé \ufffd"),
        (b"Zo\xc3\xa9 \xed\xa0\x80", "Zoé \ufffd"),
        (b"Zo\xe9", "Zoé"),
        (b"Zo\\ud83d\\ude00", "Zo😀"),
        (b"Zo\xed\xa0\xbd\xed\xb8\x80", "Zo😀"),
    ],
)
def test_one_bad_character_never_refuses_a_referral(world: World, raw: bytes, arrived: str):
    body = text_of("NAME").encode().replace(b"NAME", raw)
    assert post(body).status_code == 202
    assert first_name() == arrived


def test_a_padded_reference_is_that_reference(world: World):
    body = text_of().replace('"3502768696"', '"3502768696\\u0000\\u0000"').encode()
    assert post(body).status_code == 202
    assert InboundEvent.objects.get().reference == "3502768696"


@pytest.mark.parametrize("raw", [b"Zo\xe9", b"Zo\\udfff", b"Zo\xc3\xa9\xff"])
def test_staff_are_warned_of_characters_that_were_not_read_as_they_came(world: World, raw: bytes):
    post(text_of("NAME").encode().replace(b"NAME", raw))
    stored = InboundEvent.objects.get()
    opening.open_deliveries(stored.pk)
    stored.refresh_from_db()
    assert stored.warnings


def test_a_bad_character_in_a_fhir_message_is_replaced(world: World):
    body = json.dumps(example("fhir-full-referral.json"), ensure_ascii=False)
    raw = body.replace("Mireille", "Mire\\ud800ille\\u0000").encode()
    assert post(raw, FHIR).status_code == 200
    assert first_name() == "Mire\ufffdille"


def test_a_key_that_comes_twice_is_read(world: World):
    body = text_of().replace('"first_name"', '"first_name": "Zo", "first_name"').encode()
    assert post(body).status_code == 202
    assert first_name() == NAME


def test_a_reference_that_comes_twice_names_no_referral(world: World):
    body = text_of().replace('"reference"', '"reference": "3502768697", "reference"').encode()
    answer = post(body)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "referral.reference"


@pytest.mark.parametrize("number", ["NaN", "-Infinity", "1e999", "9" * 5000, "0." + "1" * 5000])
def test_a_number_that_is_none_refuses_nothing(world: World, number: str):
    body = text_of().replace(
        '"registrant"', f'"size": {number}, "priority": {number}, "registrant"'
    )
    assert post(body.encode()).status_code == 202
    assert first_name() == NAME


# -- declared charsets ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("charset", "encoding"),
    [
        ("utf-8", "utf-8"),
        ('"UTF-8"', "utf-8"),
        ("utf8", "utf-8"),
        ("utf-16", "utf-16"),
        ("utf-16le", "utf-16-le"),
        ("iso-8859-1", "windows-1252"),  # most who say the one send the other
        ("windows-1252", "windows-1252"),
        ("cp850", "cp850"),
        ("us-ascii", "utf-8"),
        ("iso-8859-1", "utf-8"),  # who declares it wrongly is read, too
    ],
)
def test_a_declared_charset_is_read(world: World, charset: str, encoding: str):
    name = NAME if encoding != "cp850" else "Zoé «Amours»"
    answer = post(text_of(name).encode(encoding), PLAIN, f"application/json; charset={charset}")
    assert answer.status_code == 202
    assert first_name() == name
    assert not InboundEvent.objects.get().warnings


@pytest.mark.parametrize("charset", ["klingon", "base64", "unicode_escape", "idna", "é", "x" * 999])
@pytest.mark.parametrize("path", [PLAIN, FHIR])
def test_an_unknown_charset_is_415(world: World, charset: str, path: str):
    answer = post(plain(), path, f"application/json; charset={charset}")
    assert answer.status_code == 415
    assert "UTF-8" in answer.content.decode()


# -- gzip ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("coding", ["gzip", "GZIP", "x-gzip", "identity, gzip"])
def test_gzip_is_read(world: World, coding: str):
    body = text_of().encode()
    assert post(gzip.compress(body), **{"Content-Encoding": coding}).status_code == 202
    assert bytes(InboundEvent.objects.defer(None).get().body or b"") == body
    assert first_name() == NAME


def test_gzip_is_read_at_the_fhir_endpoint(world: World):
    body = gzip.compress(json.dumps(example("fhir-full-referral.json")).encode())
    assert post(body, FHIR, **{"Content-Encoding": "gzip"}).status_code == 200


def test_gzip_in_several_members_is_read(world: World):
    body = text_of().encode()
    members = b"".join(gzip.compress(body[at : at + 50]) for at in range(0, len(body), 50))
    assert post(members + bytes(512), **{"Content-Encoding": "gzip"}).status_code == 202
    assert first_name() == NAME


def test_a_charset_inside_gzip_is_read(world: World):
    body = gzip.compress(text_of().encode("windows-1252"))
    kind = "application/json; charset=windows-1252"
    assert post(body, PLAIN, kind, **{"Content-Encoding": "gzip"}).status_code == 202
    assert first_name() == NAME


@pytest.mark.parametrize("coding", ["br", "deflate", "zstd", "compress", "gzip, gzip", "gzip, br"])
@pytest.mark.parametrize("path", [PLAIN, FHIR])
def test_other_encodings_are_415(world: World, coding: str, path: str):
    answer = post(plain(), path, **{"Content-Encoding": coding})
    assert (answer.status_code, answer["Accept-Encoding"]) == (415, "gzip")
    assert "gzip" in answer.content.decode()


def test_identity_is_no_encoding(world: World):
    assert post(plain(), **{"Content-Encoding": "identity"}).status_code == 202


ZIPPED = gzip.compress(text_of().encode(), mtime=0)


@pytest.mark.slow
@pytest.mark.parametrize(
    "body",
    [
        ZIPPED[:-1],
        ZIPPED[: len(ZIPPED) // 2],
        ZIPPED[:3],
        ZIPPED[:40] + b"\xff" * 9 + ZIPPED[49:],
        ZIPPED[:-8] + bytes(8),  # another checksum
        ZIPPED + b"and more",
        ZIPPED + ZIPPED[:20],
        text_of().encode(),
        zlib.compress(text_of().encode()),
        gzip.compress(b"", mtime=0),
    ],
    ids=len,
)
@pytest.mark.parametrize("path", [PLAIN, FHIR])
def test_corrupt_gzip_is_400_and_shows_it(world: World, body: bytes, path: str):
    answer = post(body, path, **{"Content-Encoding": "gzip"})
    assert answer.status_code == 400
    assert not InboundEvent.objects.exists()


def test_what_gzip_unfolds_to_is_limited(world: World, settings: Any):
    settings.MAX_BODY_BYTES = 1_000_000
    bomb = gzip.compress(bytes(1_000_001))
    for body in (bomb, gzip.compress(bytes(600_000)) * 2):
        answer = post(body, **{"Content-Encoding": "gzip"})
        assert answer.status_code == 413
        assert "1000000" in answer.content.decode()


def test_a_bomb_takes_no_more_memory_than_the_limit(world: World, settings: Any):
    settings.MAX_BODY_BYTES = 1_000_000
    bomb = gzip.compress(bytes(50_000_000))
    assert grown_by(lambda: post(bomb, **{"Content-Encoding": "gzip"})) < 5_000_000


def test_countless_empty_members_are_refused_at_once(world: World):
    body = gzip.compress(b"") * 20_000
    assert post(body, **{"Content-Encoding": "gzip"}).status_code == 400


def test_gzip_without_credentials_is_not_unzipped(world: World, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("referrals.api.bodies._unzipped", lambda _: pytest.fail("unzipped"))
    headers = {"Content-Encoding": "gzip", "Authorization": basic("caredove", "wrong")}
    assert post(ZIPPED, **headers).status_code == 401


def grown_by(act: Any) -> int:
    """Return by how many bytes this process's Python objects grow at the most meanwhile."""
    tracemalloc.start()
    try:
        act()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


# -- the same event, and signatures --------------------------------------------------------------


@pytest.mark.parametrize("with_id", [True, False])
def test_the_same_body_is_the_same_event_with_gzip_or_without(world: World, with_id: bool):
    body = text_of(**({} if with_id else {"event_id": ""})).encode()
    first = post(body).json()["id"]
    for level in (1, 9):
        again = post(gzip.compress(body, level), **{"Content-Encoding": "gzip"})
        assert (again.status_code, again.json()["id"]) == (200, first)


def test_a_signature_is_of_what_was_sent_or_of_what_was_zipped(world: World):
    add_signing_secret(world.source)
    body = text_of().encode()
    zipped = gzip.compress(body)
    for of in (zipped, body):
        headers = {"Content-Encoding": "gzip", "Authorization": "", **signed(of)}
        assert post(zipped, **headers).status_code in (200, 202)
    headers = {"Content-Encoding": "gzip", "Authorization": "", **signed(body + b" ")}
    assert post(zipped, **headers).status_code == 401


@pytest.mark.parametrize("body", [b"Zo\xe9", b"Zo\xc3\xa9 \xff", b"Zo\0"])
def test_a_body_with_a_bad_character_may_be_signed(world: World, body: bytes):
    add_signing_secret(world.source)
    body = text_of("NAME").encode().replace(b"NAME", body)
    assert post(body, Authorization="", **signed(body)).status_code == 202
    assert post(body + b" ", Authorization="", **signed(body)).status_code == 401


# -- what senders say beside the body ------------------------------------------------------------


@pytest.mark.parametrize(
    "accept", ["application/fhir+json", "application/xml", "text/html", "*/*;q=x", "\x00", "é"]
)
@pytest.mark.parametrize("path", [PLAIN, FHIR])
def test_no_event_is_refused_for_what_its_sender_accepts(world: World, path: str, accept: str):
    body = plain() if path == PLAIN else example("fhir-full-referral.json")
    answer = post(body, path, Accept=accept)
    assert answer.status_code in (200, 202)
    assert "json" in answer["Content-Type"]


@pytest.mark.parametrize("length", ["abc", "-1", "١٢", "1e3", "9" * 30, "0x10"])
def test_a_length_that_is_no_number_is_400(world: World, length: str):
    answer = Client().generic(
        "POST",
        PLAIN,
        text_of(),
        content_type="application/json",
        headers={"Authorization": basic()},
        CONTENT_LENGTH=length,
    )
    assert answer.status_code == 400


@pytest.mark.parametrize("key", ["care\0dove", "\0", "é" * 500, "'; --", "x" * 4000])
def test_an_odd_key_id_is_401(world: World, key: str):
    assert post(plain(), Authorization=basic(key, "x")).status_code == 401
