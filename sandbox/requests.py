"""One request as the sandbox reads it."""

import hmac
from dataclasses import dataclass, field
from email.message import Message
from io import BufferedIOBase
from urllib.parse import parse_qs, urlsplit

from sandbox.rules.options import MEBIBYTE, Options

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class Body:
    """The body of a request: exactly as many bytes as its Content-Length announced."""

    def __init__(self, stream: BufferedIOBase, length: int) -> None:
        self.length = length
        self.left = length
        self._stream = stream

    def read(self, size: int | None = None, /) -> bytes:
        """Return up to `size` bytes; raises ConnectionError when the sender broke off."""
        wanted = self.left if size is None else min(size, self.left)
        chunk = self._stream.read(wanted)
        if len(chunk) < wanted:
            raise ConnectionError("the body ended early")
        self.left -= wanted
        return chunk

    def drain(self) -> None:
        """Read what nobody wanted, so that the sender is ready to hear the answer."""
        while self.left:
            self.read(MEBIBYTE)


@dataclass(frozen=True, slots=True)
class Request:
    """What a sender asks."""

    method: str
    path: str = field(repr=False)
    query_string: str = field(repr=False)
    headers: Message = field(repr=False)
    body: Body = field(repr=False)

    def query(self, name: str) -> str:
        """Return the first value of a query parameter, or the empty string."""
        return parse_qs(self.query_string).get(name, [""])[0]

    def header(self, name: str) -> str:
        return str(self.headers.get(name, "")).strip()

    def has_credentials(self, options: Options) -> bool:
        """Tell whether the Bearer token or the API key is right."""
        scheme, _, bearer = self.header("Authorization").partition(" ")
        given = bearer.strip() if scheme.lower() == "bearer" else ""
        given = given or self.header(options.api_key_header)
        right = options.token or given
        return bool(given) and hmac.compare_digest(given.encode(), right.encode())

    def is_from_here(self) -> bool:
        """Tell whether a page or tool of this machine asks, and not a web page from elsewhere.

        The inbox has no sign-in: a foreign Host (DNS rebinding) or a foreign Origin is refused.
        """
        origin = self.header("Origin")
        is_own_origin = not origin or origin == f"http://{self.header('Host')}"
        return _host_name(self.header("Host")) in LOOPBACK and is_own_origin


def _host_name(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
