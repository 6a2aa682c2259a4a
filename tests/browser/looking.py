"""Looking at many pages: each is read, and those that show something new are opened and tried."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from urllib.parse import urljoin

from playwright.sync_api import Page

from tests.browser import checks
from tests.dates import other_dates_in
from tests.forms import forms_in
from tests.keys import raw_keys_in

Kind = tuple[str, ...]
SEVERAL = 4  # kinds that are new


class Kinds(HTMLParser):
    """The kinds of elements on a page: tag, classes and type, without what names a model."""

    SPECIFIC = ("field-", "column-", "model-", "app-", "dynamic-", "form-row", "row", "action-")

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: set[Kind] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        classes = sorted((given.get("class") or "").split())
        shown = [name for name in classes if not name.startswith(self.SPECIFIC)]
        self.found.add((tag, given.get("type") or "", given.get("role") or "", *shown))


class Looked:
    """What has been looked at. Without `every_page`, only what shows several new kinds is."""

    def __init__(self, *, every_page: bool) -> None:
        self.every_page = every_page
        self.kinds: set[Kind] = set()
        self.sent: set[frozenset[str]] = set()  # forms, by what they require
        self.names: set[str] = set()

    def over(self, page: Page, name: str, address: str) -> Iterator[str]:
        """Look at a page of the portal as whoever is signed in; yield what is wrong with it."""
        answer = page.request.get(address)
        if answer.status >= 500:
            yield f"{name}: {address} is answered {answer.status}"
        if not answer.ok or "text/html" not in answer.headers["content-type"]:
            return
        yield from self.read(page, name, answer.url, answer.text())

    def read(self, page: Page, name: str, address: str, html: str) -> Iterator[str]:
        """Read the HTML of a page of the portal, and look at it."""
        language = re.search('<html lang="(..)', html)
        assert language
        yield from (
            f"{name}: a date in another style: {text}" for text in other_dates_in(html, language[1])
        )
        yield from (f"{name}: shows a key as it is: {key}" for key in raw_keys_in(html))
        yield from self._sent_empty(page, name, address, html)
        yield from self.seen(page, name, address, html)

    def seen(self, page: Page, name: str, address: str, html: str) -> Iterator[str]:
        """Open a page in the browser; yield what axe finds, and whether a phone has to scroll."""
        kinds = Kinds(html).found
        if not self.every_page and len(kinds - self.kinds) < SEVERAL:
            return
        self.kinds |= kinds
        self.names.add(name)
        page.goto(address)
        for check in (checks.accessible, checks.fits_phone):
            try:
                check(page)
            except AssertionError as wrong:
                yield f"{name}: {wrong}"

    def _sent_empty(self, page: Page, name: str, address: str, html: str) -> Iterator[str]:
        """Send each form without what it requires; yield where no summary leads to the fields."""
        for form in forms_in(html):
            # What a list does with its rows asks for the rows first, in a message.
            if (
                not form.required - {"action"}
                or form.role == "search"
                or form.required in self.sent
            ):
                continue
            self.sent.add(form.required)
            left = {key: text for key, text in form.values.items() if key not in form.required}
            url = urljoin(address, form.action)
            answer = page.request.post(url, form=left, headers={"Referer": url})
            said = answer.text()
            if re.search('<li class="(error|warning)"', said):
                continue  # a message on top says it
            targets = re.findall(r'<li><a href="#([^"]+)"', said.partition("error-summary")[2])
            if not targets:
                yield f"{name}: no summary of the errors in {sorted(form.required)}"
            yield from (
                f"{name}: the summary leads to #{target}, which is nowhere"
                for target in targets
                if f'id="{target}"' not in said
            )
