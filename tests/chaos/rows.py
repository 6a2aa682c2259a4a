"""The rows of `docs/proofs.md`: a promise each, and the tests that `make chaos ROW=n` runs."""

import re
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from tests.services import ROOT

DOCUMENT = ROOT / "docs" / "proofs.md"
KILLING = "tests/chaos"  # no tests, but the parts of `python -m tests.chaos`
_LINE = re.compile(r"^\| (\d+) \| (.*?) \|(.*?)\|.*\|$", re.MULTILINE)
_TEST = re.compile(r"`(tests/[^`]+)`")


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    number: int
    promise: str
    tests: tuple[str, ...]


def rows() -> dict[int, Row]:
    """Return the rows by number."""
    lines = _LINE.findall(DOCUMENT.read_text(encoding="utf-8"))
    found = [
        Row(int(number), promise, tuple(_TEST.findall(tests))) for number, promise, tests in lines
    ]
    return {row.number: row for row in found}


def run(chosen: Sequence[Row], parts: Sequence[str]) -> bool:
    """Run all cases of the rows, one after the other; print how each ended. `parts` are commands
    of the chaos run itself."""
    results = []
    for row in chosen:
        begun = time.monotonic()
        failed = any(
            subprocess.run(command, check=False).returncode for command in commands(row, parts)
        )
        ended = "failed" if failed else "passed" if row.tests else "has no test"
        results.append((row, ended, time.monotonic() - begun))
    print()
    for row, ended, seconds in results:
        print(f"Row {row.number:2}: {ended} ({seconds:.0f} s). {row.promise}")
    return all(ended != "failed" for _, ended, _ in results)


def commands(row: Row, parts: Sequence[str]) -> list[list[str]]:
    """Return what runs the tests of a row."""
    tests = [test for test in row.tests if test != KILLING]
    killing = [[sys.executable, "-m", "tests.chaos", "--only", part] for part in parts]
    found = killing if KILLING in row.tests else []
    return [*found, *([[sys.executable, "-m", "tests.run", "--all", *tests]] if tests else [])]
