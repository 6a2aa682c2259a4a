"""Caredove's own listing API, asked for the listings of one organization.

Documented by Caredove's WordPress plugin: the path, `organization_id`, HTTP Basic, and `results`
with `id`, `name`, `category`, `details`, `contact`, `eReferral`. Assumed: `limit` and `active`;
that more than fit in one answer come either by a link (`next`) or from `offset` on.
"""

from base64 import b64encode
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core import outbound
from core.text import lenient_json
from integrations.listings.offers import MAX_ROWS, Offer, Unreadable
from integrations.sources.kind import ListingApi

PAGE = 100
TOTAL_SECONDS = 20  # a person waits, and gunicorn ends a request after 30
MAX_BYTES = 8 * 1024 * 1024  # of one page: descriptions are long
COLUMNS = ("id", "name", "category", "active")
_PROBLEMS = {
    401: gettext_lazy("{host} does not accept the user name and password of the listing API."),
    403: gettext_lazy("{host} does not let us read the listings of this organization."),
    404: gettext_lazy("{host} has no listing API at this address."),
    429: gettext_lazy("{host} was asked too often. Try again in a few minutes."),
}


def ask(api: ListingApi, organization_id: str) -> Offer:
    """Return the organization's active listings; raises Unreadable, also when nobody answers."""
    try:
        with outbound.time_limit(TOTAL_SECONDS):
            pages = _Pages(api, organization_id)
            listed = list(pages)
    except outbound.OutboundError as error:
        raise Unreadable(error.message) from None
    rows = [_row(one) for one in listed]
    places = [f"listing {number}" for number in range(1, len(rows) + 1)]
    return Offer(COLUMNS, rows, places, complete=pages.complete, notes=tuple(pages.notes))


class _Pages:
    """The listings of all pages; afterwards `complete` says whether there were no more."""

    def __init__(self, api: ListingApi, organization_id: str) -> None:
        base = api.url.rstrip("/") + "/Service/"
        secret = f"{api.username}:{api.password}"
        self.headers = {
            "Authorization": "Basic " + b64encode(secret.encode()).decode(),
            "Accept": "application/json",
        }
        self.query = {"organization_id": organization_id, "limit": PAGE, "active": "true"}
        self.base = base
        self.complete = True
        self.notes: list[str] = []

    def __iter__(self) -> Iterator[dict[str, Any]]:
        seen: set[str] = set()
        url: str | None = f"{self.base}?{urlencode(self.query)}"
        while url:
            page = self._page(url)
            results = page.get("results")
            if not isinstance(results, list) or not all(isinstance(one, dict) for one in results):
                raise Unreadable(_("Caredove's answer has no list of results in it."))
            new = [one for one in results if str(one.get("id")) not in seen]
            seen |= {str(one.get("id")) for one in new}
            yield from new
            if results and not new:
                self._stop_short(len(seen))
                return
            url = self._next(page, len(results), len(seen))

    def _page(self, url: str) -> dict[str, Any]:
        answer = outbound.send("GET", url, headers=self.headers, max_bytes=MAX_BYTES)
        host = urlsplit(url).hostname
        if answer.status != 200:
            other = _("{host} answered {status} instead of its listings.")
            problem = str(_PROBLEMS.get(answer.status, other))
            raise Unreadable(problem.format(host=host, status=answer.status))
        if answer.truncated:
            problem = _("{host} sent more than {size} MB at once.")
            raise Unreadable(problem.format(host=host, size=MAX_BYTES // 1024**2))
        try:
            page = lenient_json.loads(answer.body.removeprefix(b"\xef\xbb\xbf"))
        except lenient_json.NotStrictJson:
            problem = _("{host} did not answer in JSON. Is the address right?")
            raise Unreadable(problem.format(host=host)) from None
        if not isinstance(page, dict):
            problem = _("{host} sent JSON, but no list of results.")
            raise Unreadable(problem.format(host=host))
        return page

    def _next(self, page: dict[str, Any], here: int, so_far: int) -> str | None:
        """Return where the next page is, if there is one."""
        if so_far > MAX_ROWS:
            problem = _("Caredove lists more than {most} listings: that cannot be right.")
            raise Unreadable(problem.format(most=MAX_ROWS))
        link = page.get("next")
        if isinstance(link, str) and link:
            return self._within(link)
        if here < PAGE:
            return None
        return f"{self.base}?{urlencode({**self.query, 'offset': so_far})}"

    def _stop_short(self, so_far: int) -> None:
        self.complete = False
        note = _(
            "Caredove gave the same page twice, so there may be more than these {count} listings."
        )
        self.notes.append(note.format(count=so_far))

    def _within(self, link: str) -> str:
        """Return the link; our password goes to no other host."""
        url = urljoin(self.base, link)
        if urlsplit(url)[:2] != urlsplit(self.base)[:2]:
            problem = _("Caredove's answer continues at another address, which is not called.")
            raise Unreadable(problem)
        return url


def _row(listed: dict[str, Any]) -> tuple[str, ...]:
    category = listed.get("category")
    if isinstance(category, dict):
        category = category.get("display") or category.get("name")
    return (_text(listed.get("id")), _text(listed.get("name")), _text(category), "yes")


def _text(value: object) -> str:
    """Return a text or number on one line; anything else is nothing."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return " ".join(str(value).split())
