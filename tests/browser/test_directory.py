"""The directory's public pages and those that edit it: axe, a phone, the keyboard, no scripts."""

import json

import pytest
from playwright.sync_api import Page, expect

from tests.browser import checks
from tests.browser.conftest import SignIn
from tests.browser.portal import Portal

CONFIG = """
directory: {name: Répertoire, languages: [en, fr], time_zone: America/Toronto, public: "true"}
"""
LINES = [
    {
        "id": "s1",
        "name": "Food bank",
        "description": "Groceries for three days.",
        "status": "active",
        "assured_date": "2026-11-02",
        "organization": {"id": "o1", "name": "Helping Hands", "description": "An agency."},
        "phones": [{"id": "p1", "number": "705-555-0142"}],
        "languages": [{"id": "g1", "code": "ar", "name": "Arabic"}],
        "schedules": [
            {
                "id": "h1",
                "freq": "WEEKLY",
                "byday": "MO,TU",
                "opens_at": "09:00",
                "closes_at": "16:00",
            }
        ],
        "service_at_locations": [
            {
                "id": "a1",
                "location": {
                    "id": "l1",
                    "location_type": "physical",
                    "name": "Main Street Hall",
                    "latitude": 46.49,
                    "longitude": -81.01,
                    "addresses": [
                        {
                            "id": "d1",
                            "address_1": "12 Main Street",
                            "city": "Sudbury",
                            "state_province": "ON",
                            "postal_code": "P3E 1A1",
                            "country": "CA",
                            "address_type": "physical",
                        }
                    ],
                },
            }
        ],
    }
]


@pytest.fixture(scope="module")
def directory(portal: Portal) -> Portal:
    """The planted portal with a small directory, which the administrator edits."""
    (portal.directory / "directory.yaml").write_text(CONFIG)
    (portal.directory / "services.ndjson").write_text("\n".join(map(json.dumps, LINES)))
    portal.manage("apply_config", str(portal.directory / "directory.yaml"))
    file = str(portal.directory / "services.ndjson")
    portal.manage("import_directory", file, "--source", "county")
    portal.execute(
        "INSERT INTO auth_user_groups (user_id, group_id) SELECT auth_user.id, auth_group.id "
        "FROM auth_user, auth_group WHERE username = 'administrator' AND name = 'Directory editor'"
    )
    return portal


def expect_good(page: Page, address: str) -> None:
    page.goto(address)
    checks.accessible(page)
    checks.fits_phone(page)


@pytest.mark.long
@pytest.mark.parametrize("language", ["fr", pytest.param("en", marks=pytest.mark.whole)])
def test_what_the_public_sees(sign_in: SignIn, directory: Portal, language: str):
    page = sign_in(locale=f"{language}-CA", java_script_enabled=True)
    expect_good(page, f"/directory/?lang={language}")
    expect_good(page, f"/directory/?lang={language}&need=food&where=sudbury")
    page.locator("h2 a").first.click()
    for more in ("", "&print=true"):
        expect_good(page, page.url.split("?")[0] + f"?lang={language}{more}")
    expect_good(page, page.url.split("?")[0] + f"/correct?lang={language}")
    assert not page.context.cookies()


def test_a_search_takes_a_keyboard_and_no_script(sign_in: SignIn, directory: Portal):
    page = sign_in(java_script_enabled=False)
    page.goto("/directory/?lang=en")
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_text("Skip to content")
    page.get_by_label("What do you need?").focus()
    page.keyboard.type("food")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Food bank", exact=True)).to_be_visible()
    assert "food" not in page.url
    page.get_by_role("button", name="In Arabic").focus()
    page.keyboard.press("Enter")
    chip = page.get_by_role("button", name="In Arabic")
    expect(chip).to_have_attribute("aria-pressed", "true")
    assert page.locator(".call").first.get_attribute("href") == "tel:+1-705-555-0142"


@pytest.mark.long
def test_what_editors_see(sign_in: SignIn, directory: Portal):
    page = sign_in("administrator")
    lists = ("", "agencies/", "locations/", "corrections/", "undecided/", "quality/")
    for name in lists:
        expect_good(page, f"/admin/directory/{name}")
    page.goto("/admin/directory/")
    page.get_by_role("link", name="Food bank", exact=True).click()
    service = page.url
    for part in ("", "preview/", "history/", "confidential/"):
        expect_good(page, service + part)
    page.goto(service)
    page.locator("#related-places a").first.click()
    expect_good(page, page.url)
    for folder in ("agencies", "locations"):
        page.goto(f"/admin/directory/{folder}/")
        page.locator("#content-main th a").first.click()
        expect_good(page, page.url)


def test_hours_are_edited_and_seen(sign_in: SignIn, directory: Portal):
    page = sign_in("administrator")
    page.goto("/admin/directory/")
    page.get_by_role("link", name="Food bank", exact=True).click()
    page.get_by_label("Wednesday").fill("9-12, 1-4:30")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_label("Wednesday")).to_have_value("09:00-12:00, 13:00-16:30")
    page.get_by_role("link", name="Preview").click()
    expect(page.locator(".record")).to_contain_text("4:30 p.m.")
