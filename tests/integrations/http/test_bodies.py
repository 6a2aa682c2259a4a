"""A body is read in whatever character set, and a page is told from an answer."""

import pytest

from integrations.http.bodies import is_page, read_json, text
from tests.integrations.http.answers import answer


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ("Zoë".encode(), ""),
        ("Zoë".encode(), "text/plain; charset=utf-8"),
        ("Zoë".encode(), "text/plain; charset=nonsense"),
        ("Zoë".encode(), "text/plain; charset=us-ascii"),
        ("Zoë".encode(), 'text/plain; charset="'),
        ("Zoë".encode(), "text/plain; charset=base64"),
        ("Zoë".encode(), "text/plain; charset=punycode"),
        ("Zoë".encode("utf-8-sig"), ""),
        ("Zoë".encode("utf-16"), ""),
        ("Zoë".encode("utf-16-be"), "text/plain; charset=UTF-16BE"),
        ("Zoë".encode("utf-32"), ""),
        ("Zoë".encode("cp1252"), ""),
        ("Zoë".encode("latin-1"), "text/plain; charset=ISO-8859-1"),
        ("Zoë".encode("cp1252"), "text/plain; charset=utf-8"),  # a wrong label
        ("Zoë".encode("mac-roman"), "text/plain; charset=macintosh"),
    ],
)
def test_text_is_decoded_as_declared_or_as_it_looks(body: bytes, content_type: str):
    assert text(answer(400, body, Content_Type=content_type)) == "Zoë"


def test_quotes_of_windows_are_read_where_latin_1_is_declared():
    assert text(answer(400, b"\x93no\x94", Content_Type="text/plain; charset=latin1")) == "“no”"


def test_a_character_that_the_limit_cuts_through_is_left_out():
    assert text(answer(400, ("é" * 3000).encode()), 4096) == "é" * 2048
    assert text(answer(400, ("x" + "é" * 3000).encode()), 4096) == "x" + "é" * 2047
    assert text(answer(400, ("é" * 9).encode()[:-1], truncated=True)) == "é" * 8


def test_json_is_read_in_its_character_set():
    body = '{"id": "é"}'
    for charset in ("utf-8", "utf-8-sig", "utf-16", "latin-1"):
        declared = f"application/json; charset={charset.removesuffix('-sig')}"
        assert read_json(answer(200, body.encode(charset), Content_Type=declared)) == {"id": "é"}
    assert read_json(answer(200, b'{"id": "RF-')) is None
    assert read_json(answer(200, b"[" * 100_000)) is None


@pytest.mark.parametrize(
    ("body", "content_type", "page"),
    [
        (b"<html><title>Sign in</title></html>", "", True),
        (b"\xef\xbb\xbf\n<!DOCTYPE HTML PUBLIC '-//W3C//DTD HTML 4.01//EN'><p>x", "", True),
        ("<html>é</html>".encode("utf-16"), "", True),
        (b"<?xml version='1.0'?><!DOCTYPE html><html/>", "application/xhtml+xml", True),
        (b"<div>Sign in</div>", "text/html", True),
        (b'{"id": 1}', "text/html", False),
        (b"OK", "text/html", False),
        (b"", "text/html", False),
        (b"<?xml version='1.0'?><referral><id>7</id></referral>", "application/xml", False),
        (b"a < b", "text/plain", False),
        (b"Accepted", "", False),
    ],
)
def test_a_page_is_distinguished_from_an_answer(body: bytes, content_type: str, page: bool):
    assert is_page(answer(200, body, Content_Type=content_type)) is page
