"""Texts in other character sets than UTF-8, as senders declare them or forget to."""

import codecs
import re

# Single-byte ones that senders in North America and Europe use. UTF-16 and UTF-32 show by
# themselves: `core.text.lenient_json` reads them as they are.
_SINGLE_BYTE = re.compile(r"iso8859-\d{1,2}|cp125\d|mac-roman|cp437|cp850|cp863")
_UNICODE = re.compile(r"utf-(?:8|16|32)(?:-(?:sig|[bl]e))?|ascii")


class UnknownCharset(ValueError):
    """Nobody here reads this character set."""


def in_utf_8(raw: bytes, charset: str) -> bytes:
    """Return a text of the declared character set in UTF-8; raises UnknownCharset.

    What is UTF-8 stays as it is, whatever was declared: no other text looks like it by accident.
    """
    name = _name(charset)
    if _UNICODE.fullmatch(name) or _is_utf_8(raw):
        return raw
    if name in ("iso8859-1", "cp1252"):
        return windows_1252(raw).encode()
    return raw.decode(name, errors="replace").encode()


def windows_1252(raw: bytes) -> str:
    """Return the text of bytes in windows-1252, which is what most who say ISO-8859-1 send."""
    try:
        return raw.decode("cp1252")
    except UnicodeDecodeError:  # five bytes have no character in it
        return raw.decode("iso-8859-1")


def _name(charset: str) -> str:
    try:
        name = codecs.lookup(charset).name
    except (LookupError, ValueError):
        raise UnknownCharset from None
    if not (_UNICODE.fullmatch(name) or _SINGLE_BYTE.fullmatch(name)):
        raise UnknownCharset
    return name


def _is_utf_8(raw: bytes) -> bool:
    if raw.isascii():
        return True
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True
