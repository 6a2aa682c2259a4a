"""Texts of files: which characters they are in, and which they must not hold."""

import codecs
import re
from io import BytesIO
from typing import BinaryIO

from core.text.charsets import windows_1252

MAX_LENGTH = 100_000  # of one value: the longest that screens, mail and search can live with

_LINE_ENDS = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_CONTROLS = re.compile("[\0-\x08\x0e-\x1f\x7f]")
_HALVES = re.compile("[\ud800-\udfff\ufffe\uffff]")
_C1 = re.compile("[\x80-\x9f]")
_UNSEEN = re.compile("[\u202a-\u202e\u2066-\u2069\ufeff]")
_NEEDS_WORK = re.compile(
    "[\0-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufffe\uffff]"
)
_BYTE_ORDER_MARKS = [
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
]
_NOT_ASCII = re.compile("[^\0-\x7f]")
_CHUNK = 1 << 20


def clean(text: str) -> str:
    """Return the text without control characters; everything else, also spaces around it, stays.

    Line ends of any kind, vertical tabs among them, become `\\n`. Punctuation of windows-1252 that
    was taken for ISO-8859-1 becomes what was typed. Tabs stay: JSON has them, CSV does not.
    """
    if not _NEEDS_WORK.search(text):
        return text
    text = _UNSEEN.sub("", _LINE_ENDS.sub("\n", text))
    text = _C1.sub(lambda found: windows_1252(found[0].encode("latin-1")), text)
    text = _CONTROLS.sub(" ", _HALVES.sub("\ufffd", text))
    return _C1.sub("\ufffd", text)


def clean_for_csv(text: str) -> str:
    """Return the text without control characters but line ends, as CSV files of ours hold it."""
    return clean(text).replace("\t", " ")


def encoding_of(file: BinaryIO) -> str:
    """Return the encoding of a file, which is read to its end and put back to its beginning.

    A byte order mark says it. Else it is windows-1252, where more is broken as UTF-8 than is right.
    Decode with `errors="replace"`: either may have characters that are none.
    """
    start = file.read(4)
    file.seek(0)
    for mark, encoding in _BYTE_ORDER_MARKS:
        if start.startswith(mark):
            return encoding
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    right = broken = 0
    while chunk := file.read(_CHUNK):
        text = "" if chunk.isascii() else decoder.decode(chunk)
        bad = text.count("\ufffd")
        broken += bad
        right += len(_NOT_ASCII.findall(text)) - bad
    file.seek(0)
    return "cp1252" if broken > right else "utf-8"


def decode(raw: bytes) -> str:
    """Return the text of bytes, by the same rules as `encoding_of`."""
    return raw.decode(encoding_of(BytesIO(raw)), errors="replace").lstrip("\ufeff")
