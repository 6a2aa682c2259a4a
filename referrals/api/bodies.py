"""The body of a request: limited, and with its Content-Encoding and its charset undone."""

import gzip
import re
import zlib
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from core.text import charsets
from integrations.sources.parsed import FieldError
from integrations.sources.responses import Problem

GZIP = ("gzip", "x-gzip")
MAX_MEMBERS = 10_000  # of one gzip body: each costs time, however small it is
_MEMBER = b"\x1f\x8b\x08"
_LENGTH = re.compile(r"[0-9]{1,18}")

NOT_READ = gettext_noop(
    "This Content-Encoding is not supported. Send the body with gzip, or as it is."
)
NOT_GZIP = gettext_noop(
    "The body is not complete, valid gzip, as Content-Encoding says. Send it again."
)
UNKNOWN_CHARSET = gettext_noop("This charset is not supported. Send UTF-8.")
NOT_WHOLE = gettext_noop("The body arrived incomplete.")


@dataclass(frozen=True)
class Body:
    """One body. `sent` is what came, byte by byte; `content` is read from it when it is needed."""

    sent: bytes = b""
    charset: str = ""
    is_gzip: bool = False
    limit: int | None = None  # in bytes; without one, that of events

    @cached_property
    def unzipped(self) -> bytes:
        """The bytes before gzip; raises Problem 400 or 413."""
        return (
            _unzipped(self.sent, self.limit or settings.MAX_BODY_BYTES)
            if self.is_gzip
            else self.sent
        )

    @cached_property
    def content(self) -> bytes:
        """The bytes to store, in UTF-8 where another charset was declared; raises Problem, too."""
        if not self.charset:
            return self.unzipped
        try:
            return charsets.in_utf_8(self.unzipped, self.charset)
        except charsets.UnknownCharset:
            raise Problem(415, _(UNKNOWN_CHARSET)) from None


def read(request: HttpRequest, content_types: tuple[str, ...], limit: int | None = None) -> Body:
    """Return the body of a request, which is no longer than the limit, as sent and unzipped.

    Raises Problem 400 when it does not arrive whole, 413, and 415 for types and encodings that are
    not read.
    """
    if request.content_type not in content_types:
        one_of = _("Send one of these content types: {types}.")
        raise Problem(415, one_of.format(types=", ".join(content_types)))
    is_gzip = _is_gzip(request.headers.get("Content-Encoding", ""))
    charset = (request.content_params or {}).get("charset", "")
    limit = limit or settings.MAX_BODY_BYTES
    return Body(_sent(request, limit), charset, is_gzip, limit)


def _is_gzip(content_encoding: str) -> bool:
    codings = [coding.strip().lower() for coding in content_encoding.split(",")]
    codings = [coding for coding in codings if coding not in ("", "identity")]
    if len(codings) > 1 or not set(codings) <= set(GZIP):
        raise Problem(415, _(NOT_READ), headers={"Accept-Encoding": "gzip"})
    return bool(codings)


def _sent(request: HttpRequest, limit: int) -> bytes:
    announced = request.headers.get("Content-Length") or "0"
    if not _LENGTH.fullmatch(announced):
        raise Problem(400, _("Content-Length is not a number."))
    length = int(announced)
    sent = b"" if length > limit else _received(request, limit + 1)
    if max(length, len(sent)) > limit:
        too_large = _("The body is over the limit of {limit} bytes.").format(limit=limit)
        raise Problem(413, too_large)
    return sent


def _received(request: HttpRequest, limit: int) -> bytes:
    """Return the body, of one sent in chunks at most `limit` bytes."""
    try:
        if "Transfer-Encoding" in request.headers and request.META.get("wsgi.input_terminated"):
            # Its length is not announced, and Django would take it for empty.
            return bytes(request.META["wsgi.input"].read(limit))
        return request.body
    except OSError:
        raise Problem(400, _(NOT_WHOLE)) from None


def _unzipped(sent: bytes, limit: int) -> bytes:
    """Return what a gzip body holds, in one member or several."""
    if sent.count(_MEMBER) > MAX_MEMBERS:
        raise _corrupt()
    try:
        with gzip.GzipFile(fileobj=BytesIO(sent)) as stream:
            content = stream.read(limit + 1)
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise _corrupt() from None
    if len(content) > limit:
        too_large = _("The body, unzipped, is over the limit of {limit} bytes.")
        raise Problem(413, too_large.format(limit=limit))
    return content


def _corrupt() -> Problem:
    return Problem(400, _(NOT_GZIP), [FieldError("Content-Encoding", _(NOT_GZIP))])
