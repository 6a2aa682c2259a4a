"""The tasks of docs/usability.md, each in as many clicks as it says."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests import seeds
from tests.browser.checks import clicks
from tests.browser.conftest import SignIn
from tests.browser.portal import Portal
from tests.flow.crms import Crms
from tests.services import ROOT

WRITTEN = (ROOT / "docs" / "usability.md").read_text("utf-8")
CLICKS = {
    task: int(count)
    for task, count in re.findall(r"^\| ([SLT]\d+) \|.*\| (\d+) \|$", WRITTEN, re.M)
}
LIMITS = {"S2": 2, "S4": 3, "L1": 10}
BIRCHWOOD = "Birchwood Community Mental Health"


@contextmanager
def task(page: Page, name: str) -> Iterator[None]:
    """Begin on the home page, and expect as many clicks as docs/usability.md says."""
    page.goto("/admin/")
    with clicks(page) as so_far:
        yield
    assert so_far.count == CLICKS[name]


def test_every_task_that_is_written_down_is_tried():
    tried = re.findall(r'with task\(.+, "(\w+)"\)', Path(__file__).read_text("utf-8"))
    assert sorted(tried) == sorted(CLICKS)
    assert len(tried) == 27


@pytest.mark.parametrize("name", LIMITS)
def test_what_matters_most_is_within_its_limit(name: str):
    assert CLICKS[name] <= LIMITS[name]


# -- What people do ------------------------------------------------------------------------------


def go_to(page: Page, place: str) -> None:
    page.get_by_role("navigation", name="Main").get_by_role("link", name=place).click()


def follow(page: Page, link: str) -> None:
    page.get_by_role("link", name=link, exact=True).first.click()


def press(page: Page, button: str) -> None:
    page.get_by_role("button", name=button, exact=True).click()


def ask_why(page: Page, case: str) -> None:
    page.get_by_label("Find anything").click()
    page.keyboard.type(seeds.reference(case))
    press(page, "Find")


def need(page: Page, cause: str) -> Locator:
    """What the home page says of a cause."""
    return page.locator(".needs tbody tr").filter(has_text=cause)


def message(page: Page) -> Locator:
    return page.locator(".messagelist")


# -- A new support worker --------------------------------------------------------------------------


def test_what_is_wrong_this_morning_and_whose_turn_it_is(support: Page):
    with task(support, "S1"):
        refused = need(support, "The destination refused the referral")
        expect(refused).to_contain_text("Caredove staff")
        expect(refused).to_contain_text("Birchwood CRMS")


def test_why_a_referral_is_not_there(support: Page):
    with task(support, "S2"):
        ask_why(support, "rejected")
        answer = support.locator(".conclusion")
        expect(answer).to_contain_text("Correct the referral in Caredove")


def test_what_the_destination_answered(support: Page):
    with task(support, "S3"):
        refused = need(support, "The destination refused the referral")
        refused.get_by_role("link", name="Birchwood CRMS").click()
        follow(support, seeds.reference("rejected"))
        to_do = support.get_by_role("region", name="What to do")
        expect(to_do).to_contain_text("“Date of birth is in the future; Phone is not a number”")


def test_one_failure_is_sent_again(support: Page):
    with task(support, "S4"):
        ask_why(support, "gave_up")
        press(support, "Retry")
        expect(message(support)).to_contain_text("1 import was sent again.")


def test_all_failures_of_one_cause_are_sent_again_and_watched(support: Page):
    with task(support, "S5"):
        given_up = need(support, "All automatic retries failed")
        given_up.get_by_role("button", name=re.compile(r"^Retry \d+$")).click()
        support.get_by_role("button", name=re.compile(r"^Send \d+ again$")).click()
        expect(support.get_by_role("progressbar").first).to_be_visible()


def test_an_error_is_cleared(support: Page):
    with task(support, "S6"):
        ask_why(support, "files_missing")
        press(support, "Clear errors")
        expect(support.get_by_label("Note (without names, please)")).to_be_focused()
        support.keyboard.type("Added by hand.")
        support.locator("#content input[type=submit]").click()
        expect(message(support)).to_contain_text("1 import was cleared.")


def test_a_referral_is_found_by_name(support: Page):
    first, last = seeds.PEOPLE[0]
    with task(support, "S7"):
        go_to(support, "Referrals")
        support.get_by_label("Search", exact=True).click()
        support.keyboard.type(f"{last} {first}".lower())
        support.keyboard.press("Enter")
        expect(support.get_by_text("Only those with the registrant’s name")).to_be_visible()
    expect(support.get_by_role("link", name=seeds.reference("imported"))).to_be_visible()


def test_a_referral_that_is_there_is_shown_as_there(support: Page):
    with task(support, "S8"):
        ask_why(support, "unconfirmed")
        press(support, "It is there")
        expect(support.get_by_label("Its id in the destination")).to_be_focused()
        support.keyboard.type("RF-4711")
        support.keyboard.press("Enter")
        expect(support.get_by_text("The import goes on.")).to_be_visible()


def test_the_summary_is_downloaded(support: Page):
    with task(support, "S9"):
        ask_why(support, "imported")
        follow(support, "Open the referral")
        with support.expect_download() as saved:
            follow(support, "Download the PDF")
    assert saved.value.suggested_filename == f"referral-{seeds.reference('imported')}-summary.pdf"


def test_what_differs_since_it_was_imported(support: Page):
    with task(support, "S10"):
        ask_why(support, "edited_since")
        follow(support, "Open the referral")
        follow(support, "See what differs")
        expect(support.get_by_role("heading", name="What differs since")).to_be_in_viewport()


# -- A team ----------------------------------------------------------------------------------------


def test_an_error_is_assigned_to_a_colleague(support: Page):
    with task(support, "T1"):
        ask_why(support, "rejected_400")
        press(support, "Assign")
        support.get_by_label("To whom?").select_option(label="Administrator")
        support.locator("#content input[type=submit]").click()
        expect(message(support)).to_contain_text("1 import was assigned to Administrator.")


def test_an_error_is_snoozed(support: Page):
    with task(support, "T2"):
        ask_why(support, "rejected_page")
        press(support, "Snooze")
        expect(support.get_by_label("Until which day?")).not_to_have_value("")
        support.locator("#content input[type=submit]").click()
        expect(message(support)).to_contain_text("1 import was snoozed until")


def test_a_view_of_the_work_list_is_saved(support: Page):
    with task(support, "T3"):
        go_to(support, "Work list")
        chip = support.get_by_role("list", name="By cause").get_by_role("link")
        chip.filter(has_text="The destination refused the referral").click()
        support.locator("summary").filter(has_text="Save view").click()
        expect(support.get_by_label("Name of the view")).to_be_focused()
        support.keyboard.type("Refused")
        support.keyboard.press("Enter")
        expect(message(support)).to_contain_text("The view is saved.")
        whose = support.get_by_role("navigation", name="Whose work")
        expect(whose.get_by_role("link", name="Refused")).to_have_attribute("aria-current", "page")


def test_the_work_list_is_exported(support: Page):
    with task(support, "T4"):
        go_to(support, "Work list")
        support.locator("summary").filter(has_text="Export").click()
        with support.expect_download() as saved:
            press(support, "Excel")
    assert saved.value.suggested_filename.endswith(".xlsx")


def test_a_note_is_left_on_a_referral(support: Page):
    with task(support, "T5"):
        ask_why(support, "quarantined")
        follow(support, "Write a note")
        expect(support.get_by_label("Note")).to_be_focused()
        support.keyboard.type("CRMS was called; a technician calls back on Monday.")
        press(support, "Keep the note")
        expect(support.locator(".timeline .note")).to_contain_text("a technician calls back")


def test_anything_is_found_by_its_name(support: Page):
    with task(support, "T6"):
        support.keyboard.press("/")
        expect(support.get_by_label("Find anything")).to_be_focused()
        support.keyboard.type("birchwood crms")
        support.keyboard.press("Enter")
        expect(support.get_by_role("heading", name="Birchwood CRMS", level=2)).to_be_visible()


def test_an_error_that_was_cleared_by_mistake_is_an_error_again(support: Page):
    with task(support, "T7"):
        ask_why(support, "bug")
        press(support, "Clear errors")
        support.locator("#content input[type=submit]").click()
        expect(message(support)).to_contain_text("1 import was cleared.")
        press(support, "Undo")
        expect(message(support)).to_contain_text("Undone for 1 import.")


# -- A new liaison ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def working(portal: Portal, crms: Crms) -> Portal:
    """The portal with its dispatcher, sending to the sandbox."""
    portal.sends_to(crms.url)
    portal.start("dispatcher")
    return portal


def test_a_listing_is_connected(liaison: Page):
    with task(liaison, "L1"):
        follow(liaison, "Meals and Rides - Milltown")
        liaison.get_by_label("Destination").select_option(label="Birchwood CRMS")
        liaison.get_by_label("Received", exact=True).check()
        liaison.get_by_label("Mapping").select_option(label="default · CRMS")
        press(liaison, "Connect")
        expect(message(liaison)).to_contain_text(
            "Meals and Rides - Milltown is connected to Birchwood CRMS."
        )


def open_listing(page: Page, name: str) -> None:
    go_to(page, "Listings")
    page.get_by_role("row").filter(has_text=name).locator(".field-goes_to a").first.click()


def test_what_a_listing_would_have_sent_last_month(liaison: Page):
    with task(liaison, "L2"):
        open_listing(liaison, "Adult Counselling - Milltown")
        press(liaison, "What would this have done last month?")
        expect(liaison.locator("#dry-run")).to_contain_text("It would be the same as now")


def test_other_listings_are_connected_alike(liaison: Page):
    with task(liaison, "L3"):
        open_listing(liaison, "Adult Counselling - Milltown")
        follow(liaison, "Connect others like this")
        liaison.get_by_label("Supportive Housing - Milltown").check()
        press(liaison, "See what would change")
        press(liaison, "Connect the ticked listings")
        expect(message(liaison)).to_contain_text("1 more listing is connected in the same way.")


def test_listings_are_imported_from_a_file(liaison: Page, tmp_path: Path):
    file = tmp_path / "listings.csv"
    file.write_text("id,name\n5501,Écoute téléphonique\n", "utf-8")
    with task(liaison, "L4"):
        go_to(liaison, "Listings")
        follow(liaison, "Import listings")
        liaison.get_by_label("Organization").select_option(label=BIRCHWOOD)
        press(liaison, "Continue")
        with liaison.expect_file_chooser() as chooser:
            liaison.locator("input[type=file]").click()
        chooser.value.set_files(file)
        press(liaison, "Read the file")
        press(liaison, "Import what is chosen")
        expect(message(liaison)).to_contain_text("1 added")


def test_a_mapping_of_ones_own_is_begun_changed_kept_so_and_put_back(sign_in: SignIn):
    with task(page := sign_in("liaison"), "L5"):
        go_to(page, "Mappings")
        follow(page, "Add mapping")
        page.get_by_label("Begin with a copy of").select_option(label="default · CRMS · Dovetail")
        page.get_by_label("Name").click()
        page.keyboard.type("Intake")
        page.get_by_label("Organization").select_option(label=BIRCHWOOD)
        press(page, "Add and open")
        expect(page.get_by_role("button", name="Save")).to_be_visible()

    with task(page := sign_in("liaison"), "L6"):
        open_mapping(page)
        city = page.locator("#rule-client-city")
        city.locator("summary").first.click()
        source = city.get_by_role("combobox", name="Source field for City").first
        source.click()
        source.fill("registrant street")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        value = page.locator('.mapping-preview [data-target="client.city"] .value')
        expect(value).to_have_text("118 Birch St, Unit 4")
        press(page, "Save")
        expect(message(page)).to_contain_text("Saved as version 2.")

    with task(page := sign_in("liaison"), "L7"):
        open_mapping(page)
        page.get_by_text("Keep as a test case").click()
        press(page, "Keep")
        expect(page.get_by_text("“Complete referral” is kept.")).to_be_visible()

    with task(page := sign_in("liaison"), "L8"):
        open_mapping(page)
        follow(page, "Versions")
        press(page, "Put version 1 back")
        expect(message(page)).to_contain_text("Version 1 was put back, as version 3.")


def open_mapping(page: Page) -> None:
    go_to(page, "Mappings")
    follow(page, "Intake")


def test_who_changed_a_trigger(liaison: Page):
    with task(liaison, "L9"):
        go_to(liaison, "Listings")
        follow(liaison, "Adult Counselling - Milltown")
        follow(liaison, "Configuration history")
    row = liaison.get_by_role("row").filter(has_text="Adult Counselling - Milltown to")
    expect(row.first).to_contain_text("Trigger config")


def test_a_test_event_is_followed_to_where_it_goes(liaison: Page, working: Portal):
    with task(liaison, "L10"):
        follow(liaison, "Set up an organization, step by step")
        follow(liaison, BIRCHWOOD)
        follow(liaison, "Send a test event")
        expect(liaison.get_by_label("Adult Counselling - Milltown")).to_be_checked()
        press(liaison, "Send a test event")
        expect(liaison.get_by_role("link", name="Open it there")).to_be_visible()
