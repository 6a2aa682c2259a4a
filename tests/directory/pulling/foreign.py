"""A foreign HSDS API on this machine, as good or as bad as a test wants it."""

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

Answer = tuple[int, Mapping[str, str], Any]


class Foreign:
    """Serves services by page. A test changes `answer`, or what is in `services`."""

    def __init__(self, services: Sequence[Mapping[str, Any]], per_page: int = 2) -> None:
        self.services = {"en": list(services)}
        self.per_page = per_page
        self.asked: list[tuple[str, dict[str, str], Mapping[str, str]]] = []
        self.answer: Callable[[str, dict[str, str]], Answer] = self.page
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/hsds"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def page(self, path: str, asked: dict[str, str]) -> Answer:
        """Answer as HSDS 3.1 has it."""
        if path != "services":
            return 404, {}, {}
        language = asked.get("lang", "en")
        if language not in self.services:
            return 400, {}, {"title": "lang"}
        found = self.services[language]
        pages = -(-len(found) // self.per_page)
        number = int(asked.get("page", 1))
        some = found[(number - 1) * self.per_page : number * self.per_page]
        page = {
            "total_items": len(found),
            "total_pages": pages,
            "page_number": number,
            "contents": some,
        }
        return 200, {"Content-Language": language}, page

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        foreign = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                asked = dict(parse_qsl(parts.query))
                foreign.asked.append((parts.path, asked, dict(self.headers)))
                path = parts.path.removeprefix("/hsds/")
                status, headers, value = foreign.answer(path, asked)
                body = value if isinstance(value, bytes) else json.dumps(value).encode()
                self.send_response(status)
                for name, text in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, text)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: Any) -> None:
                pass

        return Handler


def service(number: int, **fields: Any) -> dict[str, Any]:
    """A whole service with its organization and a phone."""
    return {
        "id": f"s{number}",
        "name": f"Service {number}",
        "status": "active",
        "organization": {"id": "o1", "name": "Helping Hands", "description": "Help"},
        "phones": [{"id": f"p{number}", "number": "613-555-0100"}],
    } | fields
