"""Caredove's listing API: answers whoever has the credentials, page by page."""

import json
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

USERNAME, PASSWORD = "birchwood-api", "the-password-for-listings"
AUTHORIZATION = "Basic " + b64encode(f"{USERNAME}:{PASSWORD}".encode()).decode()


def listed(caredove_id: int | str, name: str, category: str = "Counselling") -> dict[str, Any]:
    """Return a listing as Caredove describes it."""
    return {
        "id": caredove_id,
        "name": name,
        "category": {"id": "41", "display": category},
        "details": {"description": f"<p>{name}</p>", "availableTime": []},
        "contact": {"phone": "705-555-0142", "email": "intake@birchwood.example"},
        "eReferral": {"isActive": True, "formUrl": "https://caredove.example/birchwood"},
    }


class ListingServer(ThreadingHTTPServer):
    """Lists `listings`, by organization; `answer` replaces what it says. It can page three ways."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.listings: dict[str, list[dict[str, Any]]] = {}
        self.asked: list[dict[str, str]] = []
        self.paging = "offset"  # or "next", or "none": the same page again and again
        self.answer: tuple[int, bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/api/native_v1"


class _Handler(BaseHTTPRequestHandler):
    server: ListingServer

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.server.asked.append(query)
        if self.server.answer:
            self._send(*self.server.answer)
        elif self.headers["Authorization"] != AUTHORIZATION:
            self._send(401, b"{}")
        elif parts.path != "/api/native_v1/Service/":
            self._send(404, b"{}")
        else:
            self._send(200, json.dumps(self._page(query)).encode())

    def _page(self, query: dict[str, str]) -> dict[str, Any]:
        everything = self.server.listings.get(query["organization_id"], [])
        limit, start = int(query["limit"]), int(query.get("offset", 0))
        if self.server.paging == "none":
            start = 0
        page: dict[str, Any] = {"results": everything[start : start + limit]}
        if self.server.paging == "next" and start + limit < len(everything):
            more = f"?organization_id={query['organization_id']}&limit={limit}"
            page["next"] = f"{self.server.url}/Service/{more}&offset={start + limit}"
        return page

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def running_listing_server() -> Iterator[ListingServer]:
    server = ListingServer()
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
