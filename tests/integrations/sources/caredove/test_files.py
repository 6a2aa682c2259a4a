"""The files of a message: decoded however they are written, judged, named, and known by a key."""

import base64
import hashlib
import re
from urllib.parse import quote

import pytest

from integrations.sources.caredove.reading.files import Announced, Files
from integrations.sources.parsed import ParsedFile
from integrations.sources.warnings import sentence
from tests.integrations.sources.caredove.messages import REFERENCE, bundle, load, parse, request
from tests.integrations.sources.caredove.messages import plain_event as event
from tests.integrations.sources.real_files import NOTE, TINY_PDF, WEB_PAGE, pdf, picture

PDF_TYPE = "application/pdf"


def encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


def added(*announced: Announced, **options) -> Files:
    files = Files(**options)
    for one in announced:
        files.add(one)
    return files


def only(**announced) -> ParsedFile:
    (file,) = added(Announced(**announced)).parsed
    return file


# -- Its content ---------------------------------------------------------------------------------

# Every byte value, so that both characters that differ in URL-safe base64 occur.
_BYTES = TINY_PDF + bytes(range(256)) + b"\n%%EOF\n"
_PLAIN = encoded(_BYTES)
_WRITTEN = {
    "plain": _PLAIN,
    "with line breaks": base64.encodebytes(_BYTES).decode(),
    "with CRLF and tabs": "\r\n\t".join(re.findall(".{1,60}", _PLAIN)),
    "unpadded": _PLAIN.rstrip("="),
    "URL-safe": base64.urlsafe_b64encode(_BYTES).decode(),
    "URL-safe and unpadded": base64.urlsafe_b64encode(_BYTES).decode().rstrip("="),
    "a data URL": f"data:application/pdf;base64,{_PLAIN}",
    "a data URL without type": f"data:;base64,{_PLAIN}",
    "a data URL with parameters": f"DATA:application/pdf;name=a.pdf;BASE64,{_PLAIN}",
    "a data URL with spaces": f" data: application/pdf ; base64 ,\n{_PLAIN}",
    "a data URL with escapes": f"data:application/pdf;base64,{quote(_PLAIN, safe='')}",
    "a data URL without base64": f"data:application/pdf,{quote(_BYTES)}",
}


@pytest.mark.parametrize("name", _WRITTEN)
def test_the_content_arrives_byte_for_byte_however_it_is_written(name: str):
    for member in ("data", "url") if "data URL" in name else ("data",):
        file = only(**{member: _WRITTEN[name]}, filename="letter.pdf", content_type=PDF_TYPE)
        assert (file.content, file.problem, file.url) == (_BYTES, "", "")
        assert (file.size, file.content_type) == (len(_BYTES), PDF_TYPE)


def test_a_data_url_states_the_type_where_nothing_else_does():
    page = f"data:application/pdf;base64,{encoded(WEB_PAGE)}"
    for content_type in ("", "application/octet-stream"):
        assert only(data=page, content_type=content_type).problem
    assert not only(data=page, content_type="text/html", filename="visit.html").problem


@pytest.mark.parametrize("size", ["as bytes", "as base64", "as lined base64"])
def test_the_announced_size_may_be_that_of_the_text(size: str):
    written = _WRITTEN["with line breaks"]
    sizes = {"as bytes": len(_BYTES), "as base64": len(_PLAIN), "as lined base64": len(written)}
    file = only(data=written, content_type=PDF_TYPE, size=sizes[size])
    assert (file.problem, file.warning, file.size) == ("", "", len(_BYTES))


@pytest.mark.parametrize(
    ("announced", "problem"),
    [
        ({"data": "data:application/pdf;base64,"}, "It came empty."),
        ({"data": "   "}, "It came empty."),
        ({"data": encoded(WEB_PAGE)}, "The message holds a web page in its place."),
        ({"data": encoded(b'{"error": 1}')}, "The message holds JSON data in its place."),
        ({"data": encoded(TINY_PDF), "size": 5000}, "It is shorter than announced: 45 of 5000"),
        ({"data": encoded(TINY_PDF), "sha1": "0" * 40}, "its hash differs"),
        ({"data": encoded(pdf()[:-60])}, "It is cut off or damaged: its end is missing."),
        ({"data": "%%%"}, "not valid base64"),
        ({"data": 7}, "not valid base64"),
        ({"data": ["JVBE"]}, "not valid base64"),
        ({"data": "data:application/pdf;base64,%%%"}, "not valid base64"),
    ],
)
def test_a_file_that_is_not_what_was_announced_is_missing_with_the_reason(announced, problem):
    files = added(Announced(filename="letter.pdf", content_type=PDF_TYPE, **announced))
    (file,) = files.parsed
    assert problem in file.problem
    assert (file.content, file.url, file.filename) == (None, "", "letter.pdf")
    assert file.size == announced.get("size")
    assert files.attachments[0]["filename"] == "letter.pdf"
    assert [warning.cause for warning in files.warnings] == ["file_missing"]


def test_content_that_cannot_be_used_is_fetched_where_there_is_an_address():
    url = "https://files.example.org/a.pdf"
    for data in (encoded(WEB_PAGE), "%%%", 7):
        file = only(data=data, url=url, content_type=PDF_TYPE, size=10, sha1="0" * 40)
        assert (file.url, file.problem, file.content, file.size) == (url, "", None, 10)
        assert file.hashes == f"sha1:{'0' * 40}"


def test_the_hash_decides():
    digest = encoded(hashlib.sha1(TINY_PDF).digest())
    file = only(data=encoded(TINY_PDF), content_type=PDF_TYPE, size=99, sha1=digest)
    assert (file.content, file.warning) == (TINY_PDF, "")


@pytest.mark.parametrize(
    ("announced", "cause"),
    [
        ({"content_type": PDF_TYPE, "data": encoded(picture("PNG"))}, "file_other_kind"),
        ({"content_type": PDF_TYPE, "data": encoded(pdf()), "size": 7}, "file_other_size"),
    ],
)
def test_a_whole_file_that_differs_from_what_was_announced_is_warned_of(announced, cause):
    files = added(Announced(filename="scan.pdf", place="referral.attachments", **announced))
    (warning,) = files.warnings
    assert (warning.field, warning.cause) == ("referral.attachments", cause)
    assert files.parsed[0].warning == cause
    assert sentence(warning.field, cause).startswith("A file is ")


def test_a_file_is_named_and_typed_by_its_content():
    files = added(
        Announced(filename="scan.pdf", content_type=PDF_TYPE, data=encoded(picture("PNG")))
    )
    (file,), (shown,) = files.parsed, files.attachments
    assert (file.filename, file.content_type) == ("scan.png", "image/png")
    assert (shown["filename"], shown["content_type"]) == ("scan.png", "image/png")


@pytest.mark.parametrize("name", ["Consult note 2026.03.09", "Assessment v1.2", "Lettre Dr.Roy"])
def test_a_title_keeps_its_dots(name: str):
    assert only(filename=name, content_type=PDF_TYPE, data=encoded(TINY_PDF)).filename == (
        f"{name}.pdf"
    )


def test_both_endpoints_read_the_announced_hash():
    wrong = {"sha256": "0" * 64}
    (plain,) = parse(
        event(attachments=[{"filename": "a.txt", "data": encoded(NOTE), **wrong}])
    ).files
    assert "its hash differs" in plain.problem
    attachment = {"title": "a.txt", "data": encoded(NOTE), "hash": encoded(bytes(20))}
    document = {"resourceType": "DocumentReference", "content": [{"attachment": attachment}]}
    (fhir,) = parse(bundle(request(), document)).files
    assert "its hash differs" in fhir.problem


# -- Its key -------------------------------------------------------------------------------------


def keys(*announced: Announced, **options) -> list[str]:
    return [file.key for file in added(*announced, **options).parsed]


def test_an_id_of_its_own_is_its_key():
    for own in ("att-90001", "doc-998877", "b5f1d1b2-4c0e-4b0c-9a52-3f8f5b6a7c10", "9911223344"):
        assert keys(Announced(id=own, data="QUJD")) == [own]


@pytest.mark.parametrize("local", ["1", "a1", "att-2", "f1", "attachment", "qr-1", "x y", "?"])
def test_an_id_that_is_the_messages_own_is_no_key(local: str):
    letter = Announced(id=local, filename="letter.txt", data=encoded(NOTE))
    other = Announced(id=local, filename="other.txt", data=encoded(NOTE + b"."))
    again = Announced(id="b7", filename="letter.txt", data=encoded(NOTE))
    (key,), (other_key,) = keys(letter), keys(other)
    assert key.startswith("sha256-")
    assert key != other_key
    assert keys(again) == [key]


def test_an_id_of_the_referral_is_no_key_of_a_file():
    letter, blood = (Announced(id=REFERENCE, data=encoded(text)) for text in (b"L", b"B"))
    known = {"referral_ids": {REFERENCE}}
    assert keys(letter, **known) != keys(blood, **known)


def test_documents_that_share_an_identifier_of_the_referral_are_distinguished():
    shared = {"system": "https://ocean.example/id", "value": "50b6b729-a97a-42ad-8b79-5f14bd2539bc"}
    found = set()
    for number in (1, 2):
        document = {
            "resourceType": "DocumentReference",
            "identifier": [shared],
            "content": [{"attachment": {"title": "a.txt", "data": encoded(NOTE * number)}}],
        }
        (file,) = parse(bundle(request(identifier=[shared]), document)).files
        assert file.former_key == shared["value"]
        found.add(file.key)
    assert len(found) == 2


def test_two_different_files_of_one_id_are_both_kept_and_the_same_one_once():
    one, other = (Announced(id="doc-998877", data=encoded(text)) for text in (b"A", b"B"))
    found = keys(one, other, one, other, one)
    assert len(found) == 2
    assert found[0] == "doc-998877"
    assert keys(one, one) == ["doc-998877"]


_SIGNED = [
    "?X-Amz-Algorithm=A&X-Amz-Date={n}&X-Amz-Expires=900&X-Amz-Signature={n}",
    "?X-Goog-Signature={n}&X-Goog-Date={n}",
    "?Expires={n}&Signature={n}&Key-Pair-Id=K",
    "?sv=2022&st={n}&se={n}&sr=b&sp=r&sig={n}",
    "?token={n}",
    "?access_token={n}#page={n}",
    "?expires={n}&signature={n}",
]


@pytest.mark.parametrize("query", _SIGNED)
def test_a_signed_address_names_the_same_file_in_every_message(query: str):
    urls = [f"https://files.example.org/f/phq9.png{query.format(n=n)}" for n in (1111, 2222)]
    first, second = (only(filename="phq9.png", url=url) for url in urls)
    assert first.key == second.key
    assert [first.url, second.url] == urls


def test_addresses_that_name_different_files_are_distinguished():
    urls = ["?id=1&token=x", "?id=2&token=x", "?st=1", "?st=2", ""]
    named = [Announced(filename="f", url=f"https://x.example/download{q}") for q in urls]
    assert len(set(keys(*named))) == len(urls)


# -- The key of version 1.0 ----------------------------------------------------------------------


def former(*announced: Announced) -> list[str]:
    return [file.former_key for file in added(*announced).parsed]


def by_content(filename: str, origin: bytes) -> str:
    return f"sha256-{hashlib.sha256(filename.encode() + bytes(1) + origin).hexdigest()[:32]}"


def test_a_file_is_found_under_the_key_that_it_had():
    url = "https://files.example.org/phq9.png?sig=1"
    assert former(Announced(id="a1", filename="x", data="QUJD")) == ["a1"]
    assert former(Announced(id="x y", filename="x", data="QUJD")) == [by_content("x", b"ABC")]
    assert former(Announced(filename="x", data="QU\nJD")) == [by_content("x", b"ABC")]
    assert former(Announced(filename="x", url=url)) == [by_content("x", url.encode())]
    assert former(Announced(filename="x", url="data:a/b;base64,QUJD")) == [by_content("x", b"ABC")]
    # What was not read then was known by its name alone.
    assert former(Announced(filename="x", data="data:a/b;base64,QUJD")) == [by_content("x", b"")]
    assert former(Announced(filename="x", url="data:a/b,ABC")) == [by_content("x", b"")]
    assert former(Announced(filename="x", data="%%%")) == [by_content("x", b"")]
    assert former(Announced(filename="x", url="Binary/gone")) == [by_content("x", b"")]


def test_of_two_files_with_one_id_the_second_was_known_by_its_content():
    one, other = (Announced(id="a1", filename="x", data=encoded(text)) for text in (b"A", b"B"))
    assert former(one, other) == ["a1", by_content("x", b"B")]


def test_every_message_of_the_repository_gives_the_keys_that_version_1_0_gave():
    plain = parse(load("event-plain")).files
    assert [file.former_key for file in plain] == ["a1", "a2"]
    named = parse(load("plain-received-with-attachments")).files
    assert [file.key for file in named] == [file.former_key for file in named]
    fhir = parse(load("fhir-add-service-request")).files
    assert [file.key for file in fhir] == [file.former_key for file in fhir]
