"""The ground that browser tests stand on: people are who they are, and nothing goes unnoticed."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser import checks
from tests.browser.portal import Portal


@pytest.mark.parametrize("role", ["support", "liaison", "administrator"])
def test_everybody_is_signed_in_as_themselves(sign_in, role: str):
    page = sign_in(role)
    page.goto("/admin/")
    expect(page.locator("#user-tools")).to_contain_text(role, ignore_case=True)


def test_an_error_in_the_console_is_noticed(support: Page):
    support.goto("/admin/")
    support.evaluate("() => console.error('something broke')")
    checks.expect_trouble(support, "something broke")


def test_an_exception_is_noticed(support: Page):
    support.goto("/admin/")
    support.evaluate("() => { setTimeout(() => { throw new Error('thrown') }) }")
    support.wait_for_timeout(50)
    checks.expect_trouble(support, "thrown")


def test_clicks_are_counted_across_pages(support: Page, portal: Portal):
    support.goto("/admin/")
    with checks.clicks(support) as so_far:
        support.get_by_role("link", name="Work list").first.click()
        support.locator("#site-name a").click()
    assert so_far.count == 2


def test_a_case_has_its_page(support: Page, portal: Portal):
    support.goto(portal.delivery_page("rejected"))
    expect(support.locator("body")).to_contain_text("Date of birth is in the future")
