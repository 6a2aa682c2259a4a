"""How the contract suite tries this kind out; `docs/adding-a-destination.md` explains.

The server is Paramiko's: one that can be told to fail. How OpenSSH's does is in the kind's tests.
"""

import csv
import errno
import io
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import paramiko
from paramiko.common import AUTH_FAILED, AUTH_SUCCESSFUL, OPEN_SUCCEEDED
from paramiko.sftp import SFTP_FAILURE, SFTP_OK, SFTP_PERMISSION_DENIED

from integrations.destinations.sftp.places.over_ssh import fingerprint
from integrations.transport import DeliveryError, Down, Misconfigured, TryAgain

USERNAME, PASSWORD = "dovetail-sends", "correct-horse-battery"
PASSPHRASE = "a-passphrase-of-tests"  # noqa: S105
HOST_KEY = paramiko.ECDSAKey.generate()
CLIENT_KEY = paramiko.ECDSAKey.generate()
FULL, NOT_RENAMED, CUT, READ_ONLY = "full disk", "rename refused", "cut", "not allowed"


class Server:
    """An SFTP server for one folder. `failure` is how it fails the next time that it may."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.failure = ""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._open: list[paramiko.Transport] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):  # it was closed
            while True:
                connection, _ = self._listener.accept()
                transport = paramiko.Transport(connection)
                transport.add_server_key(HOST_KEY)
                transport.set_subsystem_handler("sftp", paramiko.SFTPServer, _Files, self)
                self._open.append(transport)
                with suppress(Exception):
                    transport.start_server(threading.Event(), _SignIn())

    def cut(self) -> None:
        for transport in self._open:
            transport.close()

    def close(self) -> None:
        self._listener.close()
        self.cut()

    def takes(self, failure: str) -> bool:
        """Return whether it fails so now; once."""
        if self.failure != failure:
            return False
        self.failure = ""
        return True


class _SignIn(paramiko.ServerInterface):
    def get_allowed_auths(self, username: str) -> str:
        return "publickey,password"

    def check_auth_password(self, username: str, password: str) -> int:
        known = (username, password) == (USERNAME, PASSWORD)
        return AUTH_SUCCESSFUL if known else AUTH_FAILED

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        known = username == USERNAME and key.asbytes() == CLIENT_KEY.asbytes()
        return AUTH_SUCCESSFUL if known else AUTH_FAILED

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return OPEN_SUCCEEDED


class _File(paramiko.SFTPHandle):
    server: Server

    def write(self, offset: int, data: Any) -> int:
        if self.server.takes(FULL):
            return SFTP_FAILURE
        if self.server.takes(CUT):
            self.server.cut()
            return SFTP_FAILURE
        return super().write(offset, data)

    def stat(self) -> Any:
        return paramiko.SFTPAttributes.from_stat(os.fstat(self.readfile.fileno()))  # type: ignore[attr-defined]

    def chattr(self, attr: Any) -> int:
        os.ftruncate(self.readfile.fileno(), attr.st_size)  # type: ignore[attr-defined]
        return SFTP_OK


class _Files(paramiko.SFTPServerInterface):
    def __init__(self, server: Any, ours: Server) -> None:
        super().__init__(server)
        self._server = ours

    def _at(self, path: str) -> Path:
        return self._server.folder / path.lstrip("/")

    def _done(self, does: Any) -> int:
        try:
            does()
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno or errno.EIO)
        return SFTP_OK

    def list_folder(self, path: str) -> Any:
        try:
            entries = list(os.scandir(self._at(path)))
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno or errno.EIO)
        return [paramiko.SFTPAttributes.from_stat(one.stat(), one.name) for one in entries]

    def stat(self, path: str) -> Any:
        try:
            return paramiko.SFTPAttributes.from_stat(self._at(path).stat())
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno or errno.EIO)

    lstat = stat

    def open(self, path: str, flags: int, attr: Any) -> Any:
        if flags & os.O_CREAT and self._server.takes(READ_ONLY):
            return SFTP_PERMISSION_DENIED
        try:
            stream = os.fdopen(
                os.open(self._at(path), (flags & ~os.O_ACCMODE) | os.O_RDWR, 0o600), "r+b", 0
            )
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno or errno.EIO)
        file = _File(flags & ~os.O_APPEND)
        file.readfile = file.writefile = stream  # type: ignore[attr-defined]
        file.server = self._server
        return file

    def posix_rename(self, oldpath: str, newpath: str) -> int:
        if self._server.takes(NOT_RENAMED):
            return SFTP_PERMISSION_DENIED
        return self._done(lambda: self._at(oldpath).replace(self._at(newpath)))

    def remove(self, path: str) -> int:
        return self._done(self._at(path).unlink)

    def mkdir(self, path: str, attr: Any) -> int:
        return self._done(self._at(path).mkdir)

    def rmdir(self, path: str) -> int:
        return self._done(self._at(path).rmdir)


class StandIn:
    """A server of its own."""

    record = {
        "client.first_name": "Mireille",
        "client.last_name": "Tremblay-Okafor",
        "client.date_of_birth": "1991-06-29",
    }
    failures: dict[str, type[DeliveryError]] = {
        "other host key": Misconfigured,
        "host key not confirmed": Misconfigured,
        "other password": Misconfigured,
        "no folder": Misconfigured,
        "nobody there": Down,
        READ_ONLY: Misconfigured,
        FULL: TryAgain,
        CUT: TryAgain,
        NOT_RENAMED: Misconfigured,
    }

    def __init__(self, server: Server) -> None:
        self._server = server
        key = io.StringIO()
        CLIENT_KEY.write_private_key(key, PASSPHRASE)
        self.options: dict[str, Any] = {
            "host": "127.0.0.1",
            "port": server.port,
            "username": USERNAME,
            "password": PASSWORD,
            "private_key": key.getvalue().strip(),
            "passphrase": PASSPHRASE,
            "host_key": fingerprint(HOST_KEY.asbytes()),
            "folder": "/lists",
        }

    def fail(self, failure: str) -> dict[str, Any]:
        self._server.failure = failure
        changed: dict[str, dict[str, Any]] = {
            "other host key": {"host_key": "SHA256:" + "A" * 43},
            "host key not confirmed": {"host_key": ""},
            "other password": {"username": "somebody-else"},
            "no folder": {"folder": "/other"},
            "nobody there": {"port": 1},
        }
        return {**self.options, **changed.get(failure, {})}

    def effects(self) -> list[str]:
        lists = self._server.folder / "lists"
        rows = [
            f"{row['reference']} {row['version']} {row['action']}"
            for file in lists.glob("*.csv")
            for row in csv.DictReader(io.StringIO(file.read_text("utf-8"), newline=""))
        ]
        files = (lists / "files").glob("*/[!.]*")
        return rows + [str(file.relative_to(lists)) for file in files]


@contextmanager
def stand_in(folder: Path) -> Iterator[StandIn]:
    (folder / "lists").mkdir()
    server = Server(folder)
    try:
        yield StandIn(server)
    finally:
        server.close()
