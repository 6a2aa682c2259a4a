"""The ledger: what is on disk, and what a restarted sandbox knows of it."""

import json

import pytest

from sandbox import running_sandbox
from sandbox.ledger import BrokenLedger
from tests.sandbox.sender import Sender, body

REFERENCE = "3502768696"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "var" / "ledger.jsonl"


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def fill(path):
    """Send one referral with one file, and return their ids."""
    with running_sandbox(ledger=path) as sandbox:
        sender = Sender(sandbox.url)
        referral_id = sender.create(key="create").json()["id"]
        return referral_id, sender.attach(referral_id, key="summary").json()["id"]


def test_each_thing_applied_is_one_line(path):
    referral_id, file_id = fill(path)
    created, attached = lines(path)
    at = created.pop("at")
    assert at < attached.pop("at")
    assert created == {
        "applied": "referral",
        "id": referral_id,
        "external_reference": REFERENCE,
        "idempotency_key": "create",
    }
    assert len(attached.pop("sha256")) == 64
    assert attached == {
        "applied": "attachment",
        "id": file_id,
        "referral_id": referral_id,
        "external_reference": REFERENCE,
        "category": "referral_summary",
        "size": 18,
        "idempotency_key": "summary",
    }


def test_what_was_not_applied_is_not_in_it(path):
    with running_sandbox(ledger=path) as sandbox:
        sandbox.fail("create", "500")
        sender = Sender(sandbox.url)
        statuses = [sender.create(content).status_code for content in (body(), {}, body(), body())]
        assert statuses == [500, 400, 201, 409]
        sender.create(key=lines(path)[0]["idempotency_key"])
    assert len(lines(path)) == 1


def test_the_line_is_there_although_no_answer_came(path):
    with running_sandbox(ledger=path) as sandbox:
        sandbox.fail("create", "500-after")
        Sender(sandbox.url).create()
        assert [line["applied"] for line in lines(path)] == ["referral"]


def test_it_holds_no_personal_data(path):
    with running_sandbox(ledger=path) as sandbox:
        sender = Sender(sandbox.url)
        sender.attach(sender.created(), name="Mireille.pdf")
    written = path.read_text()
    personal = [*body()["client"].values(), "Mireille.pdf"]
    assert not [value for value in personal if f'"{value}"' in written or "Mireille" in written]


def test_a_restarted_sandbox_doubles_nothing(path):
    referral_id, file_id = fill(path)
    with running_sandbox(ledger=path) as sandbox:
        sender = Sender(sandbox.url)
        assert sender.create(key="create").json()["id"] == referral_id
        assert sender.create().json()["id"] == referral_id
        assert sender.attach(referral_id, key="summary").json() == {"id": file_id}
        (found,) = sender.look_up(REFERENCE).json()["results"]
        assert [file["id"] for file in found["attachments"]] == [file_id]
    assert len(lines(path)) == 2


def test_a_restarted_sandbox_goes_on_with_new_ids(path):
    known = fill(path)
    with running_sandbox(ledger=path) as sandbox:
        sender = Sender(sandbox.url)
        assert sender.attach(known[0]).json()["id"] not in known
        assert sender.create({**body(), "external_reference": "2"}).json()["id"] not in known


def test_a_line_cut_off_by_a_crash_never_happened(path):
    fill(path)
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"applied": "referral", "id": "RF-')
    with running_sandbox(ledger=path) as sandbox:
        assert len(sandbox.referrals) == 1
    assert path.read_bytes() == whole


@pytest.mark.parametrize("line", ["nonsense", "[]", "{}", '{"applied": "other"}', ""])
def test_a_file_that_is_no_ledger_is_refused_and_left_alone(path, line):
    fill(path)
    path.write_text(line + "\n" + path.read_text())
    before = path.read_bytes()
    with pytest.raises(BrokenLedger, match="line 1"), running_sandbox(ledger=path):
        pass
    assert path.read_bytes() == before


def test_clearing_empties_the_file_too(path):
    with running_sandbox(ledger=path) as sandbox:
        sender = Sender(sandbox.url)
        first = sender.created()
        sandbox.clear()
        assert path.read_bytes() == b""
        assert sender.created() != first
    assert len(lines(path)) == 1
