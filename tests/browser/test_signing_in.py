"""Signing in with a real browser: by password, an authenticator app, a recovery code, a key."""

import time

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from playwright.sync_api import Page, expect

from tests.browser import checks
from tests.browser.conftest import SignIn
from tests.browser.portal import Portal
from tests.seeds import PASSWORD


def enter(page: Page, person: str) -> None:
    page.goto("/admin/")
    page.get_by_label("Username").fill(person)
    page.get_by_label("Password").fill(PASSWORD)
    with page.expect_navigation():
        page.get_by_role("button", name="Sign in").click()


def code(secret: str) -> str:
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30))


def test_a_password_opens_the_portal_and_log_out_closes_it(stranger: Page):
    stranger.goto("/admin/")
    checks.accessible(stranger)
    checks.fits_phone(stranger)
    enter(stranger, "support")
    expect(stranger).to_have_url("/admin/")
    stranger.get_by_role("button", name="Log out").click()
    expect(stranger.get_by_role("heading", name="Sign in")).to_be_visible()


def test_an_authenticator_app_is_set_up_and_asked_for(sign_in: SignIn, portal: Portal):
    page = sign_in()
    enter(page, "liaison")
    page.locator("#account summary").click()
    page.get_by_role("link", name="Second factor").click()
    checks.accessible(page)
    page.get_by_role("link", name="Set up an app").click()
    checks.accessible(page)
    checks.fits_phone(page)
    secret = page.locator("#totp-secret").inner_text()
    page.get_by_label("Authenticator code").fill(code(secret))
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    checks.accessible(page)
    recovery = page.locator("pre.codes").inner_text().split()[0]

    again = sign_in()
    enter(again, "liaison")
    expect(again.get_by_role("heading", name="Your second factor")).to_be_visible()
    checks.accessible(again)
    again.get_by_label("Code").fill(recovery)
    again.keyboard.press("Enter")
    expect(again).to_have_url("/admin/")
    portal.execute("DELETE FROM mfa_authenticator")


@pytest.fixture
def with_a_key(sign_in: SignIn, portal: Portal) -> Page:
    """A browser with a security key in it; keys need a host with a name."""
    page = sign_in(base_url=portal.url.replace("127.0.0.1", "localhost"))
    devices = page.context.new_cdp_session(page)
    devices.send("WebAuthn.enable")
    options = {"protocol": "ctap2", "transport": "usb", "isUserVerified": True}
    options |= {"hasUserVerification": True, "automaticPresenceSimulation": True}
    devices.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return page


def test_a_security_key_is_added_and_asked_for(with_a_key: Page, portal: Portal):
    page = with_a_key
    enter(page, "support")
    page.goto("/account/second-factor/webauthn/add/")
    checks.accessible(page)
    page.get_by_label("Name").fill("Blue key")
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    page.goto("/account/second-factor/webauthn/")
    expect(page.get_by_role("heading", name="Blue key")).to_be_visible()
    checks.accessible(page)
    page.goto("/admin/")
    page.get_by_role("button", name="Log out").click()
    enter(page, "support")
    page.get_by_role("button", name="Use a security key").click()
    expect(page).to_have_url("/admin/")
    portal.execute("DELETE FROM mfa_authenticator")


def test_the_page_of_the_api_works_under_the_policy(stranger: Page):
    stranger.goto("/api/v1/docs")
    expect(stranger.get_by_role("heading", name="Dovetail")).to_be_visible()
