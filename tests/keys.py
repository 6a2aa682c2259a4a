"""Choices on a page that show their raw key instead of a label for people."""

import re
from collections.abc import Iterator
from html import unescape
from urllib.parse import parse_qsl, urlsplit

_KEY = re.compile(r"[a-z][a-z0-9_.:-]*")
_OPTION = re.compile(r'<option(?: value="([^"]*)")?[^>]*>([^<]*)</option>')
_LINK = re.compile(r'<a[^>]*href="([^"]*\?[^"]*)"[^>]*>\s*([^<]*?)\s*<')


def raw_keys_in(html: str) -> Iterator[str]:
    """Yield each option, and each link of a filter, whose text is nothing but what it sends."""
    for value, text in _OPTION.findall(html):
        if _KEY.fullmatch(text.strip()) and unescape(value or text).strip() == text.strip():
            yield f"option {text}"
    for address, text in _LINK.findall(html):
        values = [value for _, value in parse_qsl(urlsplit(unescape(address)).query)]
        if _KEY.fullmatch(text) and text in values:
            yield f"link {unescape(address)}"
