"""What marks promise is held, and pytest's workers share the tests well."""

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import marks
from tests.marks import dealt


@dataclass
class Item:
    """As much of a test as is asked for."""

    nodeid: str
    fixturenames: Sequence[str] = ()
    given: set[str] = field(default_factory=set)

    @property
    def location(self) -> tuple[str]:
        return (self.nodeid.partition("::")[0],)

    def get_closest_marker(self, mark: str) -> bool:
        return mark in self.given

    def add_marker(self, mark: str) -> None:
        self.given.add(mark)


# -- Marks that follow from fixtures ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("fixture", "mark"),
    [
        ("db", "database"),
        ("transactional_db", "database"),
        ("live_server", "database"),
        ("browser", "browser"),
        ("portal_env", "programs"),
        ("laboratory", "programs"),
    ],
)
def test_a_fixture_gives_its_mark(fixture: str, mark: str):
    item = Item("test_x.py::test", ["request", fixture])
    marks.complete(item)
    assert item.given == {mark}


def test_a_test_without_such_fixtures_has_no_mark():
    item = Item("test_x.py::test", ["request", "tmp_path"])
    marks.complete(item)
    assert item.given == set()


# -- Starting programs -----------------------------------------------------------------------------

START = [sys.executable, "-c", "pass"]


def test_a_test_that_starts_a_program_without_the_mark_fails():
    with (
        marks.programs_are_marked(),
        marks.under_way(Item("test_x.py::test")),
        pytest.raises(pytest.fail.Exception, match="programs"),
    ):
        subprocess.run(START, check=True)


@pytest.mark.programs
@pytest.mark.parametrize("mark", ["programs", "browser", "scaled_out"])
def test_a_test_with_a_mark_may(mark: str):
    with marks.programs_are_marked(), marks.under_way(Item("test_x.py::test", given={mark})):
        subprocess.run(START, check=True)


# -- Who runs what ---------------------------------------------------------------------------------


def test_a_sample_of_the_matrix_has_some_cases_of_each_crash_test_and_every_other_test():
    names = [f"tests/crash/test_{file}.py::test[{number}]" for file in "ab" for number in range(7)]
    names += ["tests/crash/test_c.py::test", *(f"tests/x.py::test[{n}]" for n in range(7))]
    left_out = [name for name in names[:14] if name[-2] not in "05"]
    kept = [item.nodeid for item in marks.sampled(list(map(Item, names)))]
    assert kept == [name for name in names if name not in left_out]


def test_what_one_worker_alone_needs_stays_together():
    files = [Item(f"{file}.py::test", ["laboratory"]) for file in "abc"]
    light = [Item(f"light.py::{number}") for number in range(6)]
    order = dealt([files[0], *light, *files[1:]], 3, {"laboratory"})
    assert order[:3] == files


MARKS = st.sets(st.sampled_from(["long", "programs", "browser"]), max_size=2)
FIXTURES = st.lists(st.sampled_from(["browser", "planted", "everything", "tmp_path"]), max_size=2)
FILES = st.sampled_from(["a.py", "b.py", "c.py"])
ITEMS = st.lists(st.builds(Item, FILES, FIXTURES, MARKS), max_size=60)


@given(ITEMS, st.integers(1, 6))
def test_every_test_is_dealt_once(items: list[Item], workers: int):
    assert sorted(map(id, dealt(items, workers))) == sorted(map(id, items))


@given(ITEMS, st.integers(1, 6))
def test_tests_that_share_what_is_dear_stay_together(items: list[Item], workers: int):
    units = [marks._unit(item) for item in dealt(items, workers)]
    changes = [after for before, after in pairwise(["", *units]) if before != after]
    named = [unit for unit in changes if unit]
    assert len(named) == len(set(named))


def test_no_worker_begins_with_all_that_takes_long():
    long = [Item(f"long.py::{number}", given={"long"}) for number in range(4)]
    short = [Item(f"short.py::{number}") for number in range(36)]
    order = dealt([*long, *short], 4)
    assert [order.index(item) for item in long] == [0, 10, 20, 30]
