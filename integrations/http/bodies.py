"""The body of an answer as text and as JSON."""

import codecs
import json
import re
from email.message import Message
from typing import Any

from core.outbound import Answer

_LATIN = "iso8859-1"  # what declares it is written in Windows-1252, and browsers read it so
# They turn text into other text, or take their time over it: no character set of an answer.
_NO_CHARSETS = ("idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "utf-7")
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_PAGE_STARTS = re.compile(r"<!doctype\s+html|<(?:html|head|body|title|meta|script|form)\b", re.I)
_TAG = re.compile(r"<[a-z!/]", re.I)
_LOOKED_AT = 4096  # characters, for what tells a page


def header(answer: Answer, name: str) -> str:
    """Return a header whatever its case; empty when it is not there."""
    wanted = name.lower()
    return next((value for key, value in answer.headers.items() if key.lower() == wanted), "")


def text(answer: Answer, limit: int | None = None) -> str:
    """Return the body as text, of its first `limit` bytes.

    Decoded by the declared character set, else by its byte order mark, else as UTF-8, else as
    Windows-1252. A character that the limit has cut through is left out.
    """
    body = answer.body if limit is None else answer.body[:limit]
    is_cut = answer.truncated or len(body) < len(answer.body)
    for charset in (_declared(answer), _marked(body), "utf-8"):
        if charset:
            try:
                decoder = codecs.getincrementaldecoder(charset)("strict")
                return decoder.decode(body, final=not is_cut).removeprefix("\ufeff")
            except (UnicodeError, LookupError):
                pass
    return body.decode("cp1252", errors="replace")


def _declared(answer: Answer) -> str:
    """Return the character set that the answer declares, if it is one."""
    described = Message()
    described["Content-Type"] = header(answer, "Content-Type") or "text/plain"
    try:
        name = codecs.lookup(str(described.get_content_charset() or "")).name
        "".encode(name)  # bytes-to-bytes codecs refuse
    except (LookupError, ValueError, TypeError):
        return ""
    if name in _NO_CHARSETS:
        return ""
    return "cp1252" if name == _LATIN else name


def _marked(body: bytes) -> str:
    return next((charset for mark, charset in _BOMS if body.startswith(mark)), "")


def read_json(answer: Answer) -> Any:
    """Return the JSON of a body; None where there is none, or where it is cut off."""
    try:
        return json.loads(text(answer))
    except (ValueError, RecursionError):
        return None


def pluck(body: Any, dotted: str) -> Any:
    """Return what stands at `data.id` in a JSON body; None where nothing does."""
    for name in dotted.split("."):
        body = body.get(name) if isinstance(body, dict) else None
    return body


def is_page(answer: Answer) -> bool:
    """Say whether a web page (a sign-in page, a proxy's) answered in place of an API."""
    if read_json(answer) is not None:
        return False
    start = text(answer, 4 * _LOOKED_AT).lstrip()[:_LOOKED_AT]
    if "html" in header(answer, "Content-Type").lower():
        return bool(_TAG.search(start))
    return start.startswith("<") and bool(_PAGE_STARTS.search(start))
