"""The pages beside the admin's, and those of a directory: accessible, on a phone, without errors.

What `test_every_page` does with the pages that the admin's URL resolver knows, this does with all
pages that links lead to: from the home page of a directory editor, from the public directory, from
the page to sign in, and from the inbox of the sandbox CRMS.
"""

from urllib.parse import urlsplit

import pytest
from django.urls import URLPattern, URLResolver, get_resolver, resolve
from playwright.sync_api import Page

from tests import seeded_directory
from tests.addresses import views
from tests.browser.conftest import SignIn
from tests.browser.crawling import crawled, kind_of
from tests.browser.looking import Looked
from tests.browser.portal import Portal
from tests.flow.crms import TOKEN, Crms
from tests.sandbox.sender import Sender
from tests.seeds import ROLES

pytestmark = pytest.mark.long


def faults(looked: Looked, page: Page, *starts: str, within: str) -> set[str]:
    """Look at all that links lead to; return the addresses. Fails with what is wrong."""
    found, seen = [], set()
    for address, html in crawled(page, *starts, within=within):
        seen.add(address)
        found += looked.seen(page, kind_of(address), address, html)
    assert not found, "\n".join(found)
    return seen


# -- A directory -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def directory(portal: Portal) -> Portal:
    """The planted portal with a directory that has something on each of its pages."""
    portal.plant_directory()
    return portal


def test_what_a_directory_editor_sees(sign_in: SignIn, directory: Portal, whole: bool):
    page = sign_in(seeded_directory.EDITOR)
    looked = Looked(every_page=whole)
    seen = faults(looked, page, "/admin/directory/", within="/admin/directory/")
    named = {resolve(urlsplit(address).path).url_name for address in seen}
    pages = {view.name for view in views() if view.name.startswith("directory_")}
    assert pages - named == {"directory_download"}  # a file


@pytest.mark.parametrize("language", ["fr", pytest.param("en", marks=pytest.mark.whole)])
def test_what_the_public_sees(sign_in: SignIn, directory: Portal, language: str):
    page = sign_in(locale=f"{language}-CA")
    starts = (
        "/directory/?need=food&where=sudbury",
        "/directory/",
        directory.verification_form,
    )
    seen = faults(Looked(every_page=True), page, *starts, within="/directory/")
    kinds = {kind_of(urlsplit(address)._replace(query="").geturl()) for address in seen}
    assert {"/directory/services/*", "/directory/services/*/correct"} <= kinds
    assert any("print" in address for address in seen)
    assert not page.context.cookies()


# -- Accounts --------------------------------------------------------------------------------------


def paths(resolver: URLResolver | None = None, before: str = "/") -> list[str]:
    """Return the paths below /account/ that take no parameter."""
    found = []
    for one in (resolver or get_resolver()).url_patterns:
        path = before + str(one.pattern)
        if isinstance(one, URLResolver) and path.startswith("/account/"):
            found += paths(one, path)
        elif isinstance(one, URLPattern) and path.startswith("/account/") and "<" not in path:
            found.append(path)
    return found


@pytest.mark.parametrize("role", ["", *ROLES[:1]])
def test_pages_of_an_account(sign_in: SignIn, portal: Portal, role: str):
    page = sign_in(role)
    looked = Looked(every_page=True)
    skipped = ("/provider/", "/logout/") if role else ("/provider/",)
    starts = [path for path in paths() if not any(one in path for one in skipped)]
    assert len(starts) > 10
    kinds = {}
    for start in starts:
        answer = page.request.get(start)
        assert answer.status < 500, start
        if answer.ok and "text/html" in answer.headers.get("content-type", ""):
            kinds.setdefault(kind_of(answer.url), (answer.url, answer.text()))
    found = [
        fault for kind, (url, html) in kinds.items() for fault in looked.seen(page, kind, url, html)
    ]
    assert not found, "\n".join(found)


# -- The sandbox CRMS ------------------------------------------------------------------------------


def test_the_sandbox(sign_in: SignIn, crms: Crms):
    page, sender = sign_in(), Sender(crms.url, TOKEN)
    empty = faults(Looked(every_page=True), page, crms.url, within="/")
    assert empty
    sender.attach(sender.created(), b"%PDF-1.7 a summary")
    seen = faults(Looked(every_page=True), page, crms.url, within="/")
    assert "/referrals/*" in {kind_of(urlsplit(address).path) for address in seen}
