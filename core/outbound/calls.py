"""One request, one answer: `send` for calls, `download` for files."""

import errno
import hashlib
import re
import socket
import ssl
import time
from base64 import b64encode
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from email.message import Message
from functools import partial
from http.client import HTTPException
from types import MappingProxyType
from typing import IO, Any, NoReturn, TypeVar
from urllib.parse import unquote, urljoin, urlsplit

import requests
from requests.structures import CaseInsensitiveDict
from urllib3.exceptions import HTTPError

from core.outbound import addresses, sentences
from core.outbound.addresses import Origin, host_allowed, origin
from core.outbound.errors import (
    AddressRefused,
    ContentRefused,
    Declined,
    Interrupted,
    NoAnswer,
    Obstacle,
    OutboundError,
    Unreachable,
)
from core.outbound.session import BLOCK, Call, during, session
from core.text.sentences import Cause

MAX_REDIRECTS = 3
_HEADERS = {"User-Agent": "Dovetail", "Accept": "*/*", "Accept-Encoding": "identity"}
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_WIRE_ERRORS = (requests.RequestException, HTTPError, HTTPException, OSError)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
T = TypeVar("T")


@dataclass(frozen=True)
class Answer:
    """What came back. `truncated` says that `body` was cut at the caller's limit."""

    status: int
    headers: Mapping[str, str] = field(repr=False)  # names in any case
    body: bytes = field(repr=False)
    truncated: bool

    @property
    def ok(self) -> bool:
        """Whether it says that what was asked for was done."""
        return 200 <= self.status < 300


@dataclass(frozen=True)
class Downloaded:
    """A file that was written whole. `filename` is the sender's: its last path segment only."""

    content_type: str  # without parameters, lower case
    size: int  # bytes
    sha256: str  # hexadecimal
    filename: str = field(repr=False)


_end: ContextVar[float] = ContextVar("end", default=float("inf"))


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Let every call of the block end within so many seconds, whatever limit it sets itself."""
    token = _end.set(min(_end.get(), time.monotonic() + seconds))
    try:
        yield
    finally:
        _end.reset(token)


def send(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    params: Mapping[str, str] | None = None,
    data: bytes | IO[bytes] | Any = None,
    connect_seconds: float = 10,
    total_seconds: float = 30,
    max_bytes: int = 1_048_576,
    allow_loopback: bool | None = None,
) -> Answer:
    """Send one request and return its answer, whatever the status; redirects are not followed.

    `data` is bytes, or a stream (a file or a multipart encoder) that is read block by block.
    Raises AddressRefused, Unreachable or NoAnswer, and OutboundError itself for a bad header.
    """
    request = _prepared(method, url, headers=headers, params=params, data=data)
    call = call_for(allow_loopback, connect_seconds, total_seconds)
    with _exchange(request, call) as response:
        body = bytearray()
        for piece in _pieces(response, call, max_bytes + 1):
            body += piece
        return Answer(
            status=response.status_code,
            headers=MappingProxyType(CaseInsensitiveDict(response.headers)),
            body=bytes(body[:max_bytes]),
            truncated=len(body) > max_bytes,
        )


def download(
    url: str,
    into: IO[bytes],
    *,
    hosts: Collection[str],
    auth: tuple[str, str] | str | None = None,
    max_bytes: int,
    total_seconds: float,
    allow_loopback: bool | None = None,
    content_types: Collection[str] | None = None,
) -> Downloaded:
    """Write the file at `url` into a stream; after an error what was written is to be thrown away.

    Only `hosts` are asked (see `host_allowed`), also after each of at most 3 redirects. `auth` is
    a user name and password, or a bearer token; only the URL's own origin ever sees it.
    `content_types` may hold wildcards ("image/*"). Raises AddressRefused, Unreachable, NoAnswer,
    Declined (any status but 200) or ContentRefused (too large, or of another type).
    """
    call = call_for(allow_loopback, total_seconds, total_seconds)
    home = _origin(_prepared("GET", url))
    for _ in range(MAX_REDIRECTS + 1):
        request = _prepared("GET", url)
        if not host_allowed(request.url or "", hosts):
            raise AddressRefused(sentences.NOT_LISTED(host=_host(request)))
        if auth is not None and _origin(request) == home:
            request = _prepared("GET", url, headers=_authorization(auth))
        with _exchange(request, call) as response:
            if response.status_code not in _REDIRECTS:
                return _saved(response, call, into, max_bytes, content_types)
            url = _redirected(request, response)
        call.connected = call.begun = False
    raise Declined(sentences.TOO_OFTEN(host=_host(request)), response.status_code)


def _authorization(auth: tuple[str, str] | str) -> dict[str, str]:
    if isinstance(auth, str):
        return {"Authorization": f"Bearer {auth}"}
    return {"Authorization": "Basic " + b64encode(":".join(auth).encode()).decode()}


def unreachable(error: BaseException, host: str) -> Unreachable:
    """Return what kept a protocol from beginning on a connection: TLS, or the connection itself."""
    obstacle, why = reason(error)
    return Unreachable(sentences.NOT_REACHED(host=host, why=why), why, obstacle)


# -- The request ------------------------------------------------------------------------------


def _prepared(method: str, url: str, **content: Any) -> requests.PreparedRequest:
    """Build the request and check its URL as it will be used, not as it was written."""
    headers = {**_HEADERS, **(content.pop("headers", None) or {})}
    try:
        request = requests.Request(method, url, headers=headers, **content).prepare()
    except requests.exceptions.InvalidHeader:
        raise OutboundError(sentences.BAD_HEADER()) from None
    except (requests.RequestException, ValueError):
        raise AddressRefused(sentences.NOT_A_WEB_ADDRESS()) from None
    _origin(request)
    return request


def _origin(request: requests.PreparedRequest) -> Origin:
    return origin(request.url or "")


def call_for(allow_loopback: bool | None, connect_seconds: float, total_seconds: float) -> Call:
    """Return a call that begins now and ends by the `time_limit` that holds, if not before."""
    now = time.monotonic()
    policy = addresses.policy(allow_loopback)
    deadline = min(now + total_seconds, _end.get())
    return Call(policy, connect_by=min(now + connect_seconds, deadline), deadline=deadline)


def _host(request: requests.PreparedRequest) -> str:
    return _origin(request).host


@contextmanager
def _exchange(request: requests.PreparedRequest, call: Call) -> Iterator[requests.Response]:
    """Send the request and give the answer, its body unread; close what was left unread."""
    with during(call):
        response = _on_the_wire(
            lambda: session(call.policy).send(request, stream=True, allow_redirects=False),
            call,
            request,
        )
        try:
            yield response
        finally:
            response.close()


def _pieces(response: requests.Response, call: Call, limit: int) -> Iterator[bytes]:
    """Yield the body, decoded, up to `limit` bytes; only reading, not using it, is guarded."""
    while limit > 0:
        read = partial(response.raw.read, min(limit, BLOCK), decode_content=True)
        piece: bytes = _on_the_wire(read, call, response.request)
        if not piece:
            return
        limit -= len(piece)
        yield piece


# -- What went wrong --------------------------------------------------------------------------


def _on_the_wire(do: Callable[[], T], call: Call, request: requests.PreparedRequest) -> T:
    try:
        return do()
    except UnicodeError:
        raise OutboundError(sentences.BAD_HEADER()) from None
    except _WIRE_ERRORS as error:
        _raise_classified(error, call, _host(request))


def _raise_classified(error: BaseException, call: Call, host: str) -> NoReturn:
    obstacle, why = reason(error)
    if call.begun:
        raise NoAnswer(sentences.NO_WHOLE_ANSWER(host=host, why=why)) from None
    if call.connected:
        message = sentences.NO_WHOLE_REQUEST(host=host, why=why)
        raise Interrupted(message, why, obstacle) from None
    raise Unreachable(sentences.NOT_REACHED(host=host, why=why), why, obstacle) from None


def reason(error: BaseException) -> tuple[Obstacle, str]:
    """Return what stood in the way, and why, in a clause."""
    unclear = (Obstacle.OTHER, sentences.FAILED())
    return next(filter(None, map(_reason, _causes(error))), unclear)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield the error and all that it wraps, the innermost first."""
    inner = [*error.args, getattr(error, "reason", None), error.__cause__]
    for cause in inner:
        if isinstance(cause, BaseException):
            yield from _causes(cause)
    yield error


_REASONS: tuple[tuple[type[BaseException], Obstacle, Cause], ...] = (
    (socket.gaierror, Obstacle.NAME, sentences.NO_NAME),
    (ssl.SSLError, Obstacle.TLS, sentences.TLS_FAILED),
    (ConnectionRefusedError, Obstacle.REFUSED, sentences.REFUSED),
    (TimeoutError, Obstacle.SLOW, sentences.TIME_UP),
    (ConnectionError, Obstacle.CLOSED, sentences.CLOSED),
    (HTTPException, Obstacle.OTHER, sentences.NOT_HTTP),
    (HTTPError, Obstacle.OTHER, sentences.NOT_HTTP),
)
_NO_ROUTE = (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN)


def _reason(error: BaseException) -> tuple[Obstacle, str] | None:
    if isinstance(error, ssl.SSLCertVerificationError):
        return Obstacle.CERTIFICATE, sentences.NOT_TRUSTED(words=error.verify_message)
    if isinstance(error, OSError) and error.errno in _NO_ROUTE:
        return Obstacle.ROUTE, sentences.NO_ROUTE()
    known = (row for row in _REASONS if isinstance(error, row[0]))
    return next(((obstacle, cause()) for _, obstacle, cause in known), None)


# -- Files ------------------------------------------------------------------------------------


def _redirected(request: requests.PreparedRequest, response: requests.Response) -> str:
    location = response.headers.get("Location", "")
    if not location:
        raise Declined(sentences.TO_NOWHERE(host=_host(request)), response.status_code)
    return urljoin(request.url or "", location.encode("latin-1").decode("utf-8", "replace"))


def _saved(
    response: requests.Response,
    call: Call,
    into: IO[bytes],
    max_bytes: int,
    content_types: Collection[str] | None,
) -> Downloaded:
    host = _host(response.request)
    if response.status_code != 200:
        status = response.status_code
        raise Declined(sentences.DECLINED(host=host, status=status), status)
    described = Message()
    described["Content-Type"] = response.headers.get("Content-Type", "application/octet-stream")
    content_type = described.get_content_type()
    if content_types is not None and not _type_allowed(content_type, content_types):
        raise ContentRefused(sentences.WRONG_TYPE(host=host))
    size, digest = 0, hashlib.sha256()
    for piece in _pieces(response, call, max_bytes + 1):
        size += len(piece)
        if size > max_bytes:
            raise ContentRefused(sentences.TOO_LARGE(host=host, bytes=max_bytes))
        digest.update(piece)
        into.write(piece)
    return Downloaded(content_type, size, digest.hexdigest(), _filename(response))


def _type_allowed(content_type: str, allowed: Collection[str]) -> bool:
    family = content_type.partition("/")[0] + "/*"
    return any(entry.lower() in (content_type, family) for entry in allowed)


def _filename(response: requests.Response) -> str:
    """Return the name from Content-Disposition (RFC 6266), else from the URL; it may be empty."""
    described = Message()
    disposition = response.headers.get("Content-Disposition", "")
    described["Content-Disposition"] = _CONTROL.sub("", disposition)
    name = described.get_filename() or unquote(urlsplit(response.request.url or "").path)
    with suppress(UnicodeError):
        name = name.encode("latin-1").decode("utf-8")  # raw UTF-8 in a header arrives as Latin-1
    return _CONTROL.sub("", name.replace("\\", "/").rpartition("/")[2])
