"""The keys of every page, menus, and errors of forms: by keyboard, and accessible while open."""

from playwright.sync_api import Page, expect

from tests.browser import checks

WORK_LIST = "/admin/referrals/delivery/"


def test_the_question_mark_lists_the_keys_and_two_letters_lead_to_a_place(support: Page):
    support.goto("/admin/")
    support.keyboard.press("?")
    keys = support.get_by_role("dialog", name="Keyboard shortcuts")
    expect(keys).to_contain_text("Work list")
    expect(keys.get_by_role("button", name="Close")).to_be_focused()
    checks.accessible(support)
    checks.fits_phone(support)
    support.keyboard.press("Escape")
    expect(keys).to_be_hidden()

    support.keyboard.press("g")
    support.keyboard.press("w")
    expect(support).to_have_title("Work list – Dovetail")


def test_what_is_typed_into_a_field_is_no_shortcut(support: Page):
    support.goto("/admin/")
    support.keyboard.press("/")
    support.keyboard.type("g?gw")
    expect(support.get_by_label("Find anything")).to_have_value("g?gw")
    expect(support.get_by_role("dialog")).to_have_count(0)


def test_whoever_turns_single_keys_off_keeps_the_one_with_control(support: Page):
    support.goto("/admin/settings/")
    support.get_by_label("Shortcuts with single keys").uncheck()
    support.get_by_role("button", name="Save").click()
    expect(support.locator(".messagelist")).to_contain_text("Your settings are saved.")
    support.keyboard.press("/")
    support.keyboard.press("?")
    expect(support.get_by_label("Find anything")).not_to_be_focused()
    expect(support.get_by_role("dialog")).to_have_count(0)
    support.keyboard.press("Control+k")
    expect(support.get_by_label("Find anything")).to_be_focused()


def test_menus_open_and_close_by_keyboard_and_are_accessible_while_open(support: Page):
    support.goto(WORK_LIST)
    for name in ("Columns", "Save view", "Export", "Support"):
        button = support.locator("summary").filter(has_text=name)
        button.focus()
        support.keyboard.press("Enter")
        menu = support.locator("details[open]")
        expect(menu).to_have_count(1)
        checks.accessible(support)
        support.keyboard.press("Tab")
        support.keyboard.press("Escape")
        expect(menu).to_have_count(0)
        expect(button).to_be_focused()
        outline = button.evaluate("element => getComputedStyle(element).outlineStyle")
        assert outline == "solid", name


def test_what_is_wrong_with_a_form_is_on_top_and_leads_to_the_field(support: Page):
    support.goto("/admin/referrals/referral/download/")
    support.get_by_label("Organization").select_option(index=1)
    support.get_by_label("Received from").fill("2026-03-02")
    support.get_by_label("Received until").fill("2026-03-01")
    support.get_by_role("button", name="Continue").click()
    summary = support.get_by_role("alert")
    expect(summary).to_be_focused()
    expect(summary).to_contain_text("This day is before the first one.")
    checks.accessible(support)
    summary.get_by_role("link", name="Received until").click()
    expect(support.get_by_label("Received until")).to_be_focused()
