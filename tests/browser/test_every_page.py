"""Every page of the admin, as every role: accessible in light and dark, on a phone, without errors.

The pages are found by the admin's URL resolver (`tests.addresses`), so new ones are in here by
themselves. With `--whole`, every role opens every page in every language. Without, the
administrator does, who sees the most, and opens a page only when it shows several kinds of
elements that no page before it has shown: many look alike.
"""

import gzip
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Page, Request

from tests.addresses import views
from tests.browser.conftest import SignIn
from tests.browser.looking import Looked
from tests.browser.portal import Portal
from tests.seeds import ROLES
from tests.services import ROOT

# They answer with a file, with text for a script, or sign the person out.
NO_PAGES = ("jsi18n", "autocomplete", "logout", "login", "view_on_site")
NAMES = [view.name for view in views() if view.name not in NO_PAGES]

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
    looked, page = Looked(every_page=whole), sign_in(role, locale=language)
    found = [fault for name in NAMES for fault in looked.over(page, name, portal.addresses[name])]
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
