"""How the contract suite tries this kind out; `docs/adding-a-destination.md` explains."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from standardwebhooks import Webhook

from integrations.transport import DeliveryError, Down, Misconfigured, Rejected, TryAgain

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105
ANSWERS = {
    "400": Rejected,
    "409": Rejected,
    "422": Rejected,
    "418": Rejected,
    "401": Misconfigured,
    "404": Misconfigured,
    "410": Misconfigured,
    "302": Misconfigured,
    "429": TryAgain,
    "503": TryAgain,
}


class Partner(ThreadingHTTPServer):
    """A partner that checks signatures, and drops what it has by its id."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.taken: dict[str, str] = {}
        self.failure = ""  # of the next push

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/referrals"


class _Handler(BaseHTTPRequestHandler):
    server: Partner

    def do_HEAD(self) -> None:
        self.answer(405)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        failure, self.server.failure = self.server.failure, ""
        if failure in ANSWERS:
            self.answer(int(failure), b'{"message": "Not this time"}')
            return
        pushed = Webhook(SECRET).verify(body, dict(self.headers.items()))
        self.server.taken[self.headers["webhook-id"]] = json.dumps(pushed, sort_keys=True)
        if failure == "silent":
            self.close_connection = True
        elif failure == "page":
            self.answer(200, b"<!doctype html><html><p>Sign in</p></html>", "text/html")
        else:
            self.answer(200, b'{"id": "P-1"}')

    def answer(self, status: int, body: bytes = b"", kind: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class StandIn:
    """A connection to a partner of its own."""

    things = 1  # of a parcel: its files are named in the push
    record = {
        "client.first_name": "Mireille",
        "client.last_name": "Tremblay-Okafor",
        "client.date_of_birth": "1991-06-29",
    }
    failures: dict[str, type[DeliveryError]] = {
        **ANSWERS,
        "silent": TryAgain,
        "page": Misconfigured,
        "nobody there": Down,
    }

    def __init__(self, partner: Partner) -> None:
        self._partner = partner
        self.options: dict[str, Any] = {
            "url": partner.url,
            "secrets": SECRET,
            "headers": "X-Tenant: the-tenant-of-a-partner",
        }

    def fail(self, failure: str) -> dict[str, Any]:
        if failure == "nobody there":
            return {**self.options, "url": f"http://127.0.0.1:{_unused_port()}/referrals"}
        self._partner.failure = failure
        return self.options

    def effects(self) -> list[str]:
        return [f"{version} {pushed}" for version, pushed in self._partner.taken.items()]


def _unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


@contextmanager
def stand_in(folder: Path) -> Iterator[StandIn]:
    partner = Partner()
    threading.Thread(target=partner.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield StandIn(partner)
    finally:
        partner.shutdown()
        partner.server_close()
