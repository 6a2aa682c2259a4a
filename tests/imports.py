"""Test modules, imported by each of pytest's workers in another order.

All workers collect all tests, and begin together. What one of them has compiled, with pytest's
assertions, the next one need not: so each begins elsewhere, and compiles its share.
"""

import importlib
import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from tests.services import ROOT


def share(config: pytest.Config) -> None:
    """Import what will be collected, beginning with this worker's share; one alone need not."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "").removeprefix("gw")
    count = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", 1))
    if worker and count > 1:
        ignored = [ROOT / path for path in config.getoption("ignore") or []]
        files = [file for file in files_in(config.args) if not {file, *file.parents} & {*ignored}]
        for file in rotated(files, int(worker), count):
            with suppress(Exception, pytest.skip.Exception):  # which collecting it will show
                importlib.import_module(".".join(file.relative_to(ROOT).with_suffix("").parts))


def files_in(arguments: Iterable[str]) -> list[Path]:
    """Return the test files that pytest's arguments name, or that are in folders that they name."""
    found: dict[Path, None] = {}
    for argument in arguments:
        path = ROOT / argument.partition("::")[0]
        files = sorted(path.rglob("test_*.py")) if path.is_dir() else [path]
        found |= dict.fromkeys(file for file in files if file.is_relative_to(ROOT / "tests"))
    return list(found)


def rotated(files: Sequence[Path], number: int, count: int) -> list[Path]:
    """Return all files, beginning with one of so many shares of them."""
    at = len(files) * number // count
    return [*files[at:], *files[:at]]
