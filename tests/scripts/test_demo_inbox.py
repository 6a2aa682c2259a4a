"""The demonstration's look into CRMS sees what is wrong there."""

import json
from base64 import b64decode
from collections.abc import Iterator

import pytest

from sandbox import running_sandbox
from scripts.demo import inbox
from scripts.demo.sending import Row
from scripts.demo.story import EVENTS, Run, picture
from tests.sandbox.sender import TOKEN, Sender, changed

RUN = Run("http://127.0.0.1:1/files")
BY_KEY = {event.key: event for event in EVENTS}


class Inbox:
    """A CRMS into which one event of the story is put by hand."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.sender = Sender(url)

    def row(self, key: str) -> Row:
        self.event = BY_KEY[key]
        self.reference = RUN.reference(self.event)
        return Row(self.event, self.reference, RUN.body(self.event))

    def put(self, *files: bytes, summary: bytes = b"%PDF-1.7 a summary") -> None:
        created = self.sender.create(changed("external_reference", self.reference)).json()
        self.sender.attach(created["id"], summary)
        for number, content in enumerate(files):
            self.sender.attach(created["id"], content, name=f"{number}.pdf", category="attachment")

    def problems(self, row: Row) -> tuple[str, ...]:
        return inbox.inspect(self.url, [row], picture(), RUN.files_url).problems


@pytest.fixture
def crms() -> Iterator[Inbox]:
    with running_sandbox(token=TOKEN, allow_duplicates=True) as sandbox:
        yield Inbox(sandbox.url)


def sent(row: Row) -> list[bytes]:
    """Return the files of a plain event."""
    attachments = json.loads(row.body)["referral"]["attachments"]
    return [b64decode(attachment["data"]) for attachment in attachments]


def test_what_is_as_it_should_be_is_no_problem(crms):
    row = crms.row("full")
    crms.put(*sent(row))

    assert crms.problems(row) == ()


def test_a_referral_that_is_missing(crms):
    assert "has 0 referrals" in crms.problems(crms.row("full"))[0]


def test_a_referral_that_came_twice(crms):
    row = crms.row("full")
    crms.put(*sent(row))
    crms.put(*sent(row))

    assert "has 2 referrals" in crms.problems(row)[0]


def test_a_referral_that_should_not_be_there(crms):
    row = crms.row("unconnected")
    crms.put()

    assert "should have 0" in crms.problems(row)[0]


def test_a_file_that_is_missing(crms):
    row = crms.row("full")
    crms.put(*sent(row)[:1])

    assert "has 1 files, and should have 2" in crms.problems(row)[0]


def test_a_file_that_came_twice(crms):
    row = crms.row("full")
    first, second = sent(row)
    crms.put(first, second, second)

    assert "has 3 files" in crms.problems(row)[0]


def test_a_file_with_a_changed_byte(crms):
    row = crms.row("full")
    first, second = sent(row)
    crms.put(first, second[:-1] + b"?")

    assert "byte for byte" in crms.problems(row)[0]


def test_a_summary_that_is_no_pdf(crms):
    row = crms.row("full")
    crms.put(*sent(row), summary=b"<html>")

    assert "one summary as PDF" in crms.problems(row)[0]


def test_a_failure_that_never_happened(crms):
    row = crms.row("down")
    crms.put(*sent(row))

    assert "CRMS never failed with 503" in crms.problems(row)[0]


def test_the_files_of_a_fhir_message_are_counted_too(crms):
    row = crms.row("french")
    crms.put(picture())

    assert "has 1 files, and should have 3" in crms.problems(row)[0]
