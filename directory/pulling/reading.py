"""Reads all of a foreign HSDS API into files, page by page, and says what was missed.

A foreign API may lack counts of pages, ignore `page`, repeat a page, fail on one, answer another
language than the one asked for, or lead elsewhere. Nothing of that is fatal by itself, but only
what was read whole may withdraw anything: `missed` says why it was not.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote, urljoin, urlsplit

from django.utils.translation import gettext as _

from core.outbound import Answer, OutboundError, send

PER_PAGE = 100
MOST_PAGES = 20_000
MOST_BYTES = 64 << 20  # of one answer
_SECONDS = 120.0  # for one answer
_REDIRECTS = (301, 302, 303, 307, 308)
_MOST_REDIRECTS = 3
_TRIES = 2  # for one page, at once: a later pull is the next try
# The lists, in an order in which what they refer to comes first. Only services are required.
LISTS = {
    "taxonomies": "taxonomies.json",
    "taxonomy_terms": "taxonomy_terms.json",
    "organizations": "organizations.json",
    "services": "services.json",
}
_REQUIRED = "services"

Json = Mapping[str, Any]


class Unpulled(Exception):
    """Nothing could be read. `message` is a sentence for people, without what came.

    `status` is that of the answer, 0 where there was none.
    """

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.status = status


@dataclass(slots=True)
class Read:
    """What was read in one language. `missed` has a sentence for each thing that was not."""

    language: str
    numbers: dict[str, int] = field(default_factory=dict)
    missed: list[str] = field(default_factory=list)


class OtherLanguage(Exception):
    """The API does not answer the language that was asked for."""


class _Status(Exception):
    """A page was answered with another status than 200."""

    def __init__(self, status: int) -> None:
        super().__init__()
        self.status = status


class Api:
    """One HSDS API. The token goes to its own host alone, also when that leads elsewhere."""

    def __init__(self, url: str, token: str = "", language: str = "") -> None:
        self._base = url.rstrip("/") + "/"
        self._token = token
        self._language = language  # asked for by `lang`; empty: whatever comes

    def read(self, folder: Path) -> Read:
        """Write all lists into files of a folder; raises Unpulled, or OtherLanguage."""
        read = Read(self._language)
        for name, file in LISTS.items():
            with (folder / file).open("w", encoding="utf-8") as into:
                try:
                    read.numbers[name] = self._list(name, into, read)
                except _Status as answer:
                    if name == _REQUIRED or answer.status not in (404, 405, 501):
                        raise Unpulled(_refused(name, answer.status), answer.status) from None
            if not read.numbers.get(name):
                (folder / file).unlink()
        return read

    # -- one list ---------------------------------------------------------------------------------

    def _list(self, name: str, into: IO[str], read: Read) -> int:
        seen: set[str] = set()
        pages: set[bytes] = set()
        full, total = True, None
        for number in range(1, MOST_PAGES + 1):
            page, full = self._page_or_none(name, number, full, read)
            if page is None:
                break
            items = _items(page)
            digest = blake2b(json.dumps(items, sort_keys=True).encode()).digest()
            if digest in pages and items:
                read.missed.append(_("A page of %(list)s arrived twice.") % {"list": name})
                break
            pages.add(digest)
            for item in items:
                if _id(item) not in seen:
                    seen.add(_id(item))
                    whole = item if full else self._whole(name, item, read)
                    into.write(json.dumps(whole, ensure_ascii=False) + "\n")
            total = _count(page, "total_items") if total is None else total
            if _is_last(page, number, items):
                break
        if total is not None and len(seen) < total:
            text = _("Only %(read)s of %(total)s entries of %(list)s arrived.")
            read.missed.append(text % {"read": len(seen), "total": total, "list": name})
        return len(seen)

    def _page_or_none(
        self, name: str, number: int, full: bool, read: Read
    ) -> tuple[Any | None, bool]:
        """Return a page, or None where there are no more, and whether its items are whole."""
        try:
            page = self._get(name, self._parameters(number, full))
        except _Status as answer:
            if number == 1 and full and answer.status == 400:
                return self._get(name, self._parameters(number, False)), False
            if number > 1 and answer.status == 404:
                return None, full  # past the end, where nothing said which page is the last
            if number == 1:
                raise
            text = _("Page %(page)s of %(list)s was answered with HTTP %(status)s.")
            values = {"page": number, "list": name, "status": answer.status}
            read.missed.append(text % values)
            return None, full
        except Unpulled as failed:
            if number == 1:
                raise
            read.missed.append(failed.message)
            return None, full
        if number == 1 and full and name == _REQUIRED and not _are_whole(_items(page)):
            return page, False
        return page, full

    def _parameters(self, number: int, full: bool) -> dict[str, str]:
        found = {"page": str(number), "per_page": str(PER_PAGE)}
        if self._language:
            found["lang"] = self._language
        return found | ({"full": "true"} if full else {})

    def _whole(self, name: str, item: Any, read: Read) -> Any:
        """Return an entry of a list as its own path answers it; as it stands in the list, else."""
        if name not in ("services", "organizations") or not isinstance(item, dict):
            return item
        language = {"lang": self._language} if self._language else {}
        try:
            found = self._get(f"{name}/{quote(_id(item), safe='')}", language)
        except (_Status, Unpulled):
            text = _("An entry of %(list)s could not be read in full.") % {"list": name}
            if text not in read.missed:
                read.missed.append(text)
            return item
        return found if isinstance(found, dict) else item

    # -- one request ------------------------------------------------------------------------------

    def _get(self, path: str, parameters: Mapping[str, str]) -> Any:
        for left in reversed(range(_TRIES)):
            try:
                answer = self._send(path, parameters)
            except OutboundError as error:
                if not left:
                    raise Unpulled(str(error)) from None
                continue
            if answer.status >= 500 and left:
                continue
            if answer.status != 200:
                raise _Status(answer.status)
            spoken = answer.headers.get("Content-Language", "")
            if self._language and spoken and not _speaks(spoken, self._language):
                raise OtherLanguage
            return _parsed(answer, path)
        raise AssertionError

    def _send(self, path: str, parameters: Mapping[str, str]) -> Answer:
        """Ask, and follow where it leads: each address is checked as the first one is."""
        url = urljoin(self._base, path)
        asked: Mapping[str, str] | None = parameters
        for _number in range(_MOST_REDIRECTS + 1):
            answer = send(
                "GET",
                url,
                headers=self._headers(url),
                params=asked,
                total_seconds=_SECONDS,
                max_bytes=MOST_BYTES,
            )
            if answer.status not in _REDIRECTS or not answer.headers.get("Location"):
                return answer
            url, asked = urljoin(url, answer.headers["Location"]), None
        return answer

    def _headers(self, url: str) -> dict[str, str]:
        headers = {"Accept": "application/json"}
        if self._language:
            headers["Accept-Language"] = self._language
        if self._token and _origin(url) == _origin(self._base):
            headers["Authorization"] = f"Bearer {self._token}"
        return headers


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.casefold()


def _speaks(spoken: str, language: str) -> bool:
    wanted = language.casefold().split("-")[0]
    return any(one.strip().casefold().split("-")[0] == wanted for one in spoken.split(","))


def _parsed(answer: Answer, path: str) -> Any:
    if answer.truncated:
        raise Unpulled(_("An answer of %(path)s is larger than 64 MB.") % {"path": path})
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError):
        raise Unpulled(_("An answer of %(path)s is not JSON.") % {"path": path}) from None


def _refused(name: str, status: int) -> str:
    text = _("The list %(list)s was answered with HTTP %(status)s.")
    return text % {"list": name, "status": status}


# -- pages ----------------------------------------------------------------------------------------


def _items(page: Any) -> list[Any]:
    """Return the entries of a page: of a bare list, or of what names them."""
    if isinstance(page, list):
        return page
    if isinstance(page, Mapping):
        for name in ("contents", "items", "results", "data"):
            if isinstance(page.get(name), list):
                return list(page[name])
    raise Unpulled(_("A page of the API has no list of entries."))


def _id(item: Any) -> str:
    return str(item.get("id", "")) if isinstance(item, Mapping) else json.dumps(item)


def _count(page: Any, name: str) -> int | None:
    value = page.get(name) if isinstance(page, Mapping) else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _is_last(page: Any, number: int, items: list[Any]) -> bool:
    if not items or isinstance(page, list):
        return True  # a bare list is all that there is
    pages = _count(page, "total_pages")
    return number >= pages if pages is not None else page.get("last_page") is True


def _are_whole(items: list[Any]) -> bool:
    """Return whether services have what nests in them, so that they need not be read one by one."""
    objects = [item for item in items if isinstance(item, Mapping)]
    return not objects or any(
        isinstance(value, list) for item in objects for value in item.values()
    )
