"""Caredove's file store: gives files to whoever has the credentials."""

import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

USERNAME, PASSWORD = "portal", "the-password-for-files"
AUTHORIZATION = "Basic " + b64encode(f"{USERNAME}:{PASSWORD}".encode()).decode()


class FileServer(ThreadingHTTPServer):
    """Serves `files`, by path, with their content type; remembers the paths it was asked for."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files: dict[str, tuple[str, bytes]] = {}
        self.asked: list[str] = []
        self.stopping = threading.Event()
        self.silent = False  # accepts, and never answers
        self.failing = False  # answers 503

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server_port}"

    def put(self, path: str, content: bytes, content_type: str = "image/png") -> str:
        """Serve a file; return its URL."""
        self.files[path] = (content_type, content)
        return f"http://{self.host}{path}"


class _Handler(BaseHTTPRequestHandler):
    server: FileServer

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        if self.server.silent:
            self.server.stopping.wait()
        elif self.server.failing:
            self._answer(503)
        elif self.headers["Authorization"] != AUTHORIZATION:
            self._answer(401)
        elif self.path not in self.server.files:
            self._answer(404)
        else:
            self._answer(200, *self.server.files[self.path])

    def _answer(self, status: int, content_type: str = "text/plain", content: bytes = b"") -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def running_file_server() -> Iterator[FileServer]:
    server = FileServer()
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield server
    finally:
        server.stopping.set()
        server.shutdown()
        server.server_close()
