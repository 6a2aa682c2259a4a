"""Home and the work list, as those see them who open them in the morning."""

import re

from playwright.sync_api import Page, expect

from tests import seeds
from tests.browser.checks import DESK, accessible, fits_phone, picture
from tests.browser.portal import Portal


def test_home_states_what_is_wrong_and_leads_there(support: Page) -> None:
    support.goto("/admin/")
    expect(support.get_by_role("heading", name="Needs attention")).to_be_visible()
    refused = support.get_by_role("row", name="The destination refused the referral")
    expect(refused).to_contain_text("Caredove staff")
    height = support.evaluate("() => document.querySelector('.two').getBoundingClientRect().top")
    assert height < 320  # the figures leave the screen to what needs attention
    support.set_viewport_size({"width": 1440, "height": 900})
    assert support.evaluate("() => document.documentElement.scrollHeight") <= 900
    support.set_viewport_size(DESK)
    accessible(support)
    fits_phone(support)
    picture(support, "support-home")

    link = refused.get_by_role("link").first
    count = int(refused.locator("td.num b").inner_text())
    link.click()

    expect(support.get_by_role("heading", name="Work list", exact=True)).to_be_visible()
    expect(support.locator("#result_list tbody tr")).to_have_count(count)


def test_the_day_and_the_connections_are_reported_in_words(support: Page) -> None:
    support.goto("/admin/")

    expect(
        support.get_by_role("img", name=re.compile("In the last 14 days: .* imported"))
    ).to_be_visible()
    connections = support.get_by_role("region", name="Connections", exact=True)
    expect(connections.get_by_role("listitem").filter(has_text="Housing CRMS")).to_be_visible()
    expect(connections.get_by_role("listitem").filter(has_text="Working").first).to_be_visible()
    support.get_by_text("As a table").click()
    table = support.get_by_role("region", name="The last 14 days as a table")
    expect(table).to_contain_text("Birchwood CRMS")
    accessible(support)


def test_a_liaisons_home_is_about_listings_and_nobodys_data(liaison: Page) -> None:
    liaison.goto("/admin/")

    expect(liaison.get_by_role("heading", name="Listings")).to_be_visible()
    expect(liaison.get_by_role("link", name="Connect a listing")).to_be_visible()
    expect(liaison.get_by_role("navigation", name="Main")).not_to_contain_text("Work list")
    accessible(liaison)
    picture(liaison, "liaison-home")


def test_the_work_list_is_filtered_by_keyboard(support: Page) -> None:
    support.goto("/admin/referrals/delivery/")
    accessible(support)
    fits_phone(support)
    picture(support, "work-list")

    support.get_by_text("More filters").press("Enter")
    support.get_by_label("HTTP code").select_option("4xx")
    support.get_by_label("HTTP code").press("Enter")
    support.get_by_role("button", name="Filter", exact=True).press("Enter")

    expect(support.locator("#result_list tbody tr").first).to_contain_text(re.compile("HTTP 4"))
    assert "code=4xx" in support.url
    assert "listing" not in support.url  # what is not chosen does not stand in the URL
    accessible(support)


def test_a_name_is_searched_for_and_never_in_an_address(support: Page, portal: Portal) -> None:
    first, last = seeds.PEOPLE[0]
    support.goto("/admin/referrals/delivery/")
    visited: list[str] = []
    support.on("framenavigated", lambda frame: visited.append(frame.url))

    box = support.get_by_role("textbox", name="Search")
    box.fill(f"{last.upper()} {first}")
    box.press("Enter")

    expect(support.get_by_text("Only those with the registrant’s name")).to_be_visible()
    found = support.locator("#result_list tbody tr")
    count = found.count()
    assert count
    support.reload()
    expect(found).to_have_count(count)
    support.go_back()
    support.go_forward()
    expect(found).to_have_count(count)
    printed = "".join(program.output() for program in portal.programs)
    for kept in (*visited, printed):
        assert last.casefold() not in kept.casefold()
        assert first.casefold() not in kept.casefold()


def test_the_one_box_is_a_key_away(support: Page) -> None:
    support.goto("/admin/referrals/delivery/")

    support.keyboard.press("Control+k")
    expect(support.get_by_label("Find anything")).to_be_focused()
    support.keyboard.press("Escape")
    support.locator("h1").click()
    support.keyboard.press("/")

    expect(support.get_by_label("Find anything")).to_be_focused()
    support.keyboard.type(seeds.reference("rejected"))
    support.keyboard.press("Enter")
    expect(support.locator("main")).to_contain_text(seeds.reference("rejected"))
    assert seeds.reference("rejected") not in support.url
