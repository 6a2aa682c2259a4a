"""Whether a file is what was announced: rule 24 of the contract.

A file is missing, with the reason, and never sent as the real one, when it is empty, when it is a
web page, JSON or an error text where something else was announced, when it has another hash, and
when it is not whole.

**Whole**: what has the announced hash or the announced size is whole. What has another size than
the announced one must be whole by its own format, strictly; a format that cannot tell must not be
shorter. Where neither was announced nothing contradicts the file, so only what its own format
shows to be cut off is missing (a picture that does not decode, an archive without its directory, a
PDF without its end mark): a PDF without the `startxref` that readers do without is sent.

Pure: bytes and what was said of them in, a verdict out. It never raises.
"""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass, field

from core.text.sentences import join
from integrations import sentences
from integrations.sources import formats
from integrations.sources.filenames import extension_of
from integrations.sources.formats import (
    CDA,
    HTML,
    JSON,
    OTHER,
    PDF,
    SVG,
    TEXT,
    XML,
    ZIP,
    Family,
    Format,
)
from integrations.sources.wholeness import is_whole

# Causes of a warning, in integrations.sources.warnings.
OTHER_SIZE, OTHER_KIND = "file_other_size", "file_other_kind"

_FETCHED = {
    HTML: sentences.FETCHED_PAGE,
    JSON: sentences.FETCHED_JSON,
    XML: sentences.FETCHED_XML,
    TEXT: sentences.FETCHED_ERROR,
}
_IN_MESSAGE = {
    HTML: sentences.CONTAINS_PAGE,
    JSON: sentences.CONTAINS_JSON,
    XML: sentences.CONTAINS_XML,
    TEXT: sentences.CONTAINS_ERROR,
}
_CUT_OFF = {
    Family.PICTURE: sentences.FILE_CUT_PICTURE,
    Family.ARCHIVE: sentences.FILE_CUT_ARCHIVE,
}


@dataclass(frozen=True, slots=True)
class Announcement:
    """What was said of a file before it came.

    `hashes` is what `hashes_of` makes of the announced ones; `encoded_sizes` are lengths of the
    base64 text, which some senders give as the size. `fetched` words the reasons.
    """

    filename: str = field(default="", repr=False)
    content_type: str = ""
    size: int | None = None
    hashes: str = ""
    encoded_sizes: frozenset[int] = frozenset()
    fetched: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a file is. `problem` says in a sentence why it is missing; `warning` is a cause.

    `content_type` is what it is, or what was announced where the bytes do not tell; `form` is None
    then.
    """

    problem: str = ""
    warning: str = ""
    content_type: str = ""
    form: Format | None = None

    @property
    def missing(self) -> bool:
        return bool(self.problem)

    @property
    def extension(self) -> str:
        """The extension of the content (".pdf"); empty where the bytes do not tell."""
        return formats.extension_for(self.form, self.content_type) if self.form else ""


def judge(content: bytes, announced: Announcement) -> Verdict:
    """Return whether the bytes are the announced file, and what they are."""
    if not content:
        return Verdict(problem=sentences.FILE_EMPTY())
    is_the_one = _has_the_hash(content, announced.hashes)
    if is_the_one is False:
        return Verdict(problem=sentences.FILE_OTHER_HASH())
    actual = formats.recognize(content)
    expected = formats.announced_as(announced.content_type, extension_of(announced.filename))
    if not is_the_one:
        problem = _in_its_place(content, actual, expected, announced)
        problem = problem or _not_whole(content, actual, announced)
        if problem:
            return Verdict(problem=problem)
    return _found(content, actual, expected, announced, is_the_one=bool(is_the_one))


def _found(
    content: bytes,
    actual: Format | None,
    expected: Format | None,
    announced: Announcement,
    *,
    is_the_one: bool,
) -> Verdict:
    """Return what the file is; a missing or general type contradicts nothing."""
    stated = "" if formats.is_general(announced.content_type) else announced.content_type
    is_other = bool(stated and expected and _is_another_kind(actual, expected))
    has_its_size = is_the_one or not announced.size or _has_the_size(content, announced)
    if actual == TEXT and expected in (JSON, XML, HTML):
        actual = expected  # as far as its beginning tells
    return Verdict(
        warning=OTHER_KIND if is_other else "" if has_its_size else OTHER_SIZE,
        content_type=_content_type(actual, announced.content_type, is_other or not stated),
        form=actual,
    )


def _content_type(actual: Format | None, announced: str, is_judged_by_bytes: bool) -> str:
    """Return the type of the content: the sender knows better which text or archive it is."""
    if actual is None:
        return announced
    is_kept = actual in (TEXT, JSON, XML, CDA, ZIP) and not is_judged_by_bytes
    return announced if is_kept else actual.type


def _is_another_kind(actual: Format | None, expected: Format) -> bool:
    """Return whether what came is surely of another kind than the stated type."""
    if expected == OTHER or (actual is not None and actual.is_like(expected)):
        return False
    if actual is None:  # a picture or a PDF would show that it is one
        return expected.family is Family.PICTURE or expected == PDF
    return not (actual in (TEXT, XML, JSON, CDA, SVG) and expected in (TEXT, XML, JSON, HTML))


# -- Another thing in its place ------------------------------------------------------------------

_LONGEST_ERROR = 2000
_TAG = re.compile(r"<(?:!--|/?[a-z][a-z0-9]{0,10}[\s/>])", re.IGNORECASE)
_PASSWORD = re.compile(r"""type\s*=\s*["']?password\b""", re.IGNORECASE)
_ERROR_WORDS = re.compile(
    r"\berrors?\b|\berreur|exception|traceback|"
    r"\b(?:access|permission|request|authorization)\s+(?:was\s+|is\s+)?(?:denied|refused|required)|"
    r"unauthori[sz]ed|not\s+authori[sz]ed|forbidden|not\s+(?:be\s+)?found|no\s+such|"
    r"(?:has|have|is|session|link|token|url)\s+expired|expired\s+(?:link|token|session|url)|"
    r"\binvalid\b|unavailable|\btime(?:d)?\s?-?out\b|\blog\s?-?in\b|\bsign\s?-?in\b|\blogged out\b|"
    r"bad\s+(?:request|gateway)|too\s+many\s+requests|rate\s+limit|not\s+(?:allowed|available)|"
    r"(?:could|can)\s?not\s+|failed\s+to|does\s?n[o']t\s+exist|no\s+longer|"
    r"introuvable|refus[ée]|non\s+autoris|expir[ée]|connexion|indisponible|interdit|"
    r"^\s*(?:null|undefined|none|false|true|nan|ok|gone|\d{3}|\[object object\])\s*$",
    re.IGNORECASE,
)


def _in_its_place(
    content: bytes, actual: Format | None, expected: Format | None, announced: Announcement
) -> str:
    """Return the sentence for a page, data or an error that came in place of the file."""
    if actual is None or not _is_in_its_place(content, actual, expected):
        return ""
    return (_FETCHED if announced.fetched else _IN_MESSAGE)[actual]()


def _is_in_its_place(content: bytes, actual: Format, expected: Format | None) -> bool:
    if actual == HTML:
        return expected not in (None, HTML) or _asks_for_a_password(content)
    if expected is None or expected == OTHER or expected.is_like(actual):
        return False
    if actual == JSON:
        return expected != TEXT or _is_error_text(content)
    if actual == XML:
        return expected not in (TEXT, CDA, SVG, HTML) or _is_error_text(content)
    return actual == TEXT and expected != HTML and _is_error_text(content)


def _asks_for_a_password(content: bytes) -> bool:
    """Return whether the page signs in: it is nobody's file, whatever was announced."""
    return bool(_PASSWORD.search(content[:200_000].decode("latin-1")))


def _is_error_text(content: bytes) -> bool:
    text = formats.text_of(content) or ""
    if len(content) > _LONGEST_ERROR:
        return bool(_TAG.match(text))
    return bool(_TAG.match(text) or _ERROR_WORDS.search(text))


# -- Size, hash, and whether it is whole ---------------------------------------------------------


def _not_whole(content: bytes, actual: Format | None, announced: Announcement) -> str:
    """Return the sentence for a file that has neither the announced size nor its own end."""
    if _has_the_size(content, announced):
        return ""
    size = announced.size or 0
    whole = is_whole(content, actual, strictly=bool(size))
    if whole or (whole is None and len(content) >= size):
        return ""
    if len(content) < size:
        return sentences.FILE_SHORT(came=len(content), announced=size)
    family = actual.family if actual else Family.OTHER
    cut_off = _CUT_OFF.get(family, sentences.FILE_CUT)()
    sizes = sentences.FILE_SIZES(came=len(content), announced=size) if size else ""
    return join([cut_off, sizes])


def _has_the_size(content: bytes, announced: Announcement) -> bool:
    size = len(content)
    encoded = -(-size // 3) * 4  # as base64, with padding
    unpadded = encoded - (-size % 3)
    return announced.size in {size, encoded, unpadded} | announced.encoded_sizes


_ALGORITHMS = {16: "md5", 20: "sha1", 32: "sha256", 48: "sha384", 64: "sha512"}
_HEX = re.compile(r"(?:[0-9a-f]{2})+", re.IGNORECASE)
_PREFIX = re.compile(r"(?:md5|sha-?(?:1|256|384|512))[:=\-]\s*", re.IGNORECASE)


def hashes_of(*announced: str) -> str:
    """Return announced hashes in one form, "sha1:…" in hexadecimal, apart by spaces.

    Each may be hexadecimal or base64, with its name before it or without: its length says which it
    is. What cannot be a hash is left out, so it contradicts nothing.
    """
    found = (_digest(_PREFIX.sub("", text.strip(), count=1)) for text in announced if text)
    named = (f"{_ALGORITHMS[len(digest)]}:{digest.hex()}" for digest in found if digest)
    return " ".join(dict.fromkeys(named))


def _digest(text: str) -> bytes:
    """Return the digest that a text writes down; nothing when it cannot be one."""
    if _HEX.fullmatch(text) and len(text) // 2 in _ALGORITHMS:
        return bytes.fromhex(text)
    compact = "".join(text.split()).replace("-", "+").replace("_", "/").rstrip("=")
    try:
        decoded = base64.b64decode(compact + "=" * (-len(compact) % 4), validate=True)
    except (binascii.Error, ValueError):
        return b""
    inner = decoded.decode("latin-1")
    if _HEX.fullmatch(inner) and len(inner) // 2 in _ALGORITHMS:  # base64 of hexadecimal
        return bytes.fromhex(inner)
    return decoded if len(decoded) in _ALGORITHMS else b""


def _has_the_hash(content: bytes, hashes: str) -> bool | None:
    """Return whether the bytes have all announced hashes; None where there is none."""
    if not hashes:
        return None
    pairs = (one.partition(":") for one in hashes.split())
    return all(
        hashlib.new(name, content, usedforsecurity=False).hexdigest() == digest
        for name, _, digest in pairs
    )
