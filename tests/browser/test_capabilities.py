"""What a destination can do, on its page and on the home page."""

import json
import re

from playwright.sync_api import Page, expect

from tests.browser.checks import accessible, fits_phone
from tests.browser.portal import Portal

NAME = "Housing CRMS"
AT = "2026-11-29T12:00:00+00:00"
KEPT = {
    "search_finds": {"declared": {"yes": False, "by": None, "at": AT}},
    "recognizes_keys": {"declared": {"yes": True, "by": None, "at": AT}},
}


def test_an_administrator_confirms_what_was_stored_at_the_upgrade(
    administrator: Page, portal: Portal
) -> None:
    portal.execute(
        "UPDATE integrations_destination SET capabilities = ? WHERE name = ?",
        json.dumps(KEPT),
        NAME,
    )
    administrator.goto("/admin/")
    to_do = administrator.get_by_role("region", name="To confirm since the upgrade")
    expect(to_do).to_contain_text("whether its search finds what is there and whether it keeps")
    accessible(administrator)
    fits_phone(administrator)

    to_do.get_by_role("link", name=NAME).click()
    known = administrator.locator(".field-shown_capabilities")
    expect(known).to_contain_text("no, declared at upgrade on Nov 29, 2026, not tested.")
    expect(known).to_contain_text("Lists the files of a referral: not proved yet.")
    accessible(administrator)
    fits_phone(administrator)

    administrator.get_by_text("More options").click()
    for label in ("Referrals can be looked up", "A file sent twice"):
        field = administrator.get_by_label(re.compile(f"^{label}"))
        expect(field.locator("option:checked")).to_contain_text("nobody has confirmed it")
        field.select_option("No")
    administrator.get_by_role("button", name="Save and continue editing").click()

    expect(known).to_contain_text(re.compile("no, declared by .+ on .+, not tested."))
    administrator.goto("/admin/")
    expect(to_do).not_to_be_visible()
