"""Rule 24: a file is what was announced, or it is missing with the reason."""

import base64
import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integrations import sentences
from integrations.sources.content import (
    OTHER_KIND,
    OTHER_SIZE,
    Announcement,
    Verdict,
    hashes_of,
    judge,
)
from tests.integrations.sources.real_files import (
    CSV,
    NOTE,
    SELF_EVIDENT,
    SIGN_IN_PAGE,
    TINY_PDF,
    WEB_PAGE,
    every_format,
    pdf,
    picture,
)

FILES = every_format()
PDF_TYPE = "application/pdf"
GENERAL = ["", "application/octet-stream", "binary/octet-stream", "application/force-download"]


def judged(content: bytes, content_type: str = "", *, hashes: str = "", **announced) -> Verdict:
    return judge(
        content, Announcement(content_type=content_type, hashes=hashes_of(hashes), **announced)
    )


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


# -- What is sent --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_sent_as_announced(name: str):
    content_type, extension, content = FILES[name]
    for size in (None, len(content)):
        found = judged(content, content_type, size=size)
        assert (found.problem, found.warning) == ("", "")
        assert (found.content_type, found.extension) == (content_type, extension)


@pytest.mark.parametrize("general", GENERAL)
@pytest.mark.parametrize("name", FILES)
def test_a_missing_or_general_type_contradicts_nothing(name: str, general: str):
    _, extension, content = FILES[name]
    found = judged(content, general)
    assert (found.problem, found.warning) == ("", "")
    assert found.extension == (".txt" if name == "csv" else extension)


@pytest.mark.parametrize(
    "content", [TINY_PDF, TINY_PDF + b"A", b"%PDF-1.4\n%%EOF\n", b"\r\n" + TINY_PDF + b"\0" * 5000]
)
def test_a_pdf_as_programs_write_it_by_hand_is_sent_when_nothing_contradicts_it(content: bytes):
    assert judged(content, PDF_TYPE) == judged(content, PDF_TYPE, size=len(content))
    assert judged(content, PDF_TYPE).problem == ""


@pytest.mark.parametrize("content", [TINY_PDF, NOTE, picture("PNG")])
def test_the_length_of_the_base64_text_counts_as_the_size(content: bytes):
    text = base64.b64encode(content)
    lined = base64.encodebytes(content)
    for size in (len(text), len(text.rstrip(b"=")), len(lined)):
        found = judged(content, size=size, encoded_sizes=frozenset([len(lined)]))
        assert (found.problem, found.warning) == ("", ""), size


@pytest.mark.parametrize("size", [0, None])
def test_no_size_and_zero_are_no_announced_size(size):
    assert judged(TINY_PDF, PDF_TYPE, size=size) == judged(TINY_PDF, PDF_TYPE)


@pytest.mark.parametrize(
    ("announced", "name"),
    [
        ("image/jpg", "jpeg"),
        ("image/pjpeg", "jpeg"),
        ("image/tif", "fax"),
        ("application/x-pdf", "pdf"),
        ("image/heif", "heic"),
        ("audio/x-m4a", "mp4"),
        ("application/msword", "docx"),
        ("application/msword", "rtf"),
        ("text/xml", "cda"),
        ("application/xml", "cda"),
        ("application/x-zip-compressed", "zip"),
        ("application/vnd.apple.pages", "zip"),
        ("application/fhir+json", "json"),
        ("text/plain", "csv"),
        ("text/plain", "json"),
        ("text/plain", "xml"),
        ("application/hl7-v2", "note"),
    ],
)
def test_another_name_of_the_same_type_is_no_contradiction(announced: str, name: str):
    found = judged(FILES[name][2], announced)
    assert (found.problem, found.warning) == ("", "")


def test_windows_calls_csv_excel():
    found = judged(CSV, "application/vnd.ms-excel", filename="list.csv")
    assert (found.problem, found.warning) == ("", "")


@pytest.mark.parametrize(
    ("announced", "name"),
    [
        (PDF_TYPE, "png"),
        (PDF_TYPE, "docx"),
        (PDF_TYPE, "cda"),
        (PDF_TYPE, "note"),
        ("image/png", "jpeg"),
        ("image/jpeg", "pdf"),
        ("image/tiff", "pdf"),
        ("application/msword", "pdf"),
        ("text/plain", "pdf"),
        ("application/zip", "pdf"),
        ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", "zip"),
    ],
)
def test_another_kind_of_document_or_picture_is_sent_as_what_it_is(announced: str, name: str):
    content_type, extension, content = FILES[name]
    for size in (None, len(content)):
        found = judged(content, announced, size=size)
        assert (found.problem, found.warning) == ("", OTHER_KIND)
        assert (found.content_type, found.extension) == (content_type, extension)


@pytest.mark.parametrize("name", SELF_EVIDENT)
def test_a_whole_file_of_another_size_is_sent_with_a_warning(name: str):
    content_type, _, content = FILES[name]
    for size in (len(content) * 3, 17):
        found = judged(content, content_type, size=size)
        assert (found.problem, found.warning) == ("", OTHER_SIZE)


@pytest.mark.parametrize("name", ["note", "csv", "gz", "mp3", "dicom"])
def test_what_is_longer_than_announced_is_sent_with_a_warning(name: str):
    content_type, _, content = FILES[name]
    assert judged(content, content_type, size=17).warning == OTHER_SIZE


def test_unknown_bytes_are_sent_and_warned_of_where_a_picture_was_announced():
    unknown = bytes(n * 7 % 251 for n in range(5000))
    assert judged(unknown, "application/x-scanner") == Verdict(content_type="application/x-scanner")
    assert judged(unknown, "image/png") == Verdict("", OTHER_KIND, "image/png")


# -- (a) empty, (b) something else in its place --------------------------------------------------


@pytest.mark.parametrize("size", [None, 0, 10256])
def test_an_empty_file_is_missing(size):
    assert judged(b"", PDF_TYPE, size=size).problem == "It came empty."
    assert judged(b"", PDF_TYPE, hashes=sha256(b"")).missing


_PAGES = [
    WEB_PAGE,
    SIGN_IN_PAGE,
    b"\xef\xbb\xbf\r\n  <!doctype HTML><title>x</title>",
    b"<html>\r\n<head><title>502 Bad Gateway</title></head></html>",
    b'<?xml version="1.0"?>\n<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0//EN" "x">\n<html/>',
    b"<!-- saved from url=x -->\n<HTML lang=en><body>" + b"x" * 20000,
    "<!DOCTYPE html><html><body>Connexion</body></html>".encode("utf-16"),
    b"<script>location='/login'</script>",
]


@pytest.mark.parametrize("page", _PAGES)
@pytest.mark.parametrize("announced", [PDF_TYPE, "image/png", "text/plain", "application/x-odd"])
def test_a_web_page_in_place_of_the_file_is_missing(page: bytes, announced: str):
    for size in (None, len(page), 10256):
        found = judged(page, announced, size=size)
        assert found.problem == "The message holds a web page in its place."
    assert judged(page, announced, fetched=True).problem == (
        "The address answered with a web page."
    )


@pytest.mark.parametrize("page", _PAGES)
def test_a_name_announces_where_the_type_is_missing(page: bytes):
    assert judged(page, filename="letter.pdf").missing
    assert judged(page, "application/octet-stream", filename="scan.JPG").missing


def test_a_web_page_that_was_announced_is_sent_but_never_a_sign_in_page():
    for content_type in ("text/html", "application/xhtml+xml", ""):
        assert not judged(WEB_PAGE, content_type, filename="visit.html").missing
        assert judged(SIGN_IN_PAGE, content_type).missing


@pytest.mark.parametrize(
    "content",
    [
        b'{"error": "unauthorized"}',
        b'  [{"code": 401}]\n',
        b'{"resourceType": "OperationOutcome", "issue": []}',
        b'\xef\xbb\xbf{"message": "expired"}',
        b'{"data": "' + b"x" * 2_000_000 + b'"}',
    ],
)
def test_json_in_place_of_the_file_is_missing(content: bytes):
    assert judged(content, PDF_TYPE).problem == "The message holds JSON data in its place."
    assert judged(content, "image/jpeg", fetched=True).problem == (
        "The address answered with JSON data."
    )
    assert judged(content, filename="letter.pdf").missing
    assert not judged(content, "application/json").missing


@pytest.mark.parametrize(
    "text",
    [
        "Access denied",
        "404 Not Found",
        "404",
        "Error: no such file",
        "Internal Server Error",
        "Unauthorized",
        "The link has expired.",
        "Session timed out, please log in again",
        "Accès refusé",
        "Fichier introuvable",
        "null",
        "<h1>Service unavailable</h1>",
        "<br />\n<b>Warning</b>: readfile(): failed to open stream",
        "Traceback (most recent call last):\n  File x",
    ],
)
@pytest.mark.parametrize("announced", [PDF_TYPE, "image/png", "application/zip", "audio/mpeg"])
def test_an_error_text_in_place_of_the_file_is_missing(text: str, announced: str):
    content = text.encode()
    assert judged(content, announced).problem == "The message holds an error text in its place."
    assert judged(content, filename="letter.pdf").missing
    assert not judged(content, "text/plain").missing


@pytest.mark.parametrize(
    "content",
    [
        b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>",
        b"<?xml version='1.0'?>\n<s:Envelope xmlns:s='x'><s:Fault/></s:Envelope>",
    ],
)
def test_xml_that_is_no_document_is_missing_where_a_file_was_announced(content: bytes):
    assert judged(content, PDF_TYPE).problem == "The message holds XML data in its place."


# -- (c) the hash --------------------------------------------------------------------------------


def _forms(name: str, content: bytes) -> list[str]:
    digest = hashlib.new(name, content).digest()
    encoded = base64.b64encode(digest).decode()
    return [
        digest.hex(),
        digest.hex().upper(),
        encoded,
        encoded.rstrip("="),
        base64.urlsafe_b64encode(digest).decode(),
        base64.b64encode(digest.hex().encode()).decode(),
        f"{name}:{digest.hex()}",
        f" {name}-{encoded} ",
    ]


@pytest.mark.parametrize("name", ["md5", "sha1", "sha256", "sha512"])
def test_a_hash_is_understood_however_it_is_written(name: str):
    for announced in _forms(name, NOTE):
        assert not judged(NOTE, "text/plain", hashes=announced).missing, announced
        assert (
            judged(NOTE + b".", "text/plain", hashes=announced).problem
            == sentences.FILE_OTHER_HASH()
        ), announced


@pytest.mark.parametrize("name", FILES)
def test_another_file_than_the_one_of_the_hash_is_missing(name: str):
    content_type, _, content = FILES[name]
    found = judged(content, content_type, size=len(content), hashes=sha256(b"another"))
    assert found.problem == sentences.FILE_OTHER_HASH()


@pytest.mark.parametrize("announced", ["", "n/a", "abc", "?" * 64, "0" * 39, "é" * 20])
def test_what_cannot_be_a_hash_contradicts_nothing(announced: str):
    assert hashes_of(announced) == ""
    assert not judged(NOTE, hashes=announced).missing


def test_all_announced_hashes_have_to_fit():
    both = hashes_of(hashlib.sha1(NOTE).hexdigest(), sha256(NOTE))
    assert not judge(NOTE, Announcement(hashes=both)).missing
    one_wrong = hashes_of(hashlib.sha1(NOTE).hexdigest(), sha256(CSV))
    assert judge(NOTE, Announcement(hashes=one_wrong)).missing


# -- (d) cut off ---------------------------------------------------------------------------------


def test_what_is_shorter_than_announced_names_both_sizes():
    found = judged(TINY_PDF, PDF_TYPE, size=5000)
    assert found.problem == "It is shorter than announced: 45 of 5000 bytes came."


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
@pytest.mark.parametrize("name", SELF_EVIDENT)
def test_a_file_that_was_cut_off_is_missing(name: str, share: float):
    content_type, _, content = FILES[name]
    cut = content[: int(len(content) * share)]
    assert judged(cut, content_type, size=len(content)).missing
    assert judged(cut, content_type, size=len(cut) - 5).missing
    assert judged(cut, content_type).missing
    assert not judged(cut, content_type, hashes=sha256(cut)).missing


@pytest.mark.parametrize("name", ["note", "csv", "gz", "mp3", "dicom"])
def test_a_format_that_cannot_know_must_not_be_shorter(name: str):
    content_type, _, content = FILES[name]
    found = judged(content[:-8], content_type, size=len(content))
    assert found.problem.startswith("It is shorter than announced")
    assert not judged(content[:-8], content_type).missing


def test_a_pdf_with_an_announced_size_that_it_has_not_needs_its_directory():
    assert judged(TINY_PDF, PDF_TYPE, size=17).problem == (
        "It is cut off or damaged: its end is missing. 45 bytes came, 17 were announced."
    )
    far = pdf().replace(b"startxref\n", b"startxref\n9999999")
    assert judged(far, PDF_TYPE, size=17).missing


def test_a_pdf_that_is_arranged_for_the_web_states_itself_how_long_it_is():
    web = b"%PDF-1.4\n1 0 obj<</Linearized 1/L 90000/O 3>>endobj\nstartxref\n0\n%%EOF\n"
    assert judged(web, PDF_TYPE).missing


def test_a_damaged_picture_is_missing():
    png = bytearray(picture("PNG"))
    png[len(png) // 2] ^= 0xFF
    assert judged(bytes(png), "image/png").problem == (
        "It is cut off or damaged: the picture cannot be opened."
    )


# -- Whatever comes ------------------------------------------------------------------------------

_contents = st.one_of(
    st.binary(max_size=300),
    st.builds(
        lambda name, cut, junk: FILES[name][2][cut:] + junk,
        st.sampled_from(sorted(FILES)),
        st.integers(0, 40),
        st.binary(max_size=20),
    ),
    st.builds(
        lambda name, part, junk: FILES[name][2][: int(len(FILES[name][2]) * part)] + junk,
        st.sampled_from(sorted(FILES)),
        st.floats(0, 1),
        st.binary(max_size=20),
    ),
    st.builds(
        lambda name, place, byte: _with(FILES[name][2], place, byte),
        st.sampled_from(sorted(FILES)),
        st.integers(0, 600),
        st.integers(0, 255),
    ),
)
_types = st.sampled_from([*GENERAL, *(kind for kind, _, _ in FILES.values()), "x/y", "image/*"])


def _with(content: bytes, place: int, byte: int) -> bytes:
    return content[:place] + bytes([byte]) + content[place + 1 :]


@settings(max_examples=400, deadline=None)
@given(_contents, _types, st.none() | st.integers(0, 2**40), st.sampled_from(["", "a.pdf", "a"]))
def test_any_bytes_are_judged_and_never_raise(content, content_type, size, filename):
    found = judged(content, content_type, size=size, filename=filename)
    assert found.missing or content
    assert not (found.missing and found.warning)


@settings(max_examples=200, deadline=None)
@given(_contents.filter(bool), _types, st.none() | st.integers(0, 2**40), st.integers(0, 7))
def test_what_has_the_announced_hash_is_never_missing(content, content_type, size, form):
    for name in ("sha1", "sha256"):
        announced = _forms(name, content)[form]
        assert not judged(content, content_type, size=size, hashes=announced).missing


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(st.text(max_size=80), st.text(max_size=80))
def test_any_announced_hash_is_read_or_left_out(one, other):
    found = hashes_of(one, other)
    assert hashes_of(*found.split()) == found
