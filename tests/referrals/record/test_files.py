"""A referral's files: what an address answers is judged, and the same bytes are sent once."""

import base64
import hashlib
import json
from datetime import timedelta
from unittest import mock

import pytest

from core import outbound
from integrations.destinations.demo import transport as demo
from referrals.models import ReferralFile
from referrals.record import files, warned
from tests.integrations.sources.real_files import NOTE, SIGN_IN_PAGE, TINY_PDF, pdf, picture
from tests.world import FIXTURES, World, plain

URL = "https://files.example.org/letter"
PDF_TYPE = "application/pdf"


def wanted(**announced):
    return {"id": "att-90001", "filename": "letter.pdf", "url": URL, **announced}


def inline(filename: str, content: bytes, **announced):
    return {"filename": filename, "data": base64.b64encode(content).decode(), **announced}


def answering(content: bytes, content_type: str = "application/octet-stream"):
    """Let every address answer with these bytes."""

    def download(url, into, **_):
        into.write(content)
        digest = hashlib.sha256(content).hexdigest()
        return outbound.Downloaded(content_type, len(content), digest, "")

    return mock.patch.object(outbound, "download", download)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, bytes]]:
    """Names and contents of the attachments that reach the destination, in their order."""
    seen: list[tuple[str, bytes]] = []
    deliver = demo.DemoTransport.deliver

    def watched(self, parcel):
        for document in parcel.documents[1:]:
            with document.open() as stream:
                seen.append((document.name.rpartition("-")[2], stream.read()))
        return deliver(self, parcel)

    monkeypatch.setattr(demo.DemoTransport, "deliver", watched)
    return seen


def run(world: World, content: bytes, content_type: str = "application/octet-stream"):
    with answering(content, content_type):
        return world.run()


# -- What an address answers ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("announced", "answer", "why"),
    [
        ({"content_type": PDF_TYPE}, SIGN_IN_PAGE, "The address answered with a web page."),
        ({}, SIGN_IN_PAGE, "The address answered with a web page."),
        ({"content_type": PDF_TYPE}, b'{"error": "x"}', "The address answered with JSON data."),
        ({"content_type": PDF_TYPE}, b"Access denied", "The address answered with an error text."),
        ({"size": 10256}, b"", "It came empty."),
        ({"size": 10256}, TINY_PDF, "It is shorter than announced: 45 of 10256 bytes came."),
        ({"sha256": "0" * 64}, TINY_PDF, "its hash differs"),
        ({"content_type": PDF_TYPE}, pdf()[:-80], "It is cut off or damaged"),
    ],
)
def test_what_is_not_the_file_is_missing_with_the_reason_and_asked_for_again(
    world: World, sent, announced, answer, why
):
    world.send(plain(attachments=[wanted(**announced)]))
    delivery = run(world, answer, "text/html")
    assert why in delivery.missing_files["letter.pdf"]
    assert sent == []
    assert (delivery.state, delivery.due_at is not None) == ("imported", True)
    file = ReferralFile.objects.get()
    assert (file.state, file.stored_as, file.size) == ("wanted", "", announced.get("size"))


def test_it_is_sent_when_the_address_gives_it_after_all(world: World, sent, settings):
    settings.RETRY_SCHEDULE = [timedelta(0)] * 3
    digest = hashlib.sha256(pdf()).hexdigest()
    world.send(plain(attachments=[wanted(content_type=PDF_TYPE, size=len(pdf()), sha256=digest)]))
    for answer in (SIGN_IN_PAGE, b"", pdf()[:500]):
        assert run(world, answer).missing_files
    assert run(world, pdf()).missing_files == {}
    assert sent == [("1.pdf", pdf())]


def test_what_the_address_never_gives_is_left_to_people(world: World, settings):
    settings.RETRY_SCHEDULE = []
    world.send(plain(attachments=[wanted()]))
    delivery = run(world, b"")
    assert (delivery.state, delivery.due_at, delivery.has_uncleared_error) == (
        "imported",
        None,
        True,
    )
    file = ReferralFile.objects.get()
    assert (file.state, file.remark) == ("unavailable", "It came empty.")


@pytest.mark.parametrize(
    ("answer", "announced", "warning", "name"),
    [
        (pdf(), {"content_type": PDF_TYPE}, "", "letter.pdf"),
        (pdf(), {"content_type": PDF_TYPE, "size": 17}, "file_other_size", "letter.pdf"),
        (picture("PNG"), {"content_type": PDF_TYPE}, "file_other_kind", "letter.png"),
        (picture("JPEG"), {}, "", "letter.jpg"),
        (NOTE, {"content_type": "text/plain", "filename": "note v1.2"}, "", "note v1.2.txt"),
    ],
)
def test_a_whole_file_is_stored_under_what_it_is(
    world: World, sent, answer, announced, warning, name
):
    world.send(plain(attachments=[wanted(**announced)]))
    run(world, answer)
    file = ReferralFile.objects.get()
    assert (file.state, file.filename, file.warning) == ("stored", name, warning)
    assert (file.size, file.problem) == (len(answer), "")
    assert [content for _, content in sent] == [answer]
    assert bool(file.remark) == bool(warning)


def test_what_was_announced_later_counts(world: World):
    world.send(plain(attachments=[wanted(content_type=PDF_TYPE, size=17)]))
    world.send(plain(number=2, attachments=[wanted(content_type=PDF_TYPE, size=len(TINY_PDF))]))
    run(world, TINY_PDF)
    assert ReferralFile.objects.get().state == "stored"


def test_a_stored_file_keeps_the_name_of_its_content(world: World):
    world.send(plain(attachments=[wanted()]))
    run(world, picture("PNG"))
    world.send(plain(number=2, attachments=[wanted()]))
    file = ReferralFile.objects.get()
    assert (file.state, file.filename, file.content_type) == ("stored", "letter.png", "image/png")


# -- The same bytes ------------------------------------------------------------------------------


def test_the_same_bytes_are_sent_once(world: World, sent):
    files = [inline("letter.txt", NOTE), inline("copy of letter.txt", NOTE), inline("b.pdf", pdf())]
    world.send(plain(attachments=files))
    delivery = world.run()
    assert sent == [("1.txt", NOTE), ("3.pdf", pdf())]
    assert delivery.missing_files == {}


def test_the_same_bytes_from_an_address_are_sent_once(world: World, sent):
    world.send(plain(attachments=[inline("letter.txt", NOTE), wanted(filename="other.txt")]))
    assert run(world, NOTE).missing_files == {}
    assert sent == [("1.txt", NOTE)]


def test_the_bytes_that_were_stored_first_are_the_ones_that_are_sent(world: World, sent, settings):
    settings.RETRY_SCHEDULE = [timedelta(0)]
    world.send(plain(attachments=[wanted(filename="first.txt"), inline("second.txt", NOTE)]))
    assert "first.txt" in run(world, b"").missing_files
    assert run(world, NOTE).missing_files == {}
    assert {name for name, _ in sent} == {"2.txt"}


def test_other_bytes_under_one_key_are_distinguished_again(world: World, sent):
    twice = {"id": "att-90001", **inline("a.txt", NOTE)}
    world.send(plain(attachments=[inline("b.txt", NOTE), twice]))
    world.send(plain(number=2, attachments=[{"id": "att-90001", **inline("a.txt", NOTE * 2)}]))
    world.run()
    assert sorted(content for _, content in sent) == [NOTE, NOTE * 2]


# -- Cases from the field ------------------------------------------------------------------------


def case(name: str) -> list[dict]:
    content = json.loads((FIXTURES / "cases" / f"{name}.json").read_text())
    return content if isinstance(content, list) else [content]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("21-data-url-in-data", {"letter.pdf": TINY_PDF}),
        (
            "22-title-with-dot-no-extension",
            {
                "Consult note 2026.03.09.pdf": TINY_PDF + b"A",
                "Assessment v1.2.pdf": TINY_PDF + b"B",
                "Lettre Dr.Roy.pdf": TINY_PDF + b"C",
                "plain title.pdf": TINY_PDF + b"D",
            },
        ),
        (
            "151-documents-share-referral-identifier",
            {"letter.pdf": TINY_PDF + b"A", "bloodwork.pdf": TINY_PDF + b"B"},
        ),
    ],
)
def test_the_files_of_a_case_arrive_byte_for_byte(world: World, sent, name, expected):
    for message in case(name):
        world.send(message, "fhir")
    assert world.run().missing_files == {}
    assert {file.filename for file in ReferralFile.objects.all()} == set(expected)
    assert sorted(content for _, content in sent) == sorted(expected.values())
    assert all(name.endswith(".pdf") for name, _ in sent)


@pytest.mark.parametrize(
    ("name", "answer", "why"),
    [
        ("44-plain-truncated-base64", b"", "It is shorter than announced: 45 of 5000 bytes came."),
        ("172-fetch-login", SIGN_IN_PAGE, "The address answered with a web page."),
        ("172-fetch-login", b'{"error": "login"}', "The address answered with JSON data."),
        ("173-fetch-empty", b"", "It came empty."),
    ],
)
def test_the_file_of_a_case_is_missing_with_the_reason(world: World, sent, name, answer, why):
    (message,) = case(name)
    world.send(message)
    assert run(world, answer, "text/html").missing_files == {"letter.pdf": why}
    assert sent == []


def test_of_a_sender_in_a_loop_no_more_files_are_kept_than_the_limit(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(files, "MAX_FILES", 3)
    for number in (1, 2):
        attachments = [inline(f"{number}-{n}.txt", f"{number} {n}".encode()) for n in range(5)]
        world.send(plain(number=number, attachments=attachments))
    assert ReferralFile.objects.count() == 3
    assert "too_many_files" in [one.cause for one in warned.of_referral(world.referral)]
