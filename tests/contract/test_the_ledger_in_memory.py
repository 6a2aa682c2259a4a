"""The suite's ledger keeps the promises that the transports rely on."""

import pytest

from integrations.transport import Rejected, TryAgain, Unconfirmed
from tests.contract.ledger import InMemoryLedger, Killed


def never() -> str:
    raise AssertionError("This was not to be done.")


def no_answer() -> str:
    raise TryAgain("No answer came.", maybe_done=True)


def refused() -> str:
    raise Rejected("It was refused.")


def test_what_is_done_is_remembered() -> None:
    ledger = InMemoryLedger()
    assert ledger.once("referral", lambda: "RF-1") == "RF-1"
    assert ledger.once("referral", never) == "RF-1"


def test_a_refused_step_is_simply_done_again() -> None:
    ledger = InMemoryLedger()
    with pytest.raises(Rejected):
        ledger.once("referral", refused, never)
    assert ledger.once("referral", lambda: "RF-1", never) == "RF-1"


def test_a_step_without_an_answer_is_looked_for_first() -> None:
    ledger = InMemoryLedger()
    with pytest.raises(TryAgain):
        ledger.once("referral", no_answer)
    assert ledger.once("referral", never, lambda: "RF-1") == "RF-1"


def test_a_step_is_looked_for_twice_before_it_is_done_again() -> None:
    ledger = InMemoryLedger(killed_at="referral: intended")
    with pytest.raises(Killed):
        ledger.once("referral", never)
    with pytest.raises(Unconfirmed) as first:
        ledger.once("referral", never, lambda: None)
    assert first.value.after is not None
    assert ledger.once("referral", lambda: "RF-2", lambda: None) == "RF-2"


def test_a_failed_search_states_nothing_about_the_step() -> None:
    ledger = InMemoryLedger()
    with pytest.raises(TryAgain):
        ledger.once("referral", no_answer)
    with pytest.raises(Rejected):
        ledger.once("referral", never, refused)
    assert ledger.once("referral", never, lambda: "RF-1") == "RF-1"


def test_a_step_that_cannot_be_searched_is_a_persons_turn() -> None:
    ledger = InMemoryLedger()
    with pytest.raises(TryAgain):
        ledger.once("referral", no_answer)
    with pytest.raises(Unconfirmed) as asked:
        ledger.once("referral", never)
    assert asked.value.after is None


def test_a_forgotten_step_is_looked_for_before_it_is_done_again() -> None:
    ledger = InMemoryLedger()
    ledger.once("referral", lambda: "RF-1")
    ledger.forget("referral")
    with pytest.raises(Unconfirmed):
        ledger.once("referral", never, lambda: None)
    assert ledger.once("referral", lambda: "RF-2", lambda: None) == "RF-2"


def test_after_a_persons_no_the_step_and_all_after_it_are_done_again() -> None:
    ledger = InMemoryLedger()
    for step in ("referral", "summary"):
        ledger.once(step, lambda: "old")
    ledger.forget("referral")
    ledger.confirm_absent()
    assert [ledger.once(step, lambda: "new", never) for step in ("referral", "summary")] == [
        "new"
    ] * 2


def test_the_key_of_a_step_is_the_same_on_every_try() -> None:
    ledger = InMemoryLedger()
    assert ledger.key("referral") == ledger.key("referral") != ledger.key("summary")
