"""Certificates are checked by the name of the host, before the account is named."""

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from core.outbound import session
from integrations.destinations.sql.database import connecting
from integrations.transport import DeliveryError, Down, Misconfigured
from tests.core.outbound.servers import Authority, authority
from tests.integrations.destinations.sql.targets import Target, a_parcel

HOST = "db.example"
# A greeting of MySQL 8 that offers TLS, and one that does not.
CLIENT_SSL, OTHERS = 0x0800, 0x000F_F7FF


def greeting(flags: int) -> bytes:
    body = b"\x0a8.0.36\x00" + struct.pack("<I", 7) + b"a" * 8 + b"\x00"
    body += struct.pack("<H", flags & 0xFFFF) + b"\x2d" + struct.pack("<H", 2)
    body += struct.pack("<H", flags >> 16) + bytes([21]) + b"\x00" * 10 + b"b" * 12 + b"\x00"
    body += b"mysql_native_password\x00"
    return struct.pack("<I", len(body))[:3] + b"\x00" + body


def postgresql(connection: socket.socket, tls: ssl.SSLContext | None) -> socket.socket | None:
    connection.recv(8)  # an SSLRequest
    connection.sendall(b"S" if tls else b"N")
    return tls.wrap_socket(connection, server_side=True) if tls else connection


def mysql(connection: socket.socket, tls: ssl.SSLContext | None) -> socket.socket | None:
    connection.sendall(greeting(OTHERS | (CLIENT_SSL if tls else 0)))
    if tls is None:
        return connection
    connection.recv(36)  # an SSLRequest
    return tls.wrap_socket(connection, server_side=True)


Speaks = Callable[[socket.socket, ssl.SSLContext | None], socket.socket | None]


@contextlib.contextmanager
def serving(speaks: Speaks, tls: ssl.SSLContext | None) -> Iterator[tuple[int, list[bytes]]]:
    """Run a server that hears what is said after TLS, then hangs up."""
    heard: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection, contextlib.suppress(OSError):
                connection.settimeout(5)
                if inner := speaks(connection, tls):
                    heard.append(inner.recv(1000))
                    inner.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1], heard
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


@pytest.fixture
def ours(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Authority:
    made = authority(tmp_path)
    settings.CA_BUNDLE = str(made.path)
    resolve = socket.getaddrinfo

    def getaddrinfo(host: str, *args: Any, **kwargs: Any) -> Any:
        return resolve("127.0.0.1" if host == HOST else host, *args, **kwargs)

    monkeypatch.setattr(session.socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(connecting, "_is_local", lambda reached: False)
    return made


def failure(speaks: Speaks, tls: ssl.SSLContext | None) -> tuple[DeliveryError, bytes]:
    scheme = {postgresql: "postgresql+psycopg", mysql: "mysql+pymysql"}[speaks]
    with serving(speaks, tls) as (port, heard):
        target = Target({"url": f"{scheme}://dovetail@{HOST}:{port}/copy", "password": "hush"})
        with pytest.raises(DeliveryError) as caught:
            target.bring(a_parcel())
    return caught.value, b"".join(heard)


def test_only_a_certificate_for_the_name_is_trusted(ours: Authority, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    stranger = authority(tmp_path / "other")
    for speaks in (postgresql, mysql):
        error, heard = failure(speaks, ours.context(HOST))
        assert b"dovetail" in heard, speaks  # it goes on, and is hung up on
        assert not isinstance(error, Misconfigured)
        for tls in (
            ours.context("127.0.0.1"),
            ours.context("other.example"),
            ours.context(HOST, expired=True),
            stranger.context(HOST),
        ):
            error, heard = failure(speaks, tls)
            assert type(error) is Down, (speaks, error.message)
            assert "CA_BUNDLE" in error.reason
            assert b"dovetail" not in heard


def test_without_tls_the_account_is_not_named(ours: Authority) -> None:
    for speaks in (postgresql, mysql):
        error, heard = failure(speaks, None)
        assert type(error) is Misconfigured, (speaks, error.message)
        assert "no encrypted connection" in error.message
        assert b"dovetail" not in heard
