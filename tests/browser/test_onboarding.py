"""A new organization's path: credentials handed over, a test followed into the sandbox CRMS."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser import checks
from tests.browser.portal import Portal
from tests.flow.crms import Crms


@pytest.fixture(scope="module")
def working(portal: Portal, crms: Crms) -> Portal:
    """The portal with its dispatcher, sending to the sandbox."""
    portal.sends_to(crms.url)
    portal.start("dispatcher")
    return portal


def path_of(portal: Portal, organization: str) -> str:
    rows = portal.query(
        "SELECT id FROM integrations_organization WHERE caredove_id = ?", organization
    )
    return f"/admin/onboarding/{rows[0][0]}/"


def test_the_path_works_for_everybody(liaison: Page, administrator: Page, portal: Portal):
    for page in (liaison, administrator):
        for url in ("/admin/onboarding/", path_of(portal, "812"), path_of(portal, "831")):
            page.goto(url)
            checks.accessible(page)
            checks.fits_phone(page)
    checks.picture(administrator, "onboarding")


def test_credentials_are_shown_once_with_the_text_for_caredove(administrator: Page, portal: Portal):
    administrator.context.grant_permissions(["clipboard-read", "clipboard-write"])
    administrator.goto(path_of(portal, "840"))
    administrator.get_by_role("link", name="credentials").click()
    administrator.get_by_role("button", name="Make credentials").click()
    secret = administrator.locator("#secret").inner_text()
    checks.accessible(administrator)
    checks.fits_phone(administrator)

    administrator.get_by_role("button", name="Copy the text").click()

    expect(administrator.locator("#copied")).to_have_text("Copied.")
    copied = administrator.evaluate("() => navigator.clipboard.readText()")
    assert f"{portal.url}/api/v1/events" in copied
    assert secret not in copied
    administrator.goto(administrator.url)
    expect(administrator.locator("#secret")).to_have_count(0)


def test_a_test_event_is_followed_into_the_sandbox(liaison: Page, working: Portal, crms: Crms):
    liaison.goto(path_of(working, "812"))
    liaison.get_by_role("link", name="Send a test event").click()
    checks.accessible(liaison)
    checks.fits_phone(liaison)
    liaison.get_by_label("Adult Counselling - Milltown").check()
    liaison.get_by_role("button", name="Send a test event").click()

    there = liaison.get_by_role("link", name="Open it there")
    expect(there).to_be_visible()  # the page looks again by itself
    expect(liaison.locator(".chain .green")).to_have_count(6)
    checks.accessible(liaison)
    checks.pictures(liaison, "test-event-arrived")
    reference = re.search(r"TEST-\d{10}", liaison.locator(".lead").inner_text())
    assert reference
    assert crms.referral(reference[0])["body"]["client"]["last_name"] == "Nobody-Dovetail"
