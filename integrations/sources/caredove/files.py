"""The files of a message: named safely, decoded, or pointed to."""

import base64
import binascii
import re
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from urllib.parse import unquote

from integrations.sources.caredove.fields import made
from integrations.sources.caredove.links import is_launch_link
from integrations.sources.filenames import safe_filename
from integrations.sources.parsed import ParsedFile
from mapping.document import Attachment

NOT_BASE64 = "Its content in the message is not valid base64."
NOT_THERE = "The message holds neither its content nor an address to fetch it from."
NOT_IN_MESSAGE = "The message does not hold the part that it refers to."
NOT_WEB = "Its address is not one that can be fetched (http or https)."
SIGN_IN = "Its address is a sign-in link, which is never opened."

MAX_SIZE = 2**40  # announced; larger is no size
_CONTENT_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,60}/[a-z0-9!#$&^_.+-]{1,60}")
_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_DATA_URL = re.compile(r"data:[^,]{0,200};base64,", re.IGNORECASE)
_WEB_URL = re.compile(r"https?://[^\s/?#]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Announced:
    """What a message says of one file. `id` is stable for it; `data` is base64, `url` anything."""

    id: str = ""
    filename: str = ""
    content_type: str = ""
    size: int | None = None
    description: str = ""
    data: Any = None
    url: str = ""
    problem: str = ""
    sha1: str = ""  # announced, base64 as in FHIR, or hexadecimal
    sha256: str = ""


@dataclass(slots=True)
class Files:
    """The files found in a message, in its order, each once."""

    attachments: list[Attachment] = field(default_factory=list)
    parsed: list[ParsedFile] = field(default_factory=list)
    _keys: set[str] = field(default_factory=set)

    def add(self, announced: Announced) -> None:
        """Take the file, unless nothing is said of it or it is here already."""
        if not (announced.filename or announced.data or announced.url or announced.description):
            return
        content, url, problem = _whereabouts(announced)
        filename = self._filename(announced)
        key = self._key(announced, content or url.encode())
        if not key:
            return
        file = ParsedFile(
            key=key,
            filename=filename,
            content_type=_content_type(announced.content_type),
            size=announced.size if content is None else len(content),
            content=content,
            url=url,
            problem=problem,
        )
        self.parsed.append(file)
        self.attachments.append(
            made(
                Attachment,
                key=key,
                filename=filename,
                content_type=file.content_type,
                size=file.size,
                description=announced.description,
            )
        )

    def _filename(self, announced: Announced) -> str:
        path = re.split("[?#]", announced.url)[0]
        last = unquote(path.rpartition("/")[2]) if _WEB_URL.match(announced.url) else ""
        return safe_filename(
            announced.filename or last,
            fallback=f"attachment-{len(self.parsed) + 1}.bin",
            content_type=_content_type(announced.content_type),
        )

    def _key(self, announced: Announced, origin: bytes) -> str:
        """Return a key that this file has in every message; nothing when it is here already."""
        name = sha256(announced.filename.encode() + b"\0" + origin).hexdigest()
        ways = (announced.id if _KEY.fullmatch(announced.id) else "", f"sha256-{name[:32]}")
        key = next((key for key in ways if key and key not in self._keys), "")
        self._keys.add(key)
        return key


def _whereabouts(announced: Announced) -> tuple[bytes | None, str, str]:
    """Return content, URL and problem: one of the three."""
    data, url = announced.data, announced.url
    if not data and (inline := _DATA_URL.match(url)):
        data, url = url[inline.end() :], ""
    if data:
        content = _decoded(data)
        return content, "", "" if content is not None else NOT_BASE64
    if announced.problem or not url:
        return None, "", announced.problem or NOT_THERE
    if not _WEB_URL.match(url):
        return None, "", NOT_WEB if "://" in url else NOT_IN_MESSAGE
    return (None, "", SIGN_IN) if is_launch_link(url) else (None, url, "")


def _decoded(data: Any) -> bytes | None:
    if not isinstance(data, str):
        return None
    compact = "".join(data.split()).translate(_URL_SAFE).rstrip("=")
    try:
        return base64.b64decode(compact + "=" * (-len(compact) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


_URL_SAFE = str.maketrans("-_", "+/")


def _content_type(text: str) -> str:
    kind = text.partition(";")[0].strip().lower()
    return kind if _CONTENT_TYPE.fullmatch(kind) else ""
