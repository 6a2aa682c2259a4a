"""All states of the small model of a delivery: none is wrong, and each rule is needed."""

import pytest

from tests.referrals.delivering.model import RULES, Model, Rules, search
from tests.services import ROOT

# By rule: how large a model has to be until it shows why the rule is needed.
NEEDED_IN = {
    "settling_needs_the_lease": {"versions": 2},
    "versions_wait_for_the_one_before": {"versions": 2},
    "taking_back_is_of_ones_own_intent": {"claims": 4},
    "counting_is_of_its_intent": {"claims": 5},
}
LARGE = pytest.mark.whole


@pytest.mark.parametrize(
    "size",
    [
        {"deaths": 2},
        {"versions": 2},
        pytest.param({"claims": 5, "deaths": 2}, marks=LARGE),
        pytest.param({"claims": 4, "versions": 2, "deaths": 2}, marks=LARGE),
    ],
    ids=str,
)
def test_no_order_of_steps_leads_to_a_wrong_state(size: dict[str, int]):
    found = search(Model(Rules(), **size))
    print(f"{found.states} states")
    assert not found.fault, "; ".join((found.fault, *found.story))
    assert found.states > 5_000


@pytest.mark.parametrize(
    "rule",
    [
        pytest.param(rule, marks=LARGE) if NEEDED_IN.get(rule, {}).get("claims", 0) > 4 else rule
        for rule in RULES
    ],
)
def test_without_a_rule_the_search_finds_how_it_goes_wrong(rule: str):
    found = search(Model(Rules().without(rule), **NEEDED_IN.get(rule, {})))
    print("; ".join((found.fault, *found.story)))
    assert found.fault


def test_each_rule_names_a_test_that_is_there():
    source = (ROOT / "tests/referrals/delivering/model.py").read_text(encoding="utf-8")
    for rule in RULES:
        line = next(one for one in source.splitlines() if one.startswith(f"    {rule}: bool"))
        _, _, test = line.partition("# ")
        assert (ROOT / test).exists(), f"{rule} names no test: {line}"
