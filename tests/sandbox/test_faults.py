"""Which call fails, and how: the plan, without a server."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.rules.faults import AMBIGUOUS, MODES, STEPS, BadFault, Fault, FaultPlan


def names(plan, *calls):
    return [mode.name if (mode := plan.pick(*call)) else "" for call in calls]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("create:500", Fault("create", "500", times=1)),
        ("create:timeout-after:3", Fault("create", "timeout-after", times=3)),
        ("upload:415:always", Fault("upload", "415", times=None)),
        ("look-up:503:twice", Fault("look-up", "503", times=2)),
        ("any:reset:5%", Fault("any", "reset", times=None, rate=0.05)),
        ("any:reset:0.25", Fault("any", "reset", times=None, rate=0.25)),
    ],
)
def test_a_fault_is_read_from_a_word(text, fault):
    assert Fault.parse(text) == fault


@pytest.mark.parametrize(
    "text",
    [
        *("", "create", "create:nonsense", "nothing:500", "a:b:c:d"),
        *("create:500:0", "create:500:-1", "create:500:x", "create:500:nan"),
        *("create:500:1.5", "create:500:150%"),
    ],
)
def test_a_word_that_is_no_fault_gives_the_reason(text):
    with pytest.raises(BadFault, match=r"\w"):
        Fault.parse(text)


def test_a_referrals_address_can_ask_for_every_fault():
    for step, mode in product(STEPS, MODES):
        fault = Fault.from_email(f"fail-{step}-{mode}-twice@example.org")
        assert fault == Fault(step, mode, times=2)
        assert Fault.from_email(f"Fail-{mode}@example.org") == Fault("create", mode, times=1)


@pytest.mark.parametrize("address", ["", "mireille@example.org", "fail@example.org", "fail-x@y.z"])
def test_an_ordinary_address_asks_for_none(address):
    assert Fault.from_email(address) is None


def test_a_fault_is_spent_after_its_times():
    plan = FaultPlan([Fault("create", "500", times=2)])
    assert names(plan, *[["create"]] * 3) == ["500", "500", ""]
    assert plan.planned() == []


def test_a_fault_that_always_happens_is_never_spent():
    plan = FaultPlan([Fault("create", "500", times=None)])
    assert names(plan, *[["create"]] * 3) == ["500", "500", "500"]


def test_only_its_own_step_fails():
    plan = FaultPlan([Fault("upload", "500", times=None)])
    assert names(plan, *[[step] for step in STEPS["any"]]) == ["", "", "", "500", "500"]


def test_a_fault_may_be_intended_for_one_referral():
    plan = FaultPlan([Fault("create", "500", reference="2")])
    assert names(plan, ["create", "1"], ["create", "2"]) == ["", "500"]


def test_a_fault_may_wait_for_some_calls_to_pass():
    plan = FaultPlan([Fault("attachment", "500", skip=2)])
    assert names(plan, *[["attachment"]] * 4) == ["", "", "500", ""]


def test_faults_of_one_step_come_in_their_order():
    plan = FaultPlan([Fault("create", "500"), Fault("create", "429")])
    assert names(plan, *[["create"]] * 3) == ["500", "429", ""]


def test_each_referral_spends_its_own_faults():
    plan = FaultPlan()
    email = "fail-503-once@example.org"
    calls = [["create", "1", email], ["create", "2", email], ["create", "1", email]]
    assert names(plan, *calls) == ["503", "503", ""]


def test_clearing_leaves_nothing_planned():
    plan = FaultPlan([Fault("create", "500", times=None)])
    plan.clear()
    assert names(plan, ["create"]) == [""]


@pytest.mark.parametrize(("rate", "failing"), [(0, 0), (1, 50)])
def test_the_rate_is_a_share_of_all_calls(rate, failing):
    plan = FaultPlan(fail_rate=rate)
    drawn = names(plan, *[["create", str(number)] for number in range(50)])
    assert sum(name in AMBIGUOUS for name in drawn) == failing


@given(st.permutations([(step, str(number)) for step in STEPS["any"] for number in range(6)]))
def test_what_is_drawn_does_not_depend_on_the_order_of_calls(calls):
    drawn = dict(zip(calls, names(FaultPlan(fail_rate=0.5, seed=7), *calls), strict=True))
    again = FaultPlan(fail_rate=0.5, seed=7)
    assert {call: names(again, call)[0] for call in sorted(calls)} == drawn


def test_another_seed_draws_otherwise():
    calls = [("create", str(number)) for number in range(50)]
    plans = [FaultPlan(fail_rate=0.5, seed=seed) for seed in (1, 2)]
    assert names(plans[0], *calls) != names(plans[1], *calls)
