"""HTTP answers as values, and the line on which they are sent well or badly."""

import json
import socket
import struct
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import formatdate
from http import HTTPStatus
from threading import Event
from typing import Any

JSON = "application/json"
HTML = "text/html; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer."""

    status: int
    body: bytes = field(default=b"", repr=False)
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300

    def head(self, *, close: bool = False) -> bytes:
        """Return the status line and the headers, with the empty line that ends them."""
        lines = [f"HTTP/1.1 {self.status} {_phrase(self.status)}"]
        lines += [f"{name}: {_one_line(value)}" for name, value in self._headers(close).items()]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def _headers(self, close: bool) -> dict[str, str]:
        headers = {
            "Date": formatdate(usegmt=True),
            "Content-Length": str(len(self.body)),
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
        }
        if self.body:
            headers["Content-Type"] = self.content_type
        if close:
            headers["Connection"] = "close"
        return headers | dict(self.headers)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


def _one_line(value: str) -> str:
    if "\r" in value or "\n" in value:
        raise ValueError("a header value must be one line")
    return value


def json_answer(status: int, content: Any, **headers: str) -> Answer:
    """Return `content` as JSON; `Retry_After="2"` becomes the header `Retry-After: 2`."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, json.dumps(content, ensure_ascii=False).encode(), headers=named)


def message(status: int, text: str, **headers: str) -> Answer:
    """Return an answer in the CRMS's way of saying no: `{"message": …}`."""
    return json_answer(status, {"message": text}, **headers)


def html_answer(status: int, page: str, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, page.encode(), HTML, named)


class Line:
    """The connection to one sender. All but `whole` end it."""

    def __init__(self, connection: socket.socket, stopping: Event) -> None:
        self._connection = connection
        self._stopping = stopping
        self.is_open = True

    def whole(self, answer: Answer, *, close: bool = False, head_only: bool = False) -> None:
        """Send the answer as it should be sent."""
        self.is_open = not close
        body = b"" if head_only else answer.body
        self._connection.sendall(answer.head(close=close) + body)

    def hang(self, seconds: float) -> None:
        """Say nothing until the sender gives up, the time is over or the sandbox stops."""
        self.is_open = False
        self._connection.settimeout(seconds)
        with suppress(TimeoutError, ConnectionError):
            self._connection.recv(1, socket.MSG_PEEK)

    def close(self) -> None:
        """End the connection in good order, without an answer."""
        self.is_open = False

    def reset(self) -> None:
        """Tear the connection down: the sender gets a TCP reset."""
        self.is_open = False
        no_linger = struct.pack("ii", 1, 0)
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, no_linger)
        # Detached, because the handler's own files would otherwise keep the socket open.
        socket.close(self._connection.detach())

    def drip(self, answer: Answer, pause: float, *, head_too: bool = True) -> None:
        """Send the answer byte by byte, so that no single read ever times out."""
        self.is_open = False
        head = answer.head(close=True)
        if not head_too:
            self._connection.sendall(head)
        for byte in (head if head_too else b"") + answer.body:
            if self._stopping.wait(pause):
                return
            self._connection.sendall(bytes([byte]))

    def truncated(self, answer: Answer) -> None:
        """Promise the whole body, send half of it and end the connection."""
        self.is_open = False
        self._connection.sendall(answer.head(close=True) + answer.body[: len(answer.body) // 2])
