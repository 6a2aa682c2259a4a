"""Values as the formats of JSON Schema demand them. What has no such form is left out."""

import re
from urllib.parse import quote, urlsplit

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_ALLOWED = ":/?#[]@!$&'()*+,;=%-._~"  # beside letters and digits
_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_BARE = re.compile(r"(?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,}(?:[:/?#]\S*)?")
_ATOM = r"[^\s@.\"(),:;<>\[\\\]]+"
_EMAIL = re.compile(rf"{_ATOM}(?:\.{_ATOM})*@{_ATOM}(?:\.{_ATOM})+", re.ASCII)


def uri(text: str) -> str:
    """Return the text as a URI (RFC 3986), empty where it is none.

    `www.example.org` gets `http://`; what a URI has to escape is escaped.
    """
    text = text.strip()
    if _BARE.fullmatch(text):
        text = f"http://{text}"
    text = _BROKEN_ESCAPE.sub("%25", quote(text, safe=_ALLOWED))
    return text if _SCHEME.match(text) and _is_whole(text) else ""


def _is_whole(text: str) -> bool:
    try:
        parts = urlsplit(text)
        _ = parts.port  # raises ValueError where it is no number
    except ValueError:
        return False
    behind = f"{parts.path}{parts.query}{parts.fragment}"
    is_web = parts.scheme in ("http", "https")
    named = parts.hostname if is_web else behind or parts.netloc
    return bool(named) and not re.search(r"[\[\]]", behind) and "#" not in parts.fragment


def email(text: str) -> str:
    """Return the e-mail address, empty where it is none."""
    text = text.strip()
    return text if text.isascii() and _EMAIL.fullmatch(text) else ""


def number(value: float) -> int | float:
    """Return a number as JSON writes it best: 35, not 35.0."""
    return int(value) if float(value).is_integer() else value
