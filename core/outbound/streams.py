"""Connections for protocols other than HTTP, by the same rules: checked addresses, one deadline.

    with time_for(60):
        connection = connect("mail.partner.example", 465, secure=True)
        connection = start_tls(connection, "mail.partner.example")

Reading and writing outside of the block, or after its time, raises. Libraries that keep their own
time, or read in a thread of theirs, get a connection with `seconds` instead of the block:

    connection = connect("files.partner.example", 22, seconds=30)
"""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address

from core.outbound import sentences
from core.outbound.addresses import check_host, is_loopback
from core.outbound.calls import call_for, unreachable
from core.outbound.errors import AddressRefused
from core.outbound.session import DeadlineSocket, during, open_connection, tls_context


@contextmanager
def time_for(
    seconds: float, *, connect_seconds: float = 10, allow_loopback: bool | None = None
) -> Iterator[None]:
    """Let every connection of the block be made and used within so many seconds."""
    with during(call_for(allow_loopback, connect_seconds, seconds)):
        yield


def connect(
    host: str,
    port: int,
    *,
    secure: bool = True,
    seconds: float | None = None,
    allow_loopback: bool | None = None,
) -> socket.socket:
    """Resolve the host, check every address, and connect to one of exactly these.

    Without `seconds`, the deadline of `time_for` covers connecting and all that follows. With it,
    every wait lasts so long at most, until the caller sets another time, in whatever thread.

    `secure`: nothing private goes out before TLS is spoken, or the protocol encrypts by itself;
    without it only this machine itself is reached. Raises AddressRefused or Unreachable.
    """
    check_host(host.lower())
    if seconds is None:
        return _opened(host, port, secure)
    with during(call_for(allow_loopback, seconds, seconds)):
        connection = _opened(host, port, secure, socket.socket)
    connection.settimeout(seconds)
    return connection


def _opened(
    host: str, port: int, secure: bool, sort: type[socket.socket] = DeadlineSocket
) -> socket.socket:
    try:
        connection = open_connection(host, port, tls=True, sort=sort)
    except OSError as error:
        raise unreachable(error, host) from None
    if not secure:
        address = ip_address(connection.getpeername()[0])
        if not is_loopback(address):
            connection.close()
            raise AddressRefused(sentences.NOT_BY_TLS(host=host, address=address))
    return connection


def start_tls(connection: socket.socket, host: str) -> socket.socket:
    """Speak TLS on a connection; the certificate must be trusted, and name the host."""
    return tls_context().wrap_socket(connection, server_hostname=host)
