"""The main paths of support and of a liaison in French: no English is left over, nothing is cut."""

from collections.abc import Iterator

import pytest

from tests.browser import checks
from tests.browser.conftest import SignIn
from tests.browser.portal import Portal
from tests.dates import other_dates_in
from tests.french import english_in

# Where each of them works, by the names of the addresses.
PATHS = {
    "support": (
        "index",
        "why",
        "referrals_delivery_changelist",
        "referrals_delivery_change",
        "referrals_referral_changelist",
        "referrals_referral_change",
        "referrals_referral_whereabouts",
        "referrals_bulkretry_changelist",
        "referrals_run_changelist",
        "integrations_destination_changelist",
        "workplace_alert_changelist",
    ),
    "liaison": (
        "index",
        "connect_listing",
        "integrations_servicelisting_changelist",
        "integrations_triggerconfig_changelist",
        "mapping_mapping_changelist",
        "mapping_mapping_change",
        "mapping_tests",
        "onboarding",
        "onboarding_test",
        "configuration_history",
        "workplace_alertrecipient_changelist",
    ),
}
# What the guide shows of these pages in French, beside the pictures of the English tests.
PICTURES = {
    ("support", "index"): "support-home",
    ("support", "referrals_delivery_changelist"): "work-list",
    ("liaison", "index"): "liaison-home",
    ("liaison", "connect_listing"): "connect-a-listing",
    ("liaison", "mapping_mapping_change"): "mapping-editor",
    ("liaison", "mapping_tests"): "mapping-test-cases",
    ("liaison", "onboarding"): "onboarding",
    ("liaison", "configuration_history"): "configuration-history",
}
# What destinations and an earlier version of Dovetail have said, as the planted portal has it.
QUOTED = (
    "CRMS gave no whole answer: the time was up.",
    "CRMS did not answer within 30 seconds, and cannot be searched.",
    "referrals.jsonl",
    "Mapping “default (crms)” does not work: “client.region” is not a target of CRMS.",
)


@pytest.mark.long
@pytest.mark.parametrize("role", PATHS)
def test_no_english_is_left_over_and_nothing_is_cut(sign_in: SignIn, portal: Portal, role: str):
    page = sign_in(role, locale="fr-CA")
    page.set_viewport_size(checks.PHONE)
    names = (*QUOTED, *_names(portal))
    wrong = []
    for name in PATHS[role]:
        page.goto(portal.addresses[name])
        wrong += [f"{name}: {text}" for text in english_in(page.content(), names=names)]
        wrong += [f"{name}: {text}" for text in other_dates_in(page.content(), "fr")]
        wrong += [f"{name}: wider than a phone"] if page.evaluate(WIDER) else []
        if (role, name) in PICTURES:
            page.wait_for_load_state("networkidle")
            checks.picture(page, PICTURES[role, name], language="fr")
            page.set_viewport_size(checks.PHONE)
    assert not wrong, "\n".join(wrong)


@pytest.mark.long
def test_home_fits_on_one_screen_although_french_is_longer(sign_in: SignIn) -> None:
    page = sign_in("support", locale="fr-CA")
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto("/admin/")
    assert page.evaluate("() => document.documentElement.scrollHeight") <= 900


WIDER = "() => document.documentElement.scrollWidth > window.innerWidth + 4"


def _names(portal: Portal) -> Iterator[str]:
    """Yield what is named by people, the longest first: a name may stand within another."""
    tables = ("organization", "servicelisting", "destination")
    found = {
        name
        for table in tables
        for (name,) in portal.query(f"SELECT name FROM integrations_{table}")
    }
    found |= {code for (code,) in portal.query("SELECT DISTINCT code FROM referrals_inboundevent")}
    yield from sorted(found, key=len, reverse=True)
