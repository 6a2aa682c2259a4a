"""A liaison edits a mapping: sees what would be sent while doing so, and can always go back."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser import checks
from tests.browser.conftest import SignIn
from tests.browser.portal import Portal

CITY = "#rule-client-city"


@pytest.fixture
def editor(liaison: Page, request: pytest.FixtureRequest) -> Page:
    """The editor, open on the liaison's own fresh copy of the default mapping."""
    tests = [item for item in request.session.items if item.path == request.path]
    _copy(liaison, f"Intake {tests.index(request.node) + 1}")
    return liaison


def _copy(page: Page, name: str) -> None:
    page.goto("/admin/mapping/mapping/add/")
    start = page.get_by_label("Begin with a copy of")
    start.select_option(label="default · CRMS · Dovetail")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Organization").select_option(label="Birchwood Community Mental Health")
    page.get_by_role("button", name="Add and open").click()
    expect(page.get_by_role("button", name="Save")).to_be_visible()


def opened(page: Page, rule: str) -> Locator:
    """Open a rule and return it."""
    found = page.locator(rule)
    if found.locator("details[open]").count() == 0:
        found.locator("summary").first.click()
    return found


def value_of(page: Page, target: str) -> Locator:
    """What the preview says that a target gets."""
    return page.locator(f'.mapping-preview [data-target="{target}"] .value')


def read_city_from(page: Page, field: str) -> None:
    source = opened(page, CITY).get_by_role("combobox", name="Source field for City").first
    source.fill(field)
    source.press("ArrowDown")
    source.press("Enter")


def test_a_rule_is_edited_seen_in_the_preview_saved_and_put_back(editor: Page):
    expect(value_of(editor, "client.city")).to_have_text("Milltown")
    read_city_from(editor, "registrant street")
    expect(value_of(editor, "client.city")).to_have_text("118 Birch St, Unit 4")
    expect(editor.locator(f"{CITY} [data-words]")).to_have_text("Registrant – Street")

    editor.get_by_label("What changed, and why").fill("Their inbox shows the city first")
    editor.get_by_role("button", name="Save").click()
    expect(editor.get_by_text("Saved as version 2.")).to_be_visible()

    editor.get_by_role("link", name="Versions").click()
    expect(editor.get_by_text("Their inbox shows the city first")).to_be_visible()
    change = editor.get_by_role("row", name="Client – City")
    expect(change).to_contain_text("Registrant – Street")
    checks.accessible(editor)
    checks.fits_phone(editor)
    checks.pictures(editor, "mapping-versions")
    editor.get_by_role("button", name="Put version 1 back").click()
    expect(editor.get_by_text("Version 1 was put back, as version 3.")).to_be_visible()
    editor.go_back()
    editor.get_by_role("link", name=re.compile("^Intake")).click()
    expect(value_of(editor, "client.city")).to_have_text("Milltown")


def test_a_test_case_is_kept_in_two_clicks_and_stops_a_bad_save(editor: Page):
    expect(value_of(editor, "client.city")).to_be_visible()
    with checks.clicks(editor) as so_far:
        editor.get_by_text("Keep as a test case").click()
        editor.get_by_role("button", name="Keep", exact=True).click()
        expect(editor.get_by_text("“Complete referral” is kept.")).to_be_visible()
    assert so_far.count == 2

    read_city_from(editor, "registrant street")
    editor.get_by_role("button", name="Save").click()
    failure = editor.get_by_role("group", name="Complete referral")
    expect(failure).to_contain_text("118 Birch St, Unit 4")
    checks.accessible(editor)
    checks.picture(editor, "mapping-test-case-fails", of=".failures")

    editor.get_by_role("button", name="Save").click()
    expect(failure).to_be_visible()
    failure.get_by_label("Save anyway, although “Complete referral” fails").check()
    editor.get_by_role("button", name="Save").click()
    expect(editor.get_by_text("Saved as version 2.")).to_be_visible()
    editor.get_by_role("link", name="Test cases (1)").click()
    expect(editor.get_by_text("fails", exact=True)).to_be_visible()
    checks.accessible(editor)
    checks.fits_phone(editor)
    checks.picture(editor, "mapping-test-cases")


def test_rows_are_pasted_from_a_spreadsheet_and_seen_before_they_are_saved(editor: Page):
    table = editor.get_by_role("group", name="gender")
    table.get_by_text("Paste rows from a spreadsheet").click()
    pasted = table.get_by_label("Copy two columns there")
    pasted.fill("As sent\tIn CRMS\nfemale\tF\nnon-binary\tX\nno tab here")
    table.get_by_role("button", name="Read the rows").click()
    expect(table.get_by_text("1 new, 1 changed")).to_be_visible()
    expect(table.get_by_text("Line 4 was left out")).to_be_visible()
    expect(value_of(editor, "client.gender")).to_have_text("F")
    checks.accessible(editor)
    checks.picture(editor, "mapping-paste", of='[data-table="0"]')

    editor.get_by_role("button", name="Save").click()
    expect(editor.get_by_text("Saved as version 2.")).to_be_visible()
    row = table.get_by_role("row").filter(has=editor.locator('input[value="non-binary"]'))
    expect(row.get_by_label("As the destination wants it")).to_have_value("X")


def test_an_error_stands_at_its_rule_in_words(editor: Page):
    rule = opened(editor, CITY)
    rule.get_by_role("combobox", name="Source field for City").first.fill("Town hall")
    rule.get_by_role("combobox", name="Transform").first.select_option(label="Truncate")
    expect(rule.get_by_text("There is no source field “Town hall”.")).to_be_visible()
    rule.get_by_label("Characters").fill("400")
    editor.get_by_role("button", name="Save").click()
    expect(rule.locator(".errorlist")).to_contain_text("the field holds 100")
    editor.get_by_role("link", name="Client – City").click()
    expect(rule.get_by_role("combobox", name="Source field for City").first).to_be_in_viewport()
    checks.accessible(editor)


def test_what_is_lost_is_pointed_out_at_the_rule(editor: Page):
    editor.get_by_label("Try it with").select_option(label="Long names, in French")
    remark = "It is longer than 100 characters and was cut."
    expect(editor.locator("#rule-client-last_name").get_by_text(remark)).to_be_visible()
    editor.get_by_label("Only what needs a look").check()
    expect(editor.locator("#rule-client-last_name")).to_be_visible()
    expect(editor.locator(CITY)).to_be_hidden()
    editor.get_by_label("Only what needs a look").uncheck()
    editor.get_by_text("source fields that no rule reads").click()
    expect(editor.get_by_text("Registrant – Provincial health number")).to_be_visible()
    editor.evaluate(_UNSTUCK)
    checks.picture(editor, "mapping-editor")


# On a picture of the whole page, nothing stays in view over it.
_UNSTUCK = """() => {
  for (const bar of document.querySelectorAll(".try-bar, .save-bar, .columns > .mapping-preview")) {
    bar.style.position = "static";
    bar.style.maxHeight = "none";
  }
}"""


def test_a_liaison_tries_a_real_referral_and_sees_nobody(editor: Page, portal: Portal):
    editor.get_by_label("Try it with").select_option(label="The newest referral")
    expect(editor.get_by_text("Names, dates, contacts and texts are masked")).to_be_visible()
    expect(value_of(editor, "client.first_name")).to_have_text(re.compile("^[XxzZ -]+"))


def test_it_works_by_keyboard_alone(editor: Page):
    editor.locator(f"{CITY} summary").focus()
    editor.keyboard.press("Enter")
    editor.keyboard.press("Tab")
    editor.keyboard.press("ControlOrMeta+a")
    editor.keyboard.type("requester org")
    editor.keyboard.press("ArrowDown")
    editor.keyboard.press("Enter")
    expect(editor.locator(f"{CITY} [data-words]")).to_have_text("Requester – Organization")
    expect(value_of(editor, "client.city")).to_have_text("Milltown Family Health Team")
    editor.get_by_label("What changed, and why").focus()
    editor.keyboard.press("Tab")
    editor.keyboard.press("Enter")
    expect(editor.get_by_text("Saved as version 2.")).to_be_visible()


def test_transforms_are_put_in_order(editor: Page):
    rule = opened(editor, CITY)
    add = rule.get_by_role("combobox", name="Transform").last
    add.select_option(label="Truncate")
    rule.get_by_label("Characters").fill("4")
    rule.get_by_role("combobox", name="Transform").last.select_option(label="Province")
    expect(rule.locator("[data-words]")).to_have_text("Registrant – City → Truncate (4) → Province")
    rule.get_by_role("button", name="Earlier").nth(1).click()
    expect(rule.locator("[data-words]")).to_have_text("Registrant – City → Province → Truncate (4)")
    expect(value_of(editor, "client.city")).to_have_text("Mill")
    rule.get_by_role("button", name="Remove this transform").first.click()
    expect(rule.locator("[data-words]")).to_have_text("Registrant – City → Truncate (4)")


def test_it_works_without_javascript(sign_in: SignIn):
    page = sign_in("liaison", java_script_enabled=False)
    _copy(page, "Without JavaScript")
    rule = opened(page, CITY)
    rule.get_by_label("Source field").first.fill("Registrant – Street")
    with page.expect_popup() as preview:
        page.get_by_role("button", name="Preview").click()
    expect(preview.value.get_by_role("row", name="City")).to_contain_text("118 Birch St")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved as version 2.")).to_be_visible()


def test_the_screens_work_for_everybody(editor: Page):
    opened(editor, CITY)
    opened(editor, "#rule-client-gender")
    expect(value_of(editor, "client.city")).to_be_visible()
    checks.accessible(editor)
    checks.fits_phone(editor)
    for page in ("/admin/mapping/mapping/add/", "/admin/mapping/mapping/"):
        editor.goto(page)
        checks.accessible(editor)
        checks.fits_phone(editor)


def test_support_reads_it_and_sees_the_referral_as_it_is(support: Page, portal: Portal):
    [(shipped,)] = portal.query(
        "SELECT id FROM mapping_mapping WHERE shipped AND destination_kind = 'crms'"
    )
    support.goto(f"/admin/mapping/mapping/{shipped}/change/")
    expect(support.get_by_text("It is renewed with each release")).to_be_visible()
    expect(support.get_by_role("button", name="Save")).to_have_count(0)
    support.get_by_label("Try it with").select_option(label="The newest referral")
    expect(support.get_by_text(re.compile("^Referral \\d+"))).to_be_visible()
    checks.accessible(support)
