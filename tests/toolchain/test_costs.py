"""The quick tier leaves out what was measured to be slow."""

import pytest

from tests import costs, marks
from tests.toolchain.test_marks import Item


def test_a_test_is_slow_by_one_case_or_by_all():
    seconds = {
        "a.py::one": costs.MOST,
        "a.py::quick": costs.MOST / 2,
        **{f"a.py::many[{number}]": costs.ALL / 50 for number in range(50)},
        **{f"a.py::few[{number}]": costs.ALL / 50 for number in range(49)},
        "a.py::of_a_kind[slow]": costs.MOST * 1.5,
        "a.py::of_a_kind[quick]": 0,
    }
    assert costs.slowest(seconds) == ["a.py::many", "a.py::one"]


@pytest.mark.parametrize("case", ["", "[a::b]"])
def test_what_is_listed_is_marked_with_all_its_cases(case: str):
    listed = Item(f"{min(marks.SLOW)}{case}")
    other = Item(f"tests/x.py::test{case}")
    for item in (listed, other):
        marks.complete(item)
    assert (listed.given, other.given) == ({"slow"}, set())


def test_the_list_is_of_tests():
    assert all(test.startswith("tests/") and ".py::" in test for test in marks.SLOW)
    assert not any("[" in test for test in marks.SLOW)
