"""What each test costs, and with it the list of those that the quick tier leaves out.

    .venv/bin/pytest -p tests.costs -n 2 -m "not (browser or programs or scaled_out or long)"

measures every test that the quick tier could run and writes `SLOW`: the tests that take MOST
seconds of CPU for a case, or ALL with all their cases. Measure on a machine that does nothing else.
"""

import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

SLOW = Path(__file__).with_name("slow.txt")
MOST, ALL = 0.08, 1.0
HEAD = "# Too slow for the quick tier: written by `pytest -p tests.costs` (tests/costs.py).\n"


def slow() -> frozenset[str]:
    """Return the tests that are too slow for the quick tier: ids without what stands in []."""
    lines = SLOW.read_text().splitlines()
    return frozenset(line for line in lines if not line.startswith("#"))


def slowest(seconds: Mapping[str, float]) -> list[str]:
    """Return which tests are too slow for the quick tier, given the CPU time of each case."""
    of_tests: dict[str, list[float]] = defaultdict(list)
    for case, taken in seconds.items():
        of_tests[case.partition("[")[0]].append(taken)
    return sorted(
        test
        for test, taken in of_tests.items()
        if sum(taken) >= ALL or sum(taken) / len(taken) >= MOST
    )


# -- As a plugin of pytest -------------------------------------------------------------------------

_seconds: dict[str, float] = {}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    begun = time.process_time()
    try:
        return (yield)
    finally:
        _seconds[item.nodeid] = time.process_time() - begun


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over what one of pytest's workers has measured."""
    _seconds.update(getattr(node, "workeroutput", {}).get("costs", {}))


def pytest_sessionfinish(session: pytest.Session) -> None:
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["costs"] = _seconds
    else:
        SLOW.write_text(HEAD + "".join(f"{test}\n" for test in slowest(_seconds)))
