"""What became of a message: everybody can look at it, and see first what needs a look."""

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from playwright.sync_api import Page, expect

from tests.browser import checks
from tests.browser.portal import Portal
from tests.flow.portal import FHIR, PLAIN, eventually
from tests.world import FIXTURES, plain

LONG = "W" * 3_000 + " " + "<b>Featherstonehaugh</b> " * 40


def content(name: str) -> Any:
    found = json.loads((FIXTURES / name).read_text())
    return found[0] if isinstance(found, list) else found


MESSAGES = {
    "full": (FHIR, content("examples/fhir-full-referral.json")),
    "unreadable": (
        FHIR,
        json.loads(
            json.dumps(content("cases/29-dob-odd-formats.json")).replace("1972-3-23", "03/04/1991")
        ),
    ),
    "clinical": (FHIR, content("cases/27-supporting-clinical.json")),
    "long": (
        PLAIN,
        plain(
            reference="3502768777",
            reason=LONG,
            priority={"a": 1},
            registrant={
                "first_name": "Mireille",
                "last_name": "Tremblay-Okafor",
                "date_of_birth": "03/04/1991",
                "x" * 200: LONG,
            },
        )
        | {"event_id": "evt_long"},
    ),
}


@pytest.fixture(scope="module")
def account_page(portal: Portal) -> Callable[[str], str]:
    """Return the address of the account of a message, which is sent and opened."""
    portal.start("dispatcher")

    def of(name: str) -> str:
        path, message = MESSAGES[name]
        answer = portal.post(json.dumps(message).encode(), path).json()
        event = UUID(answer["id"] if path == PLAIN else answer["issue"][0]["diagnostics"])
        state = "SELECT 1 FROM referrals_inboundevent WHERE id = ? AND state = 'opened'"
        eventually(lambda: portal.query(state, event.hex))
        return f"/admin/referrals/inboundevent/{event}/account/"

    return of


@pytest.mark.parametrize(
    "name",
    [
        *("unreadable", "clinical"),
        *(pytest.param(name, marks=pytest.mark.whole) for name in ("full", "long")),
    ],
)
def test_the_account_of_a_message_is_for_everybody(
    support: Page, account_page: Callable[[str], str], name: str
):
    support.goto(account_page(name))
    checks.accessible(support)
    checks.fits_phone(support)


def test_what_needs_a_look_comes_first_and_the_rest_is_a_key_away(
    support: Page, account_page: Callable[[str], str]
):
    support.goto(account_page("long"))
    headings = support.locator("summary h2").all_inner_texts()
    assert headings[0].startswith("Could not be read")
    expect(support.get_by_role("cell", name="03/04/1991")).to_be_visible()
    name = support.get_by_role("cell", name="Tremblay-Okafor")
    expect(name).to_be_hidden()

    support.get_by_role("link", name="Used").focus()
    support.keyboard.press("Enter")

    expect(name).to_be_visible()


def test_warnings_are_for_everybody(support: Page, account_page: Callable[[str], str]):
    support.goto(account_page("long"))
    support.get_by_role("link", name="3502768777").click()
    expect(
        support.get_by_role("heading", name="2 warnings about what Caredove sent")
    ).to_be_visible()
    checks.accessible(support)
    checks.fits_phone(support)
