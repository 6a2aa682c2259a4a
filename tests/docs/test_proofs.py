"""The table of proofs: all rows are there, and what they name is there too."""

from tests.chaos.rows import KILLING, commands, rows
from tests.services import ROOT


def test_each_row_names_tests_that_are_there():
    known = rows()
    assert list(known) == list(range(1, 25))
    for row in known.values():
        for test in row.tests:
            assert (ROOT / test).exists(), f"Row {row.number} of docs/proofs.md names {test}."


def test_a_row_runs_the_tests_that_it_names():
    first, other = rows()[1], rows()[13]
    assert KILLING in first.tests
    killing, tests = commands(first, ["crms"])
    assert killing[-2:] == ["--only", "crms"]
    assert tests[-1] == "tests/crash"
    ((*_, whole, name, _, _),) = commands(other, ["crms"])
    assert (whole, name) == ("--all", "tests/access/test_tenants.py")
