"""The test cases of a mapping: this input gives that output."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from core.compare import Difference
from core.text.spoken import spoken
from mapping.editing.wording import target_in_words
from mapping.engine import engine
from mapping.engine.checks import check_mapping
from mapping.engine.engine import Context, Rule
from mapping.engine.targets import TargetField, takes_any, target_fields
from mapping.engine.transforms import ValueTable, as_text
from mapping.models import Mapping as MappingRow
from mapping.models import MappingTest


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a test case went; without differences it passed. `record` is what came out."""

    test: MappingTest
    differences: tuple[Difference, ...]
    record: Mapping[str, Any]

    @property
    def passed(self) -> bool:
        return not self.differences


def run(
    tests: Iterable[MappingTest],
    rules: Sequence[Rule],
    value_tables: Mapping[str, ValueTable],
    targets: Sequence[TargetField],
) -> list[Outcome]:
    """Return how each test case goes with these rules, which have no faults."""
    return [_run(test, rules, value_tables, targets) for test in tests]


def expected_of(
    record: Mapping[str, Any], targets: Sequence[TargetField], *, with_note: bool
) -> dict[str, Any]:
    """Return what a new test case expects: the record, with or without the note."""
    notes = {target.key for target in targets if target.takes_rest}
    return {key: value for key, value in record.items() if with_note or key not in notes}


def _run(
    test: MappingTest,
    rules: Sequence[Rule],
    value_tables: Mapping[str, ValueTable],
    targets: Sequence[TargetField],
) -> Outcome:
    is_open = takes_any(test.mapping.destination_kind)
    context = Context(ZoneInfo(test.time_zone), value_tables, targets, is_open=is_open)
    with spoken(test.mapping.language):
        record = engine.apply(rules, test.document, context).record
    return Outcome(test, tuple(_differences(test.expected, record, targets)), record)


def _differences(
    expected: Mapping[str, Any], record: Mapping[str, Any], targets: Sequence[TargetField]
) -> Iterator[Difference]:
    """Yield what came out differently; the note counts where the test case holds it."""
    notes = {target.key for target in targets if target.takes_rest}
    for key in dict.fromkeys([*(target.key for target in targets), *expected]):
        if key in notes and key not in expected:
            continue
        was, now = expected.get(key), record.get(key)
        if was != now:
            texts = ("" if value is None else as_text(value) for value in (was, now))
            yield Difference(target_in_words(key, targets), *texts)


def renew(outcome: Outcome) -> None:
    """Let the test case expect from now on what came out this time."""
    test = outcome.test
    targets = target_fields(test.mapping.destination_kind)
    has_note = any(target.takes_rest and target.key in test.expected for target in targets)
    test.expected = expected_of(outcome.record, targets, with_note=has_note)
    test.save(update_fields=["expected"])


def run_saved(mapping: MappingRow, targets: Sequence[TargetField]) -> list[Outcome]:
    """Return how the test cases of a mapping go with it as it is saved; none when it is broken."""
    rules, tables = mapping.engine_rules(), mapping.engine_tables()
    if check_mapping(mapping.destination_kind, rules, tables):
        return []
    return run(mapping.tests.all(), rules, tables, targets)
