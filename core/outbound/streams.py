"""Connections for protocols other than HTTP, by the same rules: checked addresses, one deadline.

    with time_for(60):
        connection = connect("mail.partner.example", 465, secure=True)
        connection = start_tls(connection, "mail.partner.example")

Reading and writing outside of the block, or after its time, raises.
"""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address

from core.outbound import addresses, sentences
from core.outbound.calls import call_for, reason
from core.outbound.errors import AddressRefused, Obstacle
from core.outbound.session import connect as _connect
from core.outbound.session import during, tls_context


@contextmanager
def time_for(
    seconds: float, *, connect_seconds: float = 10, allow_loopback: bool | None = None
) -> Iterator[None]:
    """Let every connection of the block be made and used within so many seconds."""
    with during(call_for(allow_loopback, connect_seconds, seconds)):
        yield


def connect(host: str, port: int, *, secure: bool) -> socket.socket:
    """Resolve the host, check every address, and connect to one of exactly these.

    `secure`: nothing private goes out before TLS is spoken; without it only this machine itself is
    reached. Raises AddressRefused, or OSError where there is no connection.
    """
    connection = _connect(host, port, tls=True)
    address = ip_address(connection.getpeername()[0])
    if not secure and not addresses.is_loopback(address):
        connection.close()
        raise AddressRefused(sentences.NOT_BY_TLS(host=host, address=address))
    return connection


def start_tls(connection: socket.socket, host: str) -> socket.socket:
    """Speak TLS on a connection; the certificate must be trusted, and name the host."""
    return tls_context().wrap_socket(connection, server_hostname=host)


def obstacle(error: BaseException) -> tuple[Obstacle, str]:
    """Return what stood in the way of a connection, and why, in a clause."""
    return reason(error)
