"""`manage.py send_event` against a real portal."""

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from integrations.credentials import add_basic
from integrations.models import Source
from referrals.models import InboundEvent
from tests.world import FIXTURES, plain

EXAMPLES = FIXTURES / "examples"


class Portal:
    """A running portal with one source."""

    def __init__(self, url: str) -> None:
        self.url = url
        credential, self.secret = add_basic(Source.objects.create(name="caredove"))
        self.key = credential.key

    def send(self, *files: Path, secret: str = "") -> list[str]:
        """Return the lines that the command printed; raises CommandError after the last one."""
        self.printed = StringIO()
        call_command(
            "send_event",
            *map(str, files),
            f"--url={self.url}",
            f"--key={self.key}",
            f"--secret={secret or self.secret}",  # which may begin with a dash
            stdout=self.printed,
        )
        return self.lines

    @property
    def lines(self) -> list[str]:
        return self.printed.getvalue().splitlines()


@pytest.fixture
def portal(live_server) -> Portal:
    return Portal(live_server.url)


def written(path: Path, content: object) -> Path:
    path.write_text(json.dumps(content))
    return path


def test_a_plain_event_goes_through_the_plain_endpoint(portal):
    file = EXAMPLES / "event-plain.json"

    lines = portal.send(file)

    event = InboundEvent.objects.get()
    assert event.endpoint_name == "plain"
    assert lines == [f"{file}: 202 Stored. {event.pk}"]


def test_a_fhir_message_goes_through_the_fhir_endpoint(portal):
    file = EXAMPLES / "fhir-full-referral.json"

    lines = portal.send(file)

    event = InboundEvent.objects.get()
    assert event.endpoint_name == "fhir"
    assert lines == [f"{file}: 200 Stored. {event.pk}"]


def test_the_bytes_arrive_as_they_are(portal, tmp_path):
    file = tmp_path / "event.json"
    file.write_bytes(b" \n" + json.dumps(plain()).encode() + b"\n ")

    portal.send(file)

    assert bytes(InboundEvent.objects.defer(None).get().body) == file.read_bytes()


def test_the_same_event_again_is_stated_to_be_stored_before(portal):
    file = EXAMPLES / "event-plain.json"
    portal.send(file)

    lines = portal.send(file)

    assert lines == [f"{file}: 200 Stored before. {InboundEvent.objects.get().pk}"]


def test_a_conflict_is_not_stored_and_ends_with_an_error(portal, tmp_path):
    first = written(tmp_path / "first.json", plain())
    other = written(tmp_path / "other.json", plain(status="closed"))

    with pytest.raises(CommandError, match=r"Not stored: 1 of 2\."):
        portal.send(first, other)

    assert portal.lines[1].startswith(f"{other}: 409 An event with this id")


@pytest.mark.parametrize("name", ["plain", "fhir"])
def test_what_is_wrong_with_an_event_is_stated_field_by_field(portal, tmp_path, name):
    bodies = {"plain": {"event_type": "referral.received"}, "fhir": {"resourceType": "Bundle"}}
    file = written(tmp_path / "event.json", bodies[name])

    with pytest.raises(CommandError):
        portal.send(file)

    assert portal.lines[0].startswith(f"{file}: 400 ")
    assert ("referral.reference: " in portal.lines[0]) == (name == "plain")


def test_what_is_no_json_is_for_the_portal_to_refuse(portal, tmp_path):
    file = tmp_path / "event.json"
    file.write_text("{")

    with pytest.raises(CommandError):
        portal.send(file)

    assert portal.lines[0].startswith(f"{file}: 400 body: ")


def test_one_bad_file_does_not_hold_the_others_back(portal, tmp_path):
    good = EXAMPLES / "event-plain.json"

    with pytest.raises(CommandError, match=r"Not stored: 1 of 2\."):
        portal.send(tmp_path / "absent.json", good)

    assert portal.lines[0] == f"{tmp_path}/absent.json: cannot be read: No such file or directory"
    assert InboundEvent.objects.count() == 1


def test_a_wrong_secret_is_named_and_not_shown(portal):
    with pytest.raises(CommandError):
        portal.send(EXAMPLES / "event-plain.json", secret="guessed")

    assert ": 401 The key id or the secret is not valid." in portal.lines[0]
    assert "guessed" not in portal.lines[0]


def test_a_secret_is_read_from_the_environment(portal, monkeypatch):
    monkeypatch.setenv("SENDERS_SECRET", portal.secret)

    assert "202" in portal.send(EXAMPLES / "event-plain.json", secret="env:SENDERS_SECRET")[0]


def test_a_missing_secret_is_stated_before_anything_is_sent(portal):
    with pytest.raises(CommandError, match="ABSENT_SECRET is not set"):
        portal.send(EXAMPLES / "event-plain.json", secret="env:ABSENT_SECRET")

    assert not InboundEvent.objects.exists()


def test_a_portal_that_is_not_there_is_named(portal, free_port):
    portal.url = f"http://127.0.0.1:{free_port}"

    with pytest.raises(CommandError):
        portal.send(EXAMPLES / "event-plain.json")

    assert "not sent: 127.0.0.1 could not be reached" in portal.lines[0]


def test_what_answers_may_be_something_else_than_a_portal(portal):
    portal.url += "/admin/login"

    with pytest.raises(CommandError):
        portal.send(EXAMPLES / "event-plain.json")

    assert portal.lines[0].endswith(": 403 This is not an answer of a portal.")
