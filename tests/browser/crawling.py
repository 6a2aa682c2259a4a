"""Following links: every page that a page leads to, each kind of page once."""

import re
from collections.abc import Iterator
from html import unescape
from urllib.parse import parse_qsl, urldefrag, urljoin, urlsplit

from playwright.sync_api import Page

_LINK = re.compile(r'<a\s[^>]*?href="([^"]+)"')
_KEY = re.compile(r"/([0-9a-f-]{36}|\d+|[A-Z]{2}-[0-9a-z-]+)(?=/|$)")


def kind_of(address: str) -> str:
    """Return what all addresses of one kind of page have in common: path and names in the query."""
    parts = urlsplit(address)
    names = sorted({name for name, _value in parse_qsl(parts.query, keep_blank_values=True)})
    return "?".join([_KEY.sub("/*", parts.path), *names])


def crawled(page: Page, *starts: str, within: str = "/") -> Iterator[tuple[str, str]]:
    """Yield the address and HTML of each kind of page that links lead to, below a path.

    Pages are asked for without the browser's help, so this is quick; see `checks` for the rest.
    """
    waiting, known = [*starts], {kind_of(start) for start in starts}
    while waiting:
        address = waiting.pop(0)
        answer = page.request.get(address)
        assert answer.status < 500, f"{address} is answered {answer.status}"
        if not answer.ok or "text/html" not in answer.headers.get("content-type", ""):
            continue
        html = answer.text()
        yield address, html
        for link in _LINK.findall(html):
            there, _fragment = urldefrag(urljoin(answer.url, unescape(link)))
            is_within = urlsplit(there).path.startswith(within) and _same_site(there, answer.url)
            if is_within and kind_of(there) not in known:
                known.add(kind_of(there))
                waiting.append(there)


def _same_site(one: str, other: str) -> bool:
    return urlsplit(one)[:2] == urlsplit(other)[:2]
