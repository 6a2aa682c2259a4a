"""The files of a message: named safely, decoded and judged, or pointed to."""

import base64
import binascii
import re
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any
from urllib.parse import unquote, unquote_to_bytes

from core.text.sentences import Cause
from integrations.sources.caredove import identity
from integrations.sources.caredove.links import is_launch_link
from integrations.sources.caredove.reading.fields import made
from integrations.sources.content import Announcement, Verdict, hashes_of, judge
from integrations.sources.filenames import safe_filename
from integrations.sources.formats import Format, is_general
from integrations.sources.parsed import ParsedFile
from integrations.sources.warnings import Warning
from mapping.source.document import Alias, Attachment

NOT_BASE64 = Cause("file_not_base64", "Its content in the message is not valid base64.")
NOT_THERE = Cause(
    "file_not_there", "The message holds neither its content nor an address to fetch it from."
)
NOT_IN_MESSAGE = Cause(
    "file_not_in_message", "The message does not hold the part that it refers to."
)
NOT_WEB = Cause("file_not_web", "Its address is not one that can be fetched (http or https).")
SIGN_IN = Cause("file_sign_in", "Its address is a sign-in link, which is never opened.")

MAX_SIZE = 2**40  # announced; larger is no size
_CONTENT_TYPE = re.compile(r"[a-z0-9!#$&^_.+*-]{1,60}/[a-z0-9!#$&^_.+*-]{1,60}")
_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_DATA_URL = re.compile(r"\s{0,20}data:([^,]{0,300}),", re.IGNORECASE)
_FORMER_DATA_URL = re.compile(r"data:[^,]{0,200};base64,", re.IGNORECASE)
_BASE64 = re.compile(r";\s*base64\s*$", re.IGNORECASE)
_URL_SAFE, _SPACES = bytes.maketrans(b"-_", b"+/"), b" \t\r\n\v\f"
_WEB_URL = re.compile(r"https?://[^\s/?#]", re.IGNORECASE)
# What signs an address is new in every message, and does not say which file it is. Any other
# parameter may be all that two files differ in.
_SIGNATURE = re.compile(
    r"(?:x-(?:amz|goog|ms|oss)-[^=]*|awsaccesskeyid|googleaccessid|key-pair-id|policy|signature"
    r"|sig|hmac|expires|expiry|exp|(?:access_?|auth_?|sas_?)?token|auth|jwt|nonce|ts|timestamp)=.*",
    re.IGNORECASE,
)
_OF_AZURE = re.compile(r"(?:s[pvret]|spr|sip|ske|sks|skt|skv|skoid|sktid)=.*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Announced:
    """What a message says of one file. `data` is base64 or a data URL, `url` anything.

    `id` is the file's own id or identifier; one that only tells the parts of a message apart, or
    that is the referral's, is not used. `former_id` is the one that version 1.0 of the contract
    took, where it differs. `place` says in the sender's words where the file
    stands in the message.
    """

    id: str = ""
    filename: str = ""
    content_type: str = ""
    size: int | None = None
    description: str = ""
    data: Any = field(default=None, repr=False)
    url: str = ""
    problem: str = ""
    sha1: str = ""  # in base64, as in FHIR, or in hexadecimal; the same for the others
    sha256: str = ""
    md5: str = ""
    former_id: str | None = None
    place: str = "attachment"


@dataclass(frozen=True, slots=True)
class _Inline:
    """The content that a message holds: None where it cannot be read."""

    content: bytes | None
    content_type: str = ""
    encoded_sizes: frozenset[int] = frozenset()


@dataclass(slots=True)
class Files:
    """The files found in a message, in its order, each once, and what staff are warned of.

    `referral_ids` are ids of the referral: no file is known by one of them.
    """

    referral_ids: Collection[str] = ()
    attachments: list[Attachment] = field(default_factory=list)
    parsed: list[ParsedFile] = field(default_factory=list)
    warnings: list[Warning] = field(default_factory=list)
    aliases: list[Alias] = field(default_factory=list)
    _origins: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    _former_keys: set[str] = field(default_factory=set)

    def add(self, announced: Announced) -> str:
        """Take the file, unless nothing is said of it or it is here already; return its key."""
        if not (announced.filename or announced.data or announced.url or announced.description):
            return ""
        inline, address = _inline(announced), _address(announced)
        former_key = self._former_key(announced, _former_origin(announced, inline, address))
        key, is_here = self._key(announced, _origin(inline, address))
        if is_here:
            return key
        fallback = f"attachment-{len(self.parsed) + 1}.bin"
        file = _file(announced, inline, address, fallback, (key, former_key))
        self.parsed.append(file)
        if cause := "file_missing" if file.problem else file.warning:
            self.warnings.append(Warning(announced.place, cause))
        self.attachments.append(
            made(
                Attachment,
                key=key,
                filename=file.filename,
                content_type=file.content_type,
                size=file.size,
                description=announced.description,
            )
        )
        return key

    def _key(self, announced: Announced, origin: bytes) -> tuple[str, bool]:
        """Return a key that this file has in every message, and whether it is here already.

        Two different files of one id are both kept: the second is known by what it is.
        """
        same = (announced.filename, origin)
        key = identity.key(announced.id) if self._is_own(announced.id) else _named(*same)
        if key in self._origins and self._origins[key] != same:
            key = _named(*same)
        is_here = key in self._origins
        self._origins[key] = same
        return key, is_here

    def _is_own(self, id_: str) -> bool:
        is_usable = bool(_KEY.fullmatch(id_)) and not identity.is_local(id_)
        return is_usable and id_ not in self.referral_ids

    def _former_key(self, announced: Announced, origin: bytes) -> str:
        """Return the key of version 1.0, as it was made then; nothing for what was left out."""
        id_ = announced.id if announced.former_id is None else announced.former_id
        key = id_ if _KEY.fullmatch(id_) else ""
        if not key or key in self._former_keys:
            key = _named(announced.filename, origin)
        if key in self._former_keys:
            return ""
        self._former_keys.add(key)
        return key


# -- One file ------------------------------------------------------------------------------------


def _file(
    announced: Announced,
    inline: _Inline | None,
    address: tuple[str, str],
    fallback: str,
    keys: tuple[str, str],
) -> ParsedFile:
    """Return the file: its content, else its address, else why not."""
    key, former_key = keys
    stated = _content_type(announced.content_type)
    if inline is not None and is_general(stated):
        stated = inline.content_type or stated
    hashes = hashes_of(announced.sha1, announced.sha256, announced.md5)
    verdict = None if inline is None else _verdict(announced, inline, stated, hashes)
    if inline is not None and verdict is not None and not verdict.missing:
        return ParsedFile(
            key=key,
            former_key=former_key,
            filename=_filename(announced, fallback, verdict.content_type, verdict.form),
            content_type=verdict.content_type,
            size=len(inline.content or b""),
            content=inline.content,
            warning=verdict.warning,
        )
    url, problem = address
    return ParsedFile(
        key=key,
        former_key=former_key,
        filename=_filename(announced, fallback, stated),
        content_type=stated,
        size=announced.size,
        url=url,
        hashes=hashes,
        problem="" if url else verdict.problem if verdict else problem,
    )


def _verdict(announced: Announced, inline: _Inline, stated: str, hashes: str) -> Verdict:
    if inline.content is None:
        return Verdict(problem=NOT_BASE64())
    announcement = Announcement(
        filename=announced.filename,
        content_type=stated,
        size=announced.size,
        hashes=hashes,
        encoded_sizes=inline.encoded_sizes,
    )
    return judge(inline.content, announcement)


def _filename(
    announced: Announced, fallback: str, content_type: str, form: Format | None = None
) -> str:
    path = re.split("[?#]", announced.url)[0]
    last = unquote(path.rpartition("/")[2]) if _WEB_URL.match(announced.url) else ""
    return safe_filename(
        announced.filename or last, fallback=fallback, content_type=content_type, form=form
    )


def _address(announced: Announced) -> tuple[str, str]:
    """Return where the file is to be fetched from, else nothing and why not."""
    url = announced.url
    if announced.problem or not url or _DATA_URL.match(url):
        return "", announced.problem or NOT_THERE()
    if not _WEB_URL.match(url):
        return "", NOT_WEB() if "://" in url else NOT_IN_MESSAGE()
    return ("", SIGN_IN()) if is_launch_link(url) else (url, "")


def _content_type(text: str) -> str:
    kind = text.partition(";")[0].strip().lower()
    return kind if _CONTENT_TYPE.fullmatch(kind) else ""


# -- The content in a message --------------------------------------------------------------------


def _inline(announced: Announced) -> _Inline | None:
    """Return the content that the message holds; None when it holds none."""
    data = announced.data or (announced.url if _DATA_URL.match(announced.url) else None)
    if not data:
        return None
    if not isinstance(data, str):
        return _Inline(None)
    if not (prefix := _DATA_URL.match(data)):
        return _decoded(data)
    text, kind = data[prefix.end() :], _content_type(prefix[1])
    if not _BASE64.search(prefix[1]):
        return _Inline(unquote_to_bytes(text), kind)
    return replace(_decoded(unquote(text) if "%" in text else text), content_type=kind)


def _decoded(data: str) -> _Inline:
    """Return the bytes of base64: with line breaks or without, URL-safe or not, padded or not."""
    try:
        compact = data.encode("ascii").translate(_URL_SAFE, _SPACES)
    except UnicodeEncodeError:
        return _Inline(None)
    sizes = frozenset((len(data), len(compact)))
    compact = compact.rstrip(b"=")
    compact += b"=" * (-len(compact) % 4)
    try:
        return _Inline(base64.b64decode(compact, validate=True), encoded_sizes=sizes)
    except (binascii.Error, ValueError):
        return _Inline(None)


# -- What a file is known by ---------------------------------------------------------------------


def _named(filename: str, origin: bytes) -> str:
    """Return the key of a file that has no id of its own: its name, and its bytes or address."""
    digest = sha256(filename.encode("utf-8", "surrogatepass") + b"\0")
    digest.update(origin)
    return f"sha256-{digest.hexdigest()[:32]}"


def _origin(inline: _Inline | None, address: tuple[str, str]) -> bytes:
    if inline is not None and inline.content:
        return inline.content
    return _unsigned(address[0]).encode("utf-8", "surrogatepass")


def _unsigned(url: str) -> str:
    """Return the address without what signs it."""
    place, _, query = url.partition("#")[0].partition("?")
    parts = query.split("&") if query else []
    is_azures = any(part.lower().startswith("sig=") for part in parts)
    kept = [
        part
        for part in parts
        if not (_SIGNATURE.fullmatch(part) or (is_azures and _OF_AZURE.fullmatch(part)))
    ]
    return f"{place}?{'&'.join(kept)}" if kept else place


def _former_origin(announced: Announced, inline: _Inline | None, address: tuple[str, str]) -> bytes:
    """Return what version 1.0 took for the origin: it did not read all that is read today."""
    data, url = announced.data, announced.url
    inside = not data and bool(_FORMER_DATA_URL.match(url))
    if not (data or inside):
        return b"" if announced.problem else address[0].encode("utf-8", "surrogatepass")
    was_read = "%" not in url if inside else not (isinstance(data, str) and _DATA_URL.match(data))
    return (inline.content or b"") if inline is not None and was_read else b""
