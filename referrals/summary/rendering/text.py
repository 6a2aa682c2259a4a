"""Makes any text safe to set: nothing invisible that misleads, no word without end, no boxes."""

import re
import unicodedata
from collections.abc import Callable, Collection, Iterator
from typing import Any

ENDLESS = 60  # characters: no word is longer. Setting one takes time with the square of its length.
PIECE = 20  # characters between its places to break: two fit in the text looked at for a line
ZERO_WIDTH_SPACE = "\u200b"
LEFT_TO_RIGHT_MARK = "\u200e"

_ENDLESS = re.compile(rf"\S{{{ENDLESS + 1},}}")
# Combining marks stay with their letter, and joiners between theirs.
_PIECE = re.compile(rf".{{{PIECE}}}(?=[^\u0300-\u036f\u200c-\u200f\ufe00-\ufe0f])")
_NUMBER = re.compile(r"\d+(?:[ ./()-]{1,2}\d+)+")
_EMPTY_LINES = re.compile(r"\n[ \n]*\n[ \n]*\n")
# Embeddings, overrides and isolates could show a text in another order than it was written.
_REORDERING = frozenset({"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"})


class _Replacements(dict[int, str]):
    """What `str.translate` puts for each code point, found once."""

    def __missing__(self, code: int) -> str:
        self[code] = replacement = _replacement(chr(code))
        return replacement


def _replacement(char: str) -> str:
    category = unicodedata.category(char)
    if char == "\n" or category in {"Zl", "Zp"}:
        return "\n"
    if char == "\t" or (category == "Zs" and char != "\xa0"):
        return " "
    if category in {"Cc", "Cs"} or char in {ZERO_WIDTH_SPACE, "\ufeff"}:
        return ""
    return "" if unicodedata.bidirectional(char) in _REORDERING else char


_replacements = _Replacements()


def clean(text: str) -> str:
    """Return the text without control characters, reordering marks and stacks of empty lines."""
    if text.isalnum() and text.isascii():
        return text
    lines = text.replace("\r\n", "\n").replace("\r", "\n").translate(_replacements)
    return _EMPTY_LINES.sub("\n\n", lines).strip()


def breakable(text: str) -> str:
    """Return the text with places to break in endless words."""
    return _ENDLESS.sub(_in_pieces, text) if len(text) > ENDLESS else text


def _in_pieces(word: re.Match[str]) -> str:
    return _PIECE.sub(rf"\g<0>{ZERO_WIDTH_SPACE}", word[0])


def spelled_out(text: str, missing: Collection[str]) -> str:
    """Return the text with each character that no font has as its code point, `[U+1F600]`."""
    if text.isascii() or not missing:
        return text
    return text.translate({ord(char): f"[U+{ord(char):04X}]" for char in missing})


def steadied(text: str) -> str:
    """Return the text with its numbers kept in order: after Arabic, 705-555-0142 would be shown
    as 0142-555-705."""
    if text.isascii() or not any(unicodedata.bidirectional(char) == "AL" for char in set(text)):
        return text
    return _NUMBER.sub(rf"{LEFT_TO_RIGHT_MARK}\g<0>{LEFT_TO_RIGHT_MARK}", text)


def strings(part: Any) -> Iterator[str]:
    """Yield every string of a document or of a part of it."""
    if isinstance(part, str):
        yield part
    elif isinstance(part, dict | list):
        for value in part.values() if isinstance(part, dict) else part:
            yield from strings(value)


def mapped(change: Callable[[str], str], part: Any) -> Any:
    """Return a copy of a document, or of a part of it, with every string changed."""
    if isinstance(part, str):
        return change(part)
    if isinstance(part, dict):
        return {key: mapped(change, value) for key, value in part.items()}
    return [mapped(change, value) for value in part] if isinstance(part, list) else part
