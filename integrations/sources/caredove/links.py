"""Sign-in links: whoever opens one is signed in as somebody else, so none is ever passed on."""

import re
from collections.abc import Iterator
from urllib.parse import unquote

from integrations.sources.caredove.events import (
    CAREDOVE_HOST,
    LAUNCH,
    SIGN_IN_LINK_REMOVED,
    SIGN_IN_PATH,
    SIGN_IN_QUERY,
)

_WORD = re.compile(r"[^\s<>\"“”']+")
_START = re.compile(r"https?://|www\.", re.IGNORECASE)


def without_sign_in_links(text: str) -> str:
    """Return the text with "[sign-in link removed]" in place of each sign-in link."""
    folded = text.lower()
    if LAUNCH in folded or CAREDOVE_HOST in folded:
        return _WORD.sub(_censored, text)
    return text


def is_sign_in_link(url: str) -> bool:
    """Return whether the address signs in whoever opens it.

    A token in the query of an attachment's address is its signature: `is_launch_link` is for those.
    """
    queries = (query for _, query in _caredoves(url))
    return is_launch_link(url) or any(map(SIGN_IN_QUERY.search, queries))


def is_launch_link(url: str) -> bool:
    """Return whether the path of the address leads into Caredove, signed in."""
    paths = (path for path, _ in _caredoves(url))
    return LAUNCH in unquote(url).lower() or any(map(SIGN_IN_PATH.search, paths))


def _caredoves(url: str) -> Iterator[tuple[str, str]]:
    """Yield path and query of each address of Caredove's: in another's query, or behind a space."""
    text = unquote(url).lower()
    for address in {*text.split("://"), *re.split(r"://|\s+", text)}:
        place, _, query = address.partition("?")
        host, _, path = place.partition("/")
        if CAREDOVE_HOST in host:
            yield path, query


def _censored(word: re.Match[str]) -> str:
    start = found.start() if (found := _START.search(word[0])) else 0
    link = word[0][start:].rstrip(").,;:!?]")
    if not is_sign_in_link(link):
        return word[0]
    return word[0][:start] + SIGN_IN_LINK_REMOVED + word[0][start + len(link) :]
