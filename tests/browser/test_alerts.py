"""A liaison sets who is told of troubles, and tries it out."""

import re

from playwright.sync_api import Page, expect

from tests.browser.checks import accessible, fits_phone, pictures
from tests.browser.portal import Portal

RECIPIENTS = "/admin/workplace/alertrecipient/"


def test_a_liaison_adds_a_recipient_and_a_test_states_what_is_missing(
    liaison: Page, portal: Portal
):
    liaison.goto(f"{RECIPIENTS}add/")
    accessible(liaison)
    fits_phone(liaison)
    liaison.get_by_label("Organization").select_option(index=1)
    liaison.get_by_label("Address").fill("équipe@clinique.example")
    liaison.get_by_label("Address").fill("team@clinic.example")
    liaison.get_by_label("It works again").uncheck()
    liaison.get_by_role("button", name="Save", exact=True).click()
    expect(liaison.locator(".messagelist")).to_contain_text("Press “Send a test” to try it.")
    accessible(liaison)
    pictures(liaison, "alert-recipient")
    liaison.get_by_role("button", name="Send a test").click()
    expect(liaison.locator(".messagelist")).to_contain_text("EMAIL_URL")


def test_the_secret_of_a_webhook_is_shown_once(administrator: Page):
    administrator.goto(f"{RECIPIENTS}add/")
    administrator.get_by_label("Organization").select_option(index=1)
    administrator.get_by_label("Webhook").check()
    administrator.get_by_label("Address").fill("https://hooks.example.org/dovetail")
    administrator.get_by_role("button", name="Save", exact=True).click()
    accessible(administrator)
    administrator.get_by_role("button", name="Make a new secret").click()
    expect(administrator.locator("dl.secret code")).to_have_text(re.compile("whsec_.+"))
    accessible(administrator)
    administrator.get_by_role("link", name="I have copied it").click()
    expect(administrator.locator("body")).not_to_contain_text("whsec_")


def test_what_was_reported_is_listed_and_read(support: Page):
    support.goto("/admin/workplace/alert/")
    accessible(support)
    fits_phone(support)
    support.locator("#result_list th a").first.click()
    expect(support.locator("#content")).to_contain_text("Whose turn:")
    accessible(support)
    pictures(support, "alert")
