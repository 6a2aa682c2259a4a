"""The screen of a referral: the answer, the story, what differs, and the summary beside it."""

import pytest
from playwright.sync_api import Page, expect

from tests import seeds
from tests.browser import checks
from tests.browser.portal import Portal
from tests.browser.test_why import tab_to


def open_referral(page: Page, portal: Portal, case: str) -> None:
    page.goto(portal.referral_page(case))
    expect(page.locator(".about")).to_contain_text(seeds.reference(case))


def open_part(page: Page, part: str) -> None:
    page.get_by_role("navigation", name="Parts of this page").get_by_role("link", name=part).click()


def test_the_answer_stands_on_top_and_quotes_the_destination(support: Page, portal: Portal):
    open_referral(support, portal, "rejected")
    first = support.locator("#content-main section").first
    expect(first).to_contain_text("Date of birth is in the future")
    expect(first).to_contain_text("It is the turn of Caredove staff")
    first.get_by_text("All checks").click()
    expect(first.get_by_text("Did the destination take it?")).to_be_visible()


def test_a_retry_that_would_be_refused_cannot_be_pressed_and_gives_the_reason(
    support: Page, portal: Portal
):
    open_referral(support, portal, "rejected")
    tab_to(support, "Retry")
    retry = support.get_by_role("button", name="Retry")
    expect(retry).to_be_disabled()
    expect(retry).to_have_accessible_description(
        "The destination refused the referral's data. Correct the referral in Caredove and save "
        "it; it will be sent again automatically. Retry won't help: the same data would be "
        "refused again."
    )
    before = support.url
    support.keyboard.press("Enter")
    support.keyboard.press("Space")
    assert support.url == before
    expect(support.locator(".messagelist")).to_have_count(0)


def test_whoever_finds_it_there_enters_its_id_by_keyboard_alone(support: Page, portal: Portal):
    open_referral(support, portal, "unconfirmed")
    tab_to(support, "It is there")
    support.keyboard.press("Enter")
    expect(support.get_by_label("Its id in the destination")).to_be_focused()
    support.keyboard.type("RF-4711")
    support.keyboard.press("Enter")
    expect(support.get_by_text("The import goes on.")).to_be_visible()
    expect(support.locator(".timeline")).to_contain_text("answered that it is there, as RF-4711")


def test_whoever_does_not_find_it_is_warned_before_it_goes_again(support: Page, portal: Portal):
    open_referral(support, portal, "unconfirmed_409")
    tab_to(support, "It is not there, send again")
    support.keyboard.press("Enter")
    expect(support.get_by_text("it will be there twice")).to_be_visible()
    support.keyboard.press("Tab")
    support.get_by_role("link", name="Back").click()
    expect(support.locator(".about")).to_contain_text(seeds.reference("unconfirmed_409"))


def test_what_differs_since_it_was_imported(support: Page, portal: Portal):
    open_referral(support, portal, "edited_since")
    open_part(support, "What differs")
    table = support.locator(".differences")
    expect(table).to_contain_text("12 Mill Rd")
    expect(table).to_contain_text("9 Harbour St")
    expect(support.get_by_text("takes no updates: enter there")).to_be_visible()
    expect(support.get_by_role("link", name="RF-")).to_have_attribute("target", "_blank")
    checks.pictures(support, "referral-edited-since", of="#part-differs")


def test_the_summary_stands_beside_it_where_there_is_room(support: Page, portal: Portal):
    support.set_viewport_size({"width": 1400, "height": 900})
    with support.expect_response("**/summary.pdf") as sent:
        open_referral(support, portal, "imported")
        expect(support.locator("iframe")).to_be_visible()
    assert sent.value.headers["content-type"] == "application/pdf"
    support.set_viewport_size({"width": 800, "height": 900})
    expect(support.locator("iframe")).to_be_hidden()
    with support.expect_download() as saved:
        support.get_by_role("link", name="Download the PDF").click()
    assert saved.value.suggested_filename == (f"referral-{seeds.reference('imported')}-summary.pdf")


def test_an_answer_of_the_destination_is_read_behind_a_link_and_on_record(
    support: Page, portal: Portal
):
    open_referral(support, portal, "rejected_page")
    open_part(support, "Story")
    support.get_by_role("link", name="Read the answer to attempt 1").click()
    expect(support.locator("pre.body")).to_contain_text("<h1>Error</h1>")
    expect(support.get_by_text("That you read it is on record.")).to_be_visible()
    read = portal.query("SELECT count(*) FROM core_auditevent WHERE action = 'read answer'")
    assert read == [(1,)]
    checks.accessible(support)


def test_the_story_states_which_trigger_matched_or_why_none(support: Page, portal: Portal):
    open_referral(support, portal, "no_trigger")
    story = support.locator(".timeline")
    expect(story).to_contain_text("No trigger matched. The event means")
    open_referral(support, portal, "imported")
    expect(story).to_contain_text("Trigger: Received")


@pytest.mark.parametrize(
    "case",
    [
        *("rejected", "long"),
        *(
            pytest.param(case, marks=pytest.mark.whole)
            for case in ("edited_since", "french", "revoked")
        ),
    ],
)
def test_the_page_is_for_everybody(support: Page, portal: Portal, case: str):
    open_referral(support, portal, case)
    for part in ("Summary", "Story", "Files", "What differs"):
        open_part(support, part)
        checks.accessible(support)
    checks.fits_phone(support)


def test_the_page_of_an_import_agrees(support: Page, portal: Portal):
    support.goto(portal.delivery_page("rejected"))
    expect(support.get_by_role("region", name="What to do")).to_contain_text("Retry won't help")
    checks.accessible(support)
    checks.fits_phone(support)


def test_a_foreign_referral_is_not_found(support: Page, portal: Portal):
    answer = support.goto(portal.referral_page("foreign_rejected"))
    assert answer is not None
    assert answer.status in (302, 404) or "/admin/" in support.url
    expect(support.locator("body")).not_to_contain_text("Zq-Merriweather")
