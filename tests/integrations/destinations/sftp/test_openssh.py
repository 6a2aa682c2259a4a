"""Files over SFTP to OpenSSH's own server, and what it does when something is wrong there."""

import base64
import hashlib
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from integrations.destinations.sftp.places.over_ssh import fingerprint
from integrations.transport import (
    SUMMARY,
    Action,
    DeliveryError,
    ErrorKind,
    Misconfigured,
    TryAgain,
)
from tests.contract.parcels import DOCUMENTS, REFERENCE, document, parcel
from tests.integrations.destinations.sftp.lists import (
    ID,
    NAME,
    batch,
    cut_after,
    rows,
    transport,
)
from tests.services import Sshd, sshd

pytestmark = pytest.mark.programs
PART = f".{NAME}.part"


@pytest.fixture(scope="module")
def server() -> Iterator[Sshd]:
    with sshd() as started:
        yield started


@pytest.fixture
def options(server: Sshd, tmp_path: Path) -> dict[str, Any]:
    return {
        "host": "127.0.0.1",
        "port": server.port,
        "username": server.user,
        "private_key": server.private_key,
        "host_key": server.host_key,
        "folder": str(tmp_path),
    }


def visible(folder: Path) -> list[str]:
    return sorted(str(one.relative_to(folder)) for one in folder.rglob("*") if one.is_file())


def test_a_list_its_checksum_and_its_files_arrive(options: dict[str, Any], tmp_path: Path) -> None:
    put = parcel({"client.first_name": "ᒥᕆᐊᒻ", "note": "=1+1"}, documents=DOCUMENTS)
    receipt = transport(**options).deliver_batch(batch([put]))
    content = (tmp_path / NAME).read_bytes()
    sha256 = hashlib.sha256(content).hexdigest()
    assert (receipt.name, receipt.rows, receipt.size) == (NAME, 1, len(content))
    assert receipt.sha256 == sha256
    assert (tmp_path / f"{NAME}.sha256").read_text() == f"{sha256}  {NAME}\n"
    assert "ᒥᕆᐊᒻ" in content.decode()
    for one in DOCUMENTS:
        with one.open() as stream:
            assert (tmp_path / "files" / REFERENCE / one.name).read_bytes() == stream.read()
    assert len(visible(tmp_path)) == 5  # nothing under a temporary name is left


def test_a_removal_takes_the_files_away_and_names_the_lists_that_lie_there(
    options: dict[str, Any], tmp_path: Path
) -> None:
    files = transport(**options)
    files.deliver_batch(batch([parcel({}, documents=DOCUMENTS)]))
    removal = parcel({}, documents=(), number=2, action=Action.REMOVE)
    object.__setattr__(removal, "lists", (NAME, "fetched-already.csv"))
    receipt = files.deliver_batch(batch([removal]))
    assert not (tmp_path / "files" / REFERENCE).exists()
    assert receipt.left == {"version-2": (NAME,)}
    assert f"{REFERENCE},2,remove," in (tmp_path / NAME).read_text()


def test_a_large_list_goes_on_where_it_was_cut(
    options: dict[str, Any], server: Sshd, tmp_path: Path
) -> None:
    many = rows(400, text="a long note " * 500)
    with cut_after(1_000_000, server.port) as port, pytest.raises(TryAgain) as caught:
        transport(**{**options, "port": port}).deliver_batch(batch(many))
    assert caught.value.kind is ErrorKind.SILENT
    assert caught.value.maybe_done  # so it is carried again under its id
    part = tmp_path / PART
    there = part.stat()
    assert 0 < there.st_size < 1_000_000
    receipt = transport(**options).deliver_batch(batch(many))
    content = (tmp_path / NAME).read_bytes()
    assert hashlib.sha256(content).hexdigest() == receipt.sha256
    assert (tmp_path / NAME).stat().st_ino == there.st_ino  # the same file went on
    assert visible(tmp_path) == [NAME, f"{NAME}.sha256"]


def test_a_file_that_was_withdrawn_is_deleted(options: dict[str, Any], tmp_path: Path) -> None:
    files, (kept, other, _) = transport(**options), DOCUMENTS
    gone = replace(other, name=f"letter-{other.sha256[:8]}.pdf")
    files.deliver_batch(batch([parcel({}, documents=(kept, gone))]))
    for _ in range(2):
        row = parcel({}, documents=(kept,), number=2, withdrawn=(gone.sha256,))
        assert files.deliver_batch(batch([row])).left == {}
    assert [file.name for file in (tmp_path / "files" / REFERENCE).iterdir()] == [kept.name]


def test_what_lies_there_of_another_list_is_written_anew(
    options: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / PART).write_bytes(b"reference,version,something else" * 9)
    receipt = transport(**options).deliver_batch(batch(rows(1)))
    assert hashlib.sha256((tmp_path / NAME).read_bytes()).hexdigest() == receipt.sha256


def test_a_file_that_is_there_is_not_sent_again(options: dict[str, Any], tmp_path: Path) -> None:
    files = transport(**options)
    files.deliver_batch(batch([parcel({}, documents=DOCUMENTS[:1])]))
    (there,) = (tmp_path / "files" / REFERENCE).iterdir()
    before = there.stat().st_mtime_ns
    files.deliver_batch(batch([parcel({}, documents=DOCUMENTS[:1])]))
    assert there.stat().st_mtime_ns == before


def test_a_name_that_would_lead_elsewhere_stays_in_the_folder(
    options: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "inner").mkdir()
    hostile = document("../../up", b"%PDF", SUMMARY)
    put = parcel({}, documents=(hostile,))
    object.__setattr__(put, "reference", "../../etc")
    transport(**{**options, "folder": f"{tmp_path}/inner"}).deliver_batch(batch([put]))
    assert {one.name for one in tmp_path.iterdir()} == {"inner"}


# -- What is wrong there -------------------------------------------------------------------------


def fails(options: dict[str, Any], **changed: Any) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        transport(**{**options, **changed}).deliver_batch(batch(rows(1)))
    assert ID not in caught.value.message
    return caught.value


def test_no_credentials_go_to_a_server_with_another_key(
    options: dict[str, Any], server: Sshd, tmp_path: Path
) -> None:
    with sshd() as other:
        error = fails(options, port=other.port)
        unknown = fails(options, port=other.port, host_key="")
        other_kind = fails(options, host_key="ecdsa-sha2-nistp256 AAAA")
    shown = fingerprint(_blob(other.host_key))
    assert shown in error.message
    assert shown in unknown.message
    assert {type(one) for one in (error, unknown, other_kind)} == {Misconfigured}
    assert not any(one.maybe_done for one in (error, unknown, other_kind))
    assert visible(tmp_path) == []


def _blob(line: str) -> bytes:
    return base64.b64decode(line.split()[1])


def test_a_fingerprint_confirms_a_key_as_well_as_the_key(
    options: dict[str, Any], server: Sshd
) -> None:
    confirmed = {**options, "host_key": fingerprint(_blob(server.host_key))}
    assert "accepts the user name" in transport(**confirmed).check()


def test_the_connection_test_shows_the_key_to_confirm(
    options: dict[str, Any], server: Sshd, tmp_path: Path
) -> None:
    with pytest.raises(Misconfigured) as caught:
        transport(**{**options, "host_key": ""}).check()
    assert f"ssh-ed25519 {fingerprint(_blob(server.host_key))}" in caught.value.message


def test_a_key_that_is_not_accepted_is_a_matter_of_credentials(options: dict[str, Any]) -> None:
    error = fails(options, username="nobody-of-this-name")
    assert (type(error), error.kind) == (Misconfigured, ErrorKind.CREDENTIALS)


def test_a_full_disk_is_tried_again(options: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / PART).symlink_to("/dev/full")
    error = fails(options)
    assert (type(error), error.kind) == (TryAgain, ErrorKind.FAILING)


def test_a_rename_that_is_refused_leaves_nothing_that_looks_finished(
    options: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / NAME / "in the way").mkdir(parents=True)
    error = fails(options)
    assert isinstance(error, TryAgain)
    assert "name" in error.message
    assert visible(tmp_path) == [PART]


def test_a_folder_that_is_not_there_is_named(options: dict[str, Any], tmp_path: Path) -> None:
    error = fails(options, folder=f"{tmp_path}/missing")
    assert (type(error), error.maybe_done) == (Misconfigured, False)
    assert "missing" in error.message


def test_the_size_of_a_list_is_bounded(options: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(Misconfigured):
        transport(**options, max_megabytes=1).deliver_batch(batch(rows(30, text="x" * 50_000)))
    assert visible(tmp_path) == []


def test_an_address_that_may_not_be_reached_is_not(options: dict[str, Any], settings: Any) -> None:
    settings.ALLOW_LOOPBACK = False
    assert isinstance(fails(options), Misconfigured)
    for inside in ("10.0.0.1", "169.254.169.254", "100.100.100.200"):
        error = fails(options, host=inside)
        assert isinstance(error, Misconfigured), inside
        assert inside in error.message


def test_nothing_of_a_run_that_failed_is_open_afterward(options: dict[str, Any]) -> None:
    open_before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        fails(options, folder="/missing")
    assert len(os.listdir("/proc/self/fd")) <= open_before + 1
