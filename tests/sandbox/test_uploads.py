"""Files: which are taken, which refused, and that their bytes stay what they are."""

import hashlib
import socket

import pytest

from sandbox import running_sandbox
from tests.sandbox.sender import TOKEN, Sender

MEBIBYTE = 1024 * 1024


@pytest.fixture
def referral_id(sender):
    return sender.created()


def test_a_file_is_stored_byte_by_byte(sandbox, sender, referral_id):
    content = bytes(range(256)) * 100 + b"\r\n--boundary\r\n"
    answer = sender.attach(referral_id, content, name="scan.tif", category="attachment")
    (stored,) = sandbox.referrals[0].attachments
    assert (answer.status_code, answer.json()) == (201, {"id": stored.id})
    assert (stored.content, stored.size) == (content, len(content))
    assert (stored.filename, stored.category) == ("scan.tif", "attachment")
    assert stored.sha256 == hashlib.sha256(content).hexdigest()


def test_a_file_of_25_mib_is_taken_and_one_byte_more_is_not(sandbox, sender, referral_id):
    content = b"x" * 25 * MEBIBYTE
    assert sender.attach(referral_id, content).status_code == 201
    assert sender.attach(referral_id, content + b"x").status_code == 413
    assert [file.size for file in sandbox.referrals[0].attachments] == [25 * MEBIBYTE]


def test_the_limit_is_an_option():
    with running_sandbox(max_file_bytes=10) as sandbox:
        sender = Sender(sandbox.url)
        referral_id = sender.created()
        sizes = [10, 11, 10 * MEBIBYTE]
        answers = [sender.attach(referral_id, b"x" * size).status_code for size in sizes]
        assert answers == [201, 413, 413]


def test_a_repeated_key_stores_one_file(sandbox, sender, referral_id):
    first, again = (sender.attach(referral_id, key="k") for _ in range(2))
    assert first.json() == again.json()
    assert len(sandbox.referrals[0].attachments) == 1


def test_the_same_file_with_another_key_is_stored_twice(sandbox, sender, referral_id):
    sender.attach(referral_id)
    sender.attach(referral_id)
    assert len(sandbox.referrals[0].attachments) == 2


def test_a_key_is_good_for_one_referral(sandbox, sender, referral_id):
    other = sender.create({**sandbox.referrals[0].body, "external_reference": "2"}).json()["id"]
    sender.attach(referral_id, key="k")
    assert sender.attach(other, key="k").status_code == 422


def test_a_file_for_an_unknown_referral_is_not_found(sender):
    assert sender.attach("RF-1").status_code == 404


def test_a_file_that_does_not_match_its_hash_is_refused(sandbox, sender, referral_id):
    answer = sender.attach(referral_id, sha256="0" * 64)
    assert (answer.status_code, sandbox.referrals[0].attachments) == (422, [])


@pytest.mark.parametrize("name", ["tool.exe", "page.HTML", "macro.js", "image.svg"])
def test_a_dangerous_type_is_refused(sandbox, sender, referral_id, name):
    assert sender.attach(referral_id, b"anything", name=name).status_code == 415
    assert sandbox.referrals[0].attachments == []


def test_a_program_under_another_name_is_refused(sender, referral_id):
    assert sender.attach(referral_id, b"MZ\x90\x00", name="letter.pdf").status_code == 415


@pytest.mark.parametrize(
    "wrong",
    [{"category": "photo"}, {"category": ""}, {"sha256": ""}, {"sha256": "abc"}, {"content": b""}],
)
def test_an_incomplete_upload_is_refused(sandbox, sender, referral_id, wrong):
    answer = sender.attach(referral_id, **wrong)
    assert answer.status_code == 400
    assert answer.json()["message"]
    assert sandbox.referrals[0].attachments == []


@pytest.mark.parametrize(
    "more",
    [
        {"json": {"file": "x"}},
        {"data": b"x", "headers": {"Content-Type": "multipart/form-data"}},
        {"data": b"x", "headers": {"Content-Type": "multipart/form-data; boundary=b"}},
        {"files": [("file", ("a.pdf", b"1")), ("file", ("b.pdf", b"2"))]},
        {"files": {"other": ("a.pdf", b"1")}},
    ],
)
def test_an_upload_that_is_no_upload_is_refused(sender, referral_id, more):
    path = f"/api/v1/referrals/{referral_id}/attachments"
    assert sender.call("POST", path, **more).status_code == 400


BROKEN_OFF = f"""\
POST /api/v1/referrals/{{}}/attachments HTTP/1.1
Host: localhost
Authorization: Bearer {TOKEN}
Content-Type: multipart/form-data; boundary=b
Content-Length: 1000

--b
Content-Disposition: form-data; name="file"; filename="a.pdf"

half""".replace("\n", "\r\n")


def test_a_sender_that_breaks_off_stores_nothing(sandbox, referral_id):
    with socket.create_connection(("127.0.0.1", sandbox.port)) as line:
        line.sendall(BROKEN_OFF.format(referral_id).encode())
        line.shutdown(socket.SHUT_WR)
        assert line.recv(1) == b""
    assert sandbox.referrals[0].attachments == []


def test_a_file_name_keeps_its_accents_and_loses_its_path(sandbox, sender, referral_id):
    sender.attach(referral_id, name="../../Évaluation clinique.pdf")
    assert sandbox.referrals[0].attachments[0].filename == "Évaluation clinique.pdf"
