"""The demo destination does what its options say."""

from pathlib import Path
from typing import Any

import pytest

from integrations.destinations.demo import transport as demo
from integrations.transport import (
    DeliveryError,
    Misconfigured,
    Rejected,
    TryAgain,
    Unconfirmed,
)
from tests.contract.ledger import InMemoryLedger
from tests.contract.parcels import DOCUMENTS, parcel

RECORD = {"name": "Mireille Tremblay-Okafor"}


@pytest.fixture(autouse=True)
def _nothing_delivered() -> None:
    demo.delivered.clear()
    demo.misbehaved.clear()


def destination(**options: Any) -> demo.DemoTransport:
    form = demo.DemoOptions(options)
    assert form.is_valid(), form.errors.as_json()
    return demo.DemoTransport(form.cleaned_data)


def test_what_it_is_given_is_remembered() -> None:
    destination().deliver(parcel(RECORD))
    steps = [effect.step for effect in demo.delivered]
    assert steps == ["referral", "summary", "attachment:a1", "attachment:a2"]


@pytest.mark.parametrize(
    ("behaviour", "error", "taken"),
    [
        ("reject", Rejected, 0),
        ("try_again", TryAgain, 0),
        ("no_answer", TryAgain, 1),
        ("misconfigured", Misconfigured, 0),
        ("unconfirmed", Unconfirmed, 1),
        ("crash", RuntimeError, 0),
        ("crash_after", RuntimeError, 1),
    ],
)
def test_it_fails_as_asked(behaviour: str, error: type[Exception], taken: int) -> None:
    with pytest.raises(error) as caught:
        destination(behaviour=behaviour).deliver(parcel(RECORD))
    assert type(caught.value) is error
    assert len(demo.delivered) == taken


def test_it_may_fail_a_few_times_and_then_succeed() -> None:
    ledger = InMemoryLedger()
    grumpy = destination(behaviour="try_again", times=2)
    for _ in range(2):
        with pytest.raises(TryAgain):
            grumpy.deliver(parcel(RECORD, ledger))
    assert grumpy.deliver(parcel(RECORD, ledger)).external_id


def test_it_can_refuse_every_file() -> None:
    receipt = destination(behaviour="refuse_files").deliver(parcel(RECORD))
    assert list(receipt.refused) == [document.name for document in DOCUMENTS]
    assert len(demo.delivered) == 1


def test_it_can_be_a_destination_that_nobody_can_search() -> None:
    ledger = InMemoryLedger()
    silent = destination(behaviour="no_answer", look_up=False)
    with pytest.raises(TryAgain):
        silent.deliver(parcel(RECORD, ledger))
    with pytest.raises(Unconfirmed) as asked:
        silent.deliver(parcel(RECORD, ledger))
    assert asked.value.after is None
    assert len(demo.delivered) == 1


def test_another_process_finds_by_the_file_what_was_taken(tmp_path: Path) -> None:
    ledger = InMemoryLedger()
    options = {"effects_file": str(tmp_path / "effects.jsonl")}
    with pytest.raises(TryAgain):
        destination(behaviour="no_answer", **options).deliver(parcel(RECORD, ledger))
    demo.delivered.clear()  # as in another process
    destination(**options).deliver(parcel(RECORD, ledger))
    assert len((tmp_path / "effects.jsonl").read_text().splitlines()) == 1 + len(DOCUMENTS)


def test_its_file_holds_no_personal_data(tmp_path: Path) -> None:
    path = tmp_path / "effects.jsonl"
    destination(effects_file=str(path)).deliver(parcel(RECORD))
    assert "Tremblay" not in path.read_text()
    assert DOCUMENTS[0].sha256 in path.read_text()


def test_it_writes_into_no_other_sort_of_file() -> None:
    assert "effects_file" in demo.DemoOptions({"effects_file": "/etc/passwd"}).errors


def test_its_connection_test_can_fail() -> None:
    assert "delivers nothing" in destination().check()
    with pytest.raises(DeliveryError):
        destination(behaviour="misconfigured").check()


def test_what_another_destination_was_given_is_not_in_a_file_that_is_still_to_be_made(
    tmp_path: Path,
) -> None:
    for name in ("one.jsonl", "other.jsonl"):
        place = destination(effects_file=str(tmp_path / name), repeatable=True)
        place.deliver(parcel(RECORD))
        assert len((tmp_path / name).read_text().splitlines()) == 1 + len(DOCUMENTS)


@pytest.mark.parametrize(("seconds", "waited"), [(None, []), (0, []), (3, [1.5, 1.5])])
def test_it_takes_its_time_to_answer(
    seconds: float | None, waited: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    monkeypatch.setattr(demo.time, "sleep", slept.append)
    destination(seconds=seconds).deliver(parcel(RECORD, documents=()))
    assert slept == waited
