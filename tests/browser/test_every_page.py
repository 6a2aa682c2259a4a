"""Every page of the admin, as every role: accessible in light and dark, on a phone, without errors.

The pages are found by the admin's URL resolver (`tests.addresses`), so new ones are in here by
themselves. Django's own kinds of pages (lists, forms, histories) look alike for each model, and
a page looks much alike for each role: such a one is opened when it shows a kind of element that no
page before it has shown.
"""

from collections.abc import Iterator
from html.parser import HTMLParser

import pytest
from playwright.sync_api import Page

from tests.addresses import views
from tests.browser import checks
from tests.browser.conftest import SignIn
from tests.browser.portal import Portal
from tests.seeds import ROLES

# They answer with a file, with text for a script, or sign the person out.
NO_PAGES = ("jsi18n", "autocomplete", "logout", "login", "view_on_site")
DJANGOS = ("_changelist", "_add", "_change", "_delete", "_history")
NAMES = [view.name for view in views() if view.name not in NO_PAGES]

Kind = tuple[str, ...]


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


@pytest.mark.long
def test_every_page(sign_in: SignIn, portal: Portal):
    looked = Looked()
    found = [
        f"{role}: {fault}"
        for role in reversed(ROLES)  # the administrator sees the most
        for fault in looked.over(sign_in(role), portal)
    ]
    assert not found, "\n".join(found)


class Looked:
    """What has been looked at; who sees less afterwards sees little that is new."""

    def __init__(self) -> None:
        self.kinds: set[Kind] = set()
        self.names: set[str] = set()

    def over(self, page: Page, portal: Portal) -> Iterator[str]:
        """Look at every page as whoever this browser page is signed in as; yield what is wrong."""
        for name in NAMES:
            yield from self._at(page, name, portal.addresses[name])

    def _at(self, page: Page, name: str, address: str) -> Iterator[str]:
        answer = page.request.get(address)
        if answer.status >= 500:
            yield f"{name}: {address} is answered {answer.status}"
        if not answer.ok or "text/html" not in answer.headers["content-type"]:
            return
        kinds = Kinds(answer.text()).found
        if (name.endswith(DJANGOS) or name in self.names) and kinds <= self.kinds:
            return
        self.kinds |= kinds
        self.names.add(name)
        page.goto(address)
        for check in (checks.accessible, checks.fits_phone):
            try:
                check(page)
            except AssertionError as wrong:
                yield f"{name}: {wrong}"
