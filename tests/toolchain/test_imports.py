"""Pytest's workers compile each a share of the test modules."""

from pathlib import Path

from tests import imports
from tests.services import ROOT


def test_each_worker_imports_all_and_begins_elsewhere():
    files = [Path(f"test_{letter}.py") for letter in "abcdefg"]
    orders = [imports.rotated(files, number, 3) for number in range(3)]
    assert all(sorted(order) == files for order in orders)
    assert [order[0] for order in orders] == [files[0], files[2], files[4]]


def test_files_and_folders_of_arguments_are_found_once():
    own = Path(__file__)
    found = imports.files_in([f"{own.relative_to(ROOT)}::test", "tests/toolchain", "tests/none"])
    assert found[0] == own
    assert len(found) == len(set(found)) > 5
