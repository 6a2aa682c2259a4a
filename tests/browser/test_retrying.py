"""Support sends again what failed, and clears errors, by the keyboard alone."""

import re

from playwright.sync_api import Page, expect

from tests.browser.checks import accessible, fits_phone, pictures
from tests.browser.portal import Portal

WORK_LIST = "/admin/referrals/delivery/"


def choose_all(page: Page, action: str) -> None:
    page.locator("#action-toggle").check()
    page.select_option("select[name=action]", action)
    page.get_by_role("button", name="Go", exact=True).click()


def press_until(page: Page, key: str, focused: str, limit: int = 120) -> None:
    """Press a key until what the selector names has the focus."""
    for _ in range(limit):
        page.keyboard.press(key)
        if page.evaluate("selector => document.activeElement.matches(selector)", focused):
            return
    raise AssertionError(f"{key} never leads to {focused}.")


def test_errors_are_cleared_by_keyboard_alone(support: Page, portal: Portal):
    support.goto(portal.delivery_page("unconfirmed"))
    press_until(support, "Tab", 'form[action$="/clear_errors/"] button')
    support.keyboard.press("Enter")
    expect(support.get_by_label("Note (without names, please)")).to_be_focused()
    accessible(support)
    fits_phone(support)
    support.keyboard.type("Looked: it is there.")
    press_until(support, "Tab", "input[type=submit]")
    support.keyboard.press("Enter")
    expect(support.locator(".messagelist")).to_contain_text("1 import was cleared.")
    expect(support.locator("#cleared-errors")).to_contain_text("Looked: it is there.")
    accessible(support)


def test_a_retry_is_asked_for_and_confirmed_by_keyboard_alone(support: Page):
    support.goto(f"{WORK_LIST}?reason=gave_up")
    press_until(support, "Tab", "#action-toggle")
    support.keyboard.press("Space")
    press_until(support, "Shift+Tab", "select[name=action]")
    support.keyboard.type("Ret")
    press_until(support, "Tab", "button[name=index]")
    support.keyboard.press("Enter")
    expect(support.get_by_role("heading", level=1)).to_contain_text("again?")
    press_until(support, "Tab", "#content input[type=submit]")
    support.keyboard.press("Enter")
    expect(support.get_by_role("progressbar").first).to_be_visible()


def test_many_are_counted_confirmed_watched_and_paused(support: Page, portal: Portal):
    support.goto(f"{WORK_LIST}?organization=1")
    choose_all(support, "retry")
    expect(support.locator("#content")).to_contain_text(
        re.compile(r"\d+ imports? can be sent again\. \d+ imports? cannot\.")
    )
    expect(support.locator("#content")).to_contain_text("Correct the referral in Caredove")
    accessible(support)
    fits_phone(support)
    pictures(support, "bulk-retry-asked")
    support.get_by_role("button", name=re.compile(r"^Send \d+ again")).click()
    expect(support.get_by_role("progressbar")).to_have_attribute("value", re.compile(r"\d+"))
    accessible(support)
    fits_phone(support)
    support.get_by_role("button", name="Pause").click()
    expect(support.locator("#content")).to_contain_text("Nothing is sent until somebody presses")
    support.get_by_role("button", name="Resume").click()
    portal.begin("dispatcher", BULK_RETRY_PAUSE_SECONDS="0.05")
    expect(support.get_by_role("heading", name="Done")).to_be_visible()
    expect(support.get_by_role("status")).to_contain_text("had their turn")
    pictures(support, "bulk-retry-done")
