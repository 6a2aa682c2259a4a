"""Every page of the admin, as every role: accessible in light and dark, on a phone, without errors.

The pages are found by the admin's URL resolver (`tests.addresses`), so new ones are in here by
themselves. With `--whole`, every role opens every page in every language. Without, the
administrator does, who sees the most, and opens a page only when it shows several kinds of
elements that no page before it has shown: many look alike.
"""

import gzip
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urljoin

import pytest
from playwright.sync_api import Page, Request

from tests.addresses import views
from tests.browser import checks
from tests.browser.conftest import SignIn
from tests.browser.portal import Portal
from tests.dates import other_dates_in
from tests.forms import forms_in
from tests.keys import raw_keys_in
from tests.seeds import ROLES
from tests.services import ROOT

# They answer with a file, with text for a script, or sign the person out.
NO_PAGES = ("jsi18n", "autocomplete", "logout", "login", "view_on_site")
NAMES = [view.name for view in views() if view.name not in NO_PAGES]

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


ADMINISTRATOR = ROLES[-1]
LANGUAGES = ["en-CA"]  # that the portal speaks


@pytest.mark.long
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "role",
    [
        role if role == ADMINISTRATOR else pytest.param(role, marks=pytest.mark.whole)
        for role in ROLES
    ],
)
def test_every_page(sign_in: SignIn, portal: Portal, whole: bool, role: str, language: str):
    looked = Looked(every_page=whole)
    found = list(looked.over(sign_in(role, locale=language), portal))
    assert looked.names
    assert not found, "\n".join(found)


# -- What a page costs -----------------------------------------------------------------------------

QUERIES = 15
# Deleting asks each table that would lose rows; the history of all asks each table that has one.
MORE_QUERIES = ("_delete", "configuration_history")
BYTES, REQUESTS = 150_000, 20  # of a first visit
MAIN = (  # what people open daily, each with styles and scripts of its own
    "index",
    "referrals_delivery_changelist",
    "referrals_delivery_change",
    "referrals_referral_change",
    "integrations_destination_change",
    "connect_listing",
    "mapping_mapping_change",
    "onboarding",
    "workplace_alert_changelist",
)


@pytest.mark.long
@pytest.mark.programs
def test_every_page_takes_few_queries(planted: Path, tmp_path: Path, whole: bool):
    portal = shutil.copytree(planted, tmp_path / "portal")
    roles = ",".join(ROLES if whole else (ADMINISTRATOR,))
    command = [sys.executable, "tests/bench/visits.py", str(portal), "0", roles]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr[-2000:]
    costs = json.loads(ran.stdout.splitlines()[-1])
    assert len(costs) > 100
    many = {name for name, cost in costs.items() if cost["queries"] > QUERIES}
    assert {name for name in many if not name.endswith(MORE_QUERIES)} == set()


@pytest.mark.long
def test_a_first_visit_is_light(sign_in: SignIn, portal: Portal, whole: bool):
    heavy = {}
    for name in NAMES if whole else MAIN:
        requests, size = weighed(sign_in(ADMINISTRATOR), portal.addresses[name])
        if requests > REQUESTS or size > BYTES:
            heavy[name] = (requests, size)
    assert heavy == {}


def weighed(page: Page, address: str) -> tuple[int, int]:
    """Return how many requests a page takes a browser that comes first, and their bytes.

    Static files count compressed, as they are once they are collected. What stands in frames does
    not count: a PDF is what somebody came for.
    """
    requests: list[Request] = []
    page.on("requestfinished", lambda request: requests.append(request))
    page.goto(address, wait_until="networkidle")
    own = [request for request in requests if request.frame == page.main_frame]
    size = sum(map(_sent, own))
    page.context.close()
    return len(own), size


def _sent(request: Request) -> int:
    response = request.response()
    body = response.body() if response else b""
    return len(gzip.compress(body) if "/static/" in request.url else body)


class Looked:
    """What has been looked at."""

    def __init__(self, *, every_page: bool) -> None:
        self.every_page = every_page
        self.kinds: set[Kind] = set()
        self.sent: set[frozenset[str]] = set()  # forms, by what they require
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
        html = answer.text()
        language = re.search('<html lang="(..)', html)
        assert language
        yield from (
            f"{name}: a date in another style: {text}" for text in other_dates_in(html, language[1])
        )
        yield from (f"{name}: shows a key as it is: {key}" for key in raw_keys_in(html))
        yield from self._sent_empty(page, name, answer.url, html)
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
