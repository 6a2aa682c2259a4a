"""What editors see of other systems: data partners, suppliers, duplicates, the quality board."""

import json
import os
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser import checks
from tests.browser.conftest import SignIn
from tests.browser.portal import Portal
from tests.browser.test_directory import LINES

SETTINGS = {
    "name": "Répertoire",
    "languages": ["en", "fr"],
    "public": "true",
    "sources": [{"name": "county", "rank": 1}, {"name": "region", "rank": 2}],
    "partners": [
        {
            "name": "Valley Helpline",
            "valid_until": "2020-12-31",
            "include": {"sources": ["county", "nobody"], "statuses": ["active"]},
            "exclude_fields": ["contact"],
            "notify": {
                "url": "https://receiver.example.org/notices",
                "secrets": ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
            },
        }
    ],
    "exports": [
        {
            "name": "nightly",
            "partner": "Valley Helpline",
            "format": "airs-3.0",
            "schedule": "0 3 * * *",
            "folder": "valley",
        }
    ],
}


@pytest.fixture(scope="module")
def directory(portal: Portal) -> Portal:
    """The planted portal with a directory that two suppliers fill with the same agency."""
    (portal.directory / "directory.yaml").write_text(json.dumps({"directory": SETTINGS}))
    portal.manage("apply_config", str(portal.directory / "directory.yaml"))
    for supplier in ("county", "region"):
        file = portal.directory / f"{supplier}.ndjson"
        file.write_text("\n".join(map(json.dumps, LINES)))
        portal.manage("import_directory", str(file), "--source", supplier)
    portal.execute(
        "INSERT INTO auth_user_groups (user_id, group_id) SELECT auth_user.id, auth_group.id "
        "FROM auth_user, auth_group WHERE username = 'administrator' AND name = 'Directory editor'"
    )
    return portal


def expect_good(page: Page, address: str, name: str) -> None:
    page.goto(address)
    checks.accessible(page)
    checks.fits_phone(page)
    if folder := os.environ.get("PICTURES"):  # to look at
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


@pytest.mark.long
@pytest.mark.parametrize("language", ["fr", pytest.param("en", marks=pytest.mark.whole)])
def test_what_editors_see_of_other_systems(sign_in: SignIn, directory: Portal, language: str):
    page = sign_in("administrator", locale=f"{language}-CA")
    for name in ("data-partners", "duplicates", "suppliers", "quality"):
        expect_good(page, f"/admin/directory/{name}/", f"{name}-{language}")
        page.goto(f"/admin/directory/{name}/")
        page.locator("#content-main th a").first.click()
        expect_good(page, page.url, f"{name}-one-{language}")
    ((partner,),) = directory.query("SELECT id FROM directory_datapartner")
    ((entry,),) = directory.query(
        "SELECT number FROM directory_entry WHERE kind = 'service' ORDER BY id LIMIT 1"
    )
    for part in ("agreement/", "letter/", f"sees/?entry={entry}"):
        address = f"/admin/directory/data-partners/{partner}/{part}"
        expect_good(page, address, f"{part.partition('/')[0]}-{language}")


def test_two_entries_are_merged_and_parted_by_keyboard(sign_in: SignIn, directory: Portal):
    page = sign_in("administrator")
    page.goto("/admin/directory/duplicates/")
    page.locator("#content-main th a").first.press("Enter")
    page.get_by_role("button", name="Merge", exact=False).first.press("Enter")
    page.goto("/admin/directory/duplicates/")
    page.get_by_role("button", name="Take back").first.press("Enter")
    expect(page.get_by_role("button", name="Take back")).to_have_count(0)
