"""What a body cannot hold, told by its bytes: a walk through all of its values costs far more."""

import re

_ESCAPED_LETTER = re.compile(rb"\\u00[4-7]")


def may_say(body: bytes, *words: bytes) -> bool:
    """Return whether a word, in small letters, may stand somewhere in a body, in any case."""
    folded = body.lower()
    return any(word in folded for word in words) or _hides_letters(body)


def may_have_more(body: bytes, key: str, count: int) -> bool:
    """Return whether a body may hold more than so many members of this name."""
    return body.count(f'"{key}"'.encode()) > count or _hides_letters(body)


def _hides_letters(body: bytes) -> bool:
    """Return whether a letter may be written as an escape, or with NULs around it, as in UTF-16."""
    return b"\0" in body or (b"\\u00" in body and bool(_ESCAPED_LETTER.search(body)))
