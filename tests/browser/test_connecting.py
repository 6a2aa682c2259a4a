"""A liaison connects a listing: warned in time, and knowing what it would do."""

import re

from playwright.sync_api import Page, expect

from tests.browser import checks
from tests.browser.portal import Portal


def screen(portal: Portal, listing: str) -> str:
    return f"/admin/connect/{_key(portal, listing)}/"


def _key(portal: Portal, listing: str) -> int:
    rows = portal.query("SELECT id FROM integrations_servicelisting WHERE caredove_id = ?", listing)
    return int(rows[0][0])


def test_the_screen_works_for_everybody(liaison: Page, portal: Portal):
    for page in ("/admin/connect/", screen(portal, "5301"), screen(portal, "4417")):
        liaison.goto(page)
        checks.accessible(liaison)
        checks.fits_phone(liaison)
    checks.picture(liaison, "connect-a-listing")


def test_early_and_late_moments_are_warned_of_as_they_are_ticked(liaison: Page, portal: Portal):
    liaison.goto(screen(portal, "4418"))
    warning = liaison.get_by_text("You have chosen an early and a late moment.")
    expect(warning).to_be_hidden()

    liaison.get_by_label("Received", exact=True).check()
    liaison.get_by_label("Closed - Completed", exact=True).check()
    expect(warning).to_be_visible()

    liaison.get_by_label("Received", exact=True).uncheck()
    expect(warning).to_be_hidden()


def test_what_it_would_have_done_is_shown_before_it_is_saved(liaison: Page, portal: Portal):
    liaison.goto(screen(portal, "4417"))
    for trigger in ("Received", "Edited Status - Ready"):
        liaison.get_by_label(trigger, exact=True).uncheck()
    liaison.get_by_label("Booked", exact=True).check()
    liaison.get_by_role("button", name="What would this have done last month?").click()

    section = liaison.locator("#dry-run")
    expect(section).to_contain_text("It would differ for")
    checks.picture(liaison, "what-it-would-have-done", of="#dry-run")
    liaison.get_by_text("The referrals").click()
    expect(section.get_by_role("cell", name="Would be imported").first).to_be_visible()
    checks.accessible(liaison)
    checks.fits_phone(liaison)
    liaison.goto(screen(portal, "4417"))
    expect(liaison.get_by_label("Received", exact=True)).to_be_checked()


def test_a_long_look_back_goes_on_by_itself(liaison: Page, portal: Portal):
    _multiply(portal, screen(portal, "5302"))
    liaison.goto(screen(portal, "5302"))
    liaison.get_by_role("button", name="What would this have done last month?").click()

    expect(liaison.locator("#dry-run")).to_contain_text("It would be the same as now")
    expect(liaison.get_by_role("button", name="Go on")).to_have_count(0)


# A copy cannot have the key of the first, nor what is bound to it.
UNKEYED = {"row_key": None}


def _multiply(portal: Portal, url: str) -> None:
    """Let there be three hundred referrals like one that there is, each with an event.

    One step of a look back takes 250.
    """
    listing = url.rstrip("/").rpartition("/")[2]
    (one,) = portal.query(
        "SELECT r.id, e.id FROM referrals_referral r JOIN referrals_inboundevent e "
        "ON e.referral_id = r.id WHERE r.listing_id = ? AND e.state = 'opened' LIMIT 1",
        listing,
    )
    for number in range(300):
        referral, event = f"{number:032x}", f"{number + 1000:032x}"
        _copy(portal, "referrals_referral", one[0], id=referral, snapshot=None, **UNKEYED)
        _copy(
            portal,
            "referrals_inboundevent",
            one[1],
            id=event,
            referral_id=referral,
            dedup_key=event,
            body=None,
            **UNKEYED,
        )


def _copy(portal: Portal, table: str, key: str, **changes: str | None) -> None:
    columns = [row[1] for row in portal.query(f"PRAGMA table_info({table})")]
    chosen = ", ".join("?" if column in changes else column for column in columns)
    values = [changes[column] for column in columns if column in changes]
    names = ", ".join(columns)
    portal.execute(
        f"INSERT INTO {table} ({names}) SELECT {chosen} FROM {table} WHERE id = ?", *values, key
    )


def test_others_are_connected_alike_and_nothing_is_overwritten_unasked(
    liaison: Page, portal: Portal
):
    liaison.goto(screen(portal, "4417"))
    liaison.get_by_role("link", name="Connect others like this").click()
    checks.accessible(liaison)
    liaison.get_by_label("Supportive Housing - Milltown").check()
    liaison.get_by_label("Youth Wellness Hub - Milltown").check()
    liaison.get_by_role("button", name="See what would change").click()

    expect(liaison.get_by_label("Supportive Housing - Milltown")).to_be_checked()
    expect(liaison.get_by_label("Youth Wellness Hub - Milltown")).not_to_be_checked()
    expect(
        liaison.get_by_text("Triggers: Booked → Received, Edited Status - Ready")
    ).to_be_visible()
    checks.accessible(liaison)
    checks.fits_phone(liaison)
    liaison.get_by_role("button", name="Connect the ticked listings").click()

    expect(liaison.get_by_text("1 more listing is connected in the same way.")).to_be_visible()


def test_it_all_goes_by_keyboard(liaison: Page, portal: Portal):
    liaison.goto(screen(portal, "4418"))
    liaison.get_by_label("Booked", exact=True).focus()
    liaison.keyboard.press("Tab")
    expect(liaison.get_by_label("Rescheduled/Unbooked")).to_be_focused()
    liaison.keyboard.press("Space")
    liaison.keyboard.press("Enter")

    expect(liaison.get_by_text(re.compile("The connection of .+ to .+ was saved"))).to_be_visible()
    expect(liaison.get_by_label("Rescheduled/Unbooked")).to_be_checked()
