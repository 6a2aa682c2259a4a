"""Why is it not in CRMS: asked from anywhere, answered in two clicks, by keyboard alone."""

import pytest
from playwright.sync_api import Page, expect

from tests import seeds
from tests.browser import checks
from tests.browser.portal import Portal
from tests.flow.crms import Crms
from tests.world import plain

whole = pytest.mark.whole
ANYWHERE = [
    "/admin/",
    "/admin/referrals/delivery/",
    "/admin/referrals/referral/",
    "/admin/integrations/destination/",
]


def ask_by_keyboard(page: Page, reference: str) -> None:
    page.keyboard.press("/")
    expect(page.get_by_label("Find anything")).to_be_focused()
    page.keyboard.type(reference)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=reference)).to_be_visible()
    page.wait_for_load_state()


def tab_to(page: Page, name: str) -> None:
    """Press Tab until the button or link of this name has the focus."""
    wanted = page.locator("#content").get_by_role("button", name=name, exact=True)
    for _ in range(80):
        page.keyboard.press("Tab")
        if wanted.evaluate("element => element === document.activeElement"):
            return
    raise AssertionError(f"Tab never came to {name}")


def conclusion(page: Page) -> str:
    return page.get_by_role("region", name="What to do").inner_text()


@pytest.mark.parametrize(
    "where",
    [ANYWHERE[0], *(pytest.param(where, marks=whole) for where in ANYWHERE[1:])],
)
def test_why_takes_two_clicks_from_anywhere(support: Page, where: str):
    support.goto(where)
    with checks.clicks(support) as so_far:
        support.get_by_label("Find anything").click()
        support.keyboard.type(seeds.reference("rejected"))
        support.get_by_role("button", name="Find", exact=True).click()
        expect(support.get_by_text("It is the turn of")).to_be_visible()
    assert so_far.count <= 2


def test_a_failure_is_found_and_sent_again_by_keyboard_alone(support: Page, portal: Portal):
    support.goto("/admin/referrals/referral/")
    ask_by_keyboard(support, seeds.reference("gave_up"))
    assert "When the destination is working again, press Retry" in conclusion(support)

    tab_to(support, "Retry")
    support.keyboard.press("Enter")

    expect(support.get_by_text("1 import was sent again.")).to_be_visible()
    expect(support.get_by_role("heading", name=seeds.reference("gave_up"))).to_be_visible()


def test_the_link_to_the_connection_is_one_button(administrator: Page):
    administrator.goto("/admin/")
    ask_by_keyboard(administrator, seeds.reference("paused"))
    expect(administrator.get_by_role("button", name="Test connection")).to_be_visible()
    assert "It is the turn of an administrator." in conclusion(administrator)


def test_a_liaison_connects_what_is_not_connected(liaison: Page):
    liaison.goto("/admin/")
    ask_by_keyboard(liaison, seeds.reference("not_integrated"))
    liaison.get_by_role("link", name="Connect the listing").click()
    expect(liaison.get_by_role("heading", level=1)).to_contain_text("Connect")


def test_a_liaison_reads_no_words_of_the_destination(liaison: Page):
    liaison.goto("/admin/")
    ask_by_keyboard(liaison, seeds.reference("rejected"))
    assert "is withheld from your role" in conclusion(liaison)
    expect(liaison.locator("#content")).not_to_contain_text("Date of birth")


def test_an_answer_is_the_same_when_it_is_opened_again(support: Page):
    for reference in (seeds.reference("rejected"), "0000000000"):
        support.goto("/admin/")
        ask_by_keyboard(support, reference)
        sentence = support.locator("#content-main").inner_text()
        assert reference not in support.url
        support.reload()
        assert support.locator("#content-main").inner_text() == sentence


def test_a_foreign_reference_is_unknown(support: Page):
    support.goto("/admin/")
    ask_by_keyboard(support, seeds.reference("foreign_rejected"))
    foreign = support.locator("#content-main").inner_text()
    ask_by_keyboard(support, "zq-00")
    unknown = support.locator("#content-main").inner_text()
    assert foreign.replace(seeds.reference("foreign_rejected"), "zq-00") == unknown


@pytest.mark.parametrize(
    "case",
    [
        *("rejected", "long"),
        *(pytest.param(case, marks=whole) for case in ("imported", "no_trigger", "unconfirmed")),
    ],
)
def test_the_answer_is_for_everybody(support: Page, case: str):
    support.goto("/admin/why/")
    ask_by_keyboard(support, seeds.reference(case))
    checks.accessible(support)
    checks.fits_phone(support)


@pytest.mark.parametrize(
    ("mode", "sentence", "turn"),
    [
        ("400", "“Date of birth is required”", "Caredove staff"),
        pytest.param("says-failed", "“Virus found”", "support", marks=whole),
        pytest.param("503", "“The service is down for maintenance”", "", marks=whole),
        ("close", "gave no whole answer", ""),
    ],
)
def test_what_crms_really_answered_is_quoted(
    support: Page, portal: Portal, crms: Crms, mode: str, sentence: str, turn: str
):
    if not [program for program in portal.programs if program.name == "dispatcher"]:
        portal.sends_to(crms.url)
        portal.start("dispatcher")
    reference = f"55{abs(hash(mode)) % 10**8:08}"
    crms.fail("create", mode, times=None, reference=reference)
    portal.post(plain(number=1, reference=reference) | {"event_id": f"evt_{reference}"})
    portal.settled(reference, "needs_attention", "queued")
    support.goto("/admin/")
    ask_by_keyboard(support, reference)
    for _ in range(60):
        if sentence in support.locator("#content-main").inner_text():
            break
        support.wait_for_timeout(500)
        support.reload()
    expect(support.locator(".chain")).to_contain_text(sentence)
    whose = f"It is the turn of {turn}." if turn else "Nobody has to do anything."
    expect(support.locator(".conclusion")).to_contain_text(whose)


@whole
def test_pictures_for_the_guide(support: Page):
    support.goto("/admin/")
    ask_by_keyboard(support, seeds.reference("rejected"))
    checks.pictures(support, "why-rejected")
