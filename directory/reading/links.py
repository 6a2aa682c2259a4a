"""Links: which of them a page may offer to click."""

import re
from urllib.parse import urlsplit

_SCHEMES = frozenset(["http", "https", "mailto", "tel"])
_BARE = re.compile(r"(?:www\.)?[a-z0-9-]+(?:\.[a-z0-9-]+)+(?:[/?#]\S*)?", re.IGNORECASE)


def safe(text: str) -> str | None:
    """Return the link as it may stand in a page, or None where it has to stay text.

    `example.org` without a scheme becomes a link of the web; `javascript:` and the like never do.
    """
    link = re.sub(r"[\0-\x20\x7f]", "", text)
    try:
        parts = urlsplit(link)
    except ValueError:
        return None
    if parts.scheme in _SCHEMES:
        is_web = parts.scheme in ("http", "https")
        return link if (parts.netloc if is_web else parts.path) else None
    return f"https://{link}" if _BARE.fullmatch(link) else None
