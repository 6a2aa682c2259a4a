"""Runs to bring, and a connection that is cut."""

import contextlib
import socket
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from integrations.destinations.sftp.transport import SftpTransport
from integrations.transport import Batch, Parcel
from tests.contract.parcels import parcel

ID = "4a1f6f4e-5f0e-4d4e-8d0b-6f1d3a1c2b10"
NAME = f"referrals-812-20260319T183000Z-{ID}.csv"
UNTIL = datetime(2026, 3, 19, 18, 30, tzinfo=UTC)


def transport(**options: Any) -> SftpTransport:
    """Return the kind with options as its form cleans them."""
    form = SftpTransport.OptionsForm(options)
    assert form.is_valid(), form.errors.as_json()
    return SftpTransport(form.cleaned_data)


def batch(parcels: Iterable[Parcel], **about: Any) -> Batch:
    return Batch(ID, None, UNTIL, parcels, organization="812", **about)


def rows(count: int, text: str = "x") -> list[Parcel]:
    return [parcel({"note": text}, documents=(), number=number + 1) for number in range(count)]


@contextmanager
def cut_after(count: int, port: int) -> Iterator[int]:
    """Give the port of a connection to another one, which is cut after so many bytes."""
    listener = socket.create_server(("127.0.0.1", 0))

    def forward(source: socket.socket, sink: socket.socket, most: float) -> None:
        with contextlib.suppress(OSError):
            while most > 0 and (data := source.recv(8192)):
                sink.sendall(data)
                most -= len(data)
        for one in (source, sink):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def serve() -> None:
        with contextlib.suppress(OSError):
            theirs, _ = listener.accept()
            ours = socket.create_connection(("127.0.0.1", port))
            for ends in ((theirs, ours, count), (ours, theirs, float("inf"))):
                threading.Thread(target=forward, args=ends, daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.close()
