"""Files over FTPS, and over plain FTP where that is allowed, to a server that can fail."""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.filesystems import AbstractedFS, FilesystemError
from pyftpdlib.handlers import FTPHandler, TLS_FTPHandler
from pyftpdlib.servers import FTPServer

from integrations.destinations.sftp.transport import SftpTransport
from integrations.transport import Action, DeliveryError, Down, ErrorKind, Misconfigured, TryAgain
from tests.contract.parcels import DOCUMENTS, REFERENCE, parcel
from tests.core.outbound.servers import Authority, authority
from tests.integrations.destinations.sftp.lists import NAME, batch, cut_after, rows, transport

USERNAME, PASSWORD = "dovetail-sends", "correct-horse-battery"
PART = f".{NAME}.part"


@contextmanager
def ftp_server(folder: Path, certificate: Path | None = None, **handler: Any) -> Iterator[int]:
    """Serve a folder in a thread; give the port."""
    authorizer = DummyAuthorizer()
    authorizer.add_user(USERNAME, PASSWORD, str(folder), perm="elradfmwMT")
    base = TLS_FTPHandler if certificate else FTPHandler
    tls = {"certfile": str(certificate), "tls_control_required": True, "tls_data_required": True}
    about = {"authorizer": authorizer, **(tls if certificate else {}), **handler}
    server = FTPServer(("127.0.0.1", 0), type("Handler", (base,), about))
    stopping = threading.Event()

    def serve() -> None:
        while not stopping.is_set():
            server.ioloop.loop(0.02, blocking=False)
        server.close_all()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield server.address[1]
    finally:
        stopping.set()
        thread.join(10)


@pytest.fixture
def trusted(tmp_path: Path) -> Authority:
    (tmp_path / "certificates").mkdir()
    return authority(tmp_path / "certificates")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "served"
    found.mkdir()
    return found


def certificate(of: Authority, *names: str, expired: bool = False) -> Path:
    of.context(*names, expired=expired)
    return of.path.with_name(f"{names[0]}-{expired}.pem")


@pytest.fixture
def options(trusted: Authority, folder: Path) -> Iterator[dict[str, Any]]:
    with ftp_server(folder, certificate(trusted, "127.0.0.1")) as port:
        yield given(port, trusted)


def given(port: int, trusted: Authority | None, **more: Any) -> dict[str, Any]:
    return {
        "protocol": "ftps",
        "host": "127.0.0.1",
        "port": port,
        "username": USERNAME,
        "password": PASSWORD,
        "host_key": str(trusted.path) if trusted else "",
        **more,
    }


def fails(options: dict[str, Any], **changed: Any) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        transport(**{**options, **changed}).deliver_batch(batch(rows(1)))
    return caught.value


def test_a_list_its_checksum_and_its_files_arrive(options: dict[str, Any], folder: Path) -> None:
    put = parcel({"client.first_name": "ᒥᕆᐊᒻ"}, documents=DOCUMENTS)
    receipt = transport(**options).deliver_batch(batch([put]))
    content = (folder / NAME).read_bytes()
    assert hashlib.sha256(content).hexdigest() == receipt.sha256
    assert (folder / f"{NAME}.sha256").read_text() == f"{receipt.sha256}  {NAME}\n"
    for one in DOCUMENTS:
        with one.open() as stream:
            assert (folder / "files" / REFERENCE / one.name).read_bytes() == stream.read()
    assert not list(folder.rglob(".*.part"))


def test_the_same_run_again_takes_its_place_and_a_removal_its_files(
    options: dict[str, Any], folder: Path
) -> None:
    files = transport(**options, folder="/")
    put = parcel({}, documents=DOCUMENTS[:1])
    assert files.deliver_batch(batch([put])) == files.deliver_batch(batch([put]))
    files.deliver_batch(batch([parcel({}, documents=(), number=2, action=Action.REMOVE)]))
    files.deliver_batch(batch([parcel({}, documents=(), number=2, action=Action.REMOVE)]))
    assert list((folder / "files").iterdir()) == []


def test_a_list_goes_on_where_it_was_cut(options: dict[str, Any], folder: Path) -> None:
    many = rows(300, text="a long note " * 100)
    whole = transport(**options).deliver_batch(batch(many))
    content = (folder / NAME).read_bytes()
    (folder / NAME).unlink()
    (folder / PART).write_bytes(content[:100_001])
    there = (folder / PART).stat().st_ino
    assert transport(**options).deliver_batch(batch(many)) == whole
    assert (folder / NAME).read_bytes() == content
    assert (folder / NAME).stat().st_ino == there


def test_a_file_that_was_withdrawn_is_deleted(options: dict[str, Any], folder: Path) -> None:
    files, (kept, other, _) = transport(**options), DOCUMENTS
    gone = replace(other, name=f"letter-{other.sha256[:8]}.pdf")
    files.deliver_batch(batch([parcel({}, documents=(kept, gone))]))
    for _ in range(2):
        row = parcel({}, documents=(kept,), number=2, withdrawn=(gone.sha256,))
        assert files.deliver_batch(batch([row])).left == {}
    assert [file.name for file in (folder / "files" / REFERENCE).iterdir()] == [kept.name]


def test_what_lies_there_of_another_list_is_written_anew(
    options: dict[str, Any], folder: Path
) -> None:
    (folder / PART).write_bytes(b"something else " * 10_000)
    receipt = transport(**options).deliver_batch(batch(rows(1)))
    assert hashlib.sha256((folder / NAME).read_bytes()).hexdigest() == receipt.sha256


def test_a_connection_that_is_cut_before_anything_is_there_gives_all_back(
    options: dict[str, Any],
) -> None:
    with cut_after(30, options["port"]) as port:
        error = fails(options, port=port)
    assert not error.maybe_done


@pytest.mark.parametrize(
    ("names", "expired"), [(["elsewhere.example"], False), (["127.0.0.1"], True)]
)
def test_a_certificate_that_is_wrong_or_expired_sends_nothing(
    trusted: Authority, folder: Path, names: list[str], expired: bool
) -> None:
    with ftp_server(folder, certificate(trusted, *names, expired=expired)) as port:
        error = fails(given(port, trusted))
        unknown = fails(given(port, None))
    assert (type(error), type(unknown)) == (Down, Down)
    assert "certificate" in error.message
    assert list(folder.iterdir()) == []


def test_a_server_without_tls_gets_no_password(folder: Path) -> None:
    seen: list[str] = []

    class Listening(FTPHandler):
        def ftp_PASS(self, line: str) -> None:
            seen.append(line)

    with ftp_server(folder, ftp_PASS=Listening.ftp_PASS) as port:
        assert isinstance(fails(given(port, None)), Misconfigured)
    assert seen == []


def test_plain_ftp_works_where_it_is_allowed(folder: Path) -> None:
    with ftp_server(folder) as port:
        options = given(port, None, protocol="ftp", allow_plain_ftp="true")
        transport(**options).deliver_batch(batch(rows(2)))
    assert (folder / NAME).exists()
    refused = SftpTransport.OptionsForm(given(21, None, protocol="ftp"))
    assert "protocol" in refused.errors


def test_other_credentials_pause(options: dict[str, Any]) -> None:
    error = fails(options, password="something else")
    assert (type(error), error.kind) == (Misconfigured, ErrorKind.CREDENTIALS)


def test_a_folder_that_is_not_there_is_named(options: dict[str, Any]) -> None:
    error = fails(options, folder="/missing")
    assert isinstance(error, Misconfigured)
    assert "/missing" in error.message


class _Failing(AbstractedFS):
    def rename(self, src: str, dst: str) -> None:
        raise FilesystemError("Not this name")


def test_a_rename_that_is_refused_leaves_nothing_that_looks_finished(
    trusted: Authority, folder: Path
) -> None:
    with ftp_server(folder, certificate(trusted, "127.0.0.1"), abstracted_fs=_Failing) as port:
        error = fails(given(port, trusted))
    assert "name" in error.message
    assert error.maybe_done
    assert [one.name for one in folder.iterdir()] == [PART]


class _NotTheName(AbstractedFS):
    """Lets nothing have the name of the list, but for what was there before."""

    def rename(self, src: str, dst: str) -> None:
        if src.endswith(PART) and dst.endswith(NAME):
            raise FilesystemError("Not this name")
        super().rename(src, dst)


class _NotOver(AbstractedFS):
    def rename(self, src: str, dst: str) -> None:
        if Path(dst).exists():
            raise FilesystemError("It exists")
        super().rename(src, dst)


def test_what_was_there_stays_where_its_name_is_refused_to_the_new_list(
    trusted: Authority, folder: Path
) -> None:
    (folder / NAME).write_text("the last good one")
    with ftp_server(folder, certificate(trusted, "127.0.0.1"), abstracted_fs=_NotTheName) as port:
        fails(given(port, trusted))
    assert (folder / NAME).read_text() == "the last good one"
    assert sorted(one.name for one in folder.iterdir()) == [PART, NAME]


def test_a_server_that_does_not_rename_over_a_list_gets_the_new_one(
    trusted: Authority, folder: Path
) -> None:
    (folder / NAME).write_text("the last good one")
    with ftp_server(folder, certificate(trusted, "127.0.0.1"), abstracted_fs=_NotOver) as port:
        transport(**given(port, trusted)).deliver_batch(batch(rows(1)))
    assert (folder / NAME).read_text() != "the last good one"
    assert not [one.name for one in folder.iterdir() if one.name.startswith(".")]


@pytest.mark.parametrize("answer", ["452 No space left.", "552 Quota exceeded."])
def test_a_quota_or_a_full_disk_is_tried_again(
    trusted: Authority, folder: Path, answer: str
) -> None:
    def refuse(handler: Any, *_: object) -> None:
        handler.respond(answer)

    with ftp_server(folder, certificate(trusted, "127.0.0.1"), ftp_STOR=refuse) as port:
        error = fails(given(port, trusted))
    assert (type(error), error.kind) == (TryAgain, ErrorKind.FAILING)
    assert answer[4:11] in error.message
