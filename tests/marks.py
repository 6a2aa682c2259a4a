"""The marks of tests that follow from their fixtures, and what is held to them.

`pyproject.toml` says what each mark means, CONTRIBUTING which tier runs what.
"""

import subprocess
from collections import Counter
from collections.abc import Iterator, Sequence, Set
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import pytest

from tests import costs

OF_FIXTURES = {
    "browser": {"browser"},
    "database": {"db", "transactional_db", "live_server"},
    "programs": {"portal_env", "postgres_url", "redis_url", "laboratory", "crms", "broker"},
}
SLOW = costs.slow()
STARTS_PROGRAMS = ("programs", "browser", "scaled_out")
MATRIX = "tests/crash/"
ONE_OF = 5  # cases of a crash test is in a sample
RENDERER = (
    "referrals.summary.rendering.child"  # one warm one for each worker, which any summary needs
)


def complete(item: pytest.Item) -> None:
    """Give a test the marks that follow from its fixtures."""
    fixtures = _fixtures(item)
    for mark, given in OF_FIXTURES.items():
        if fixtures & given:
            item.add_marker(mark)
    if item.get_closest_marker("django_db"):
        item.add_marker("database")
    if item.nodeid.partition("[")[0] in SLOW:
        item.add_marker("slow")


def has(item: pytest.Item, *marks: str) -> bool:
    return any(item.get_closest_marker(mark) for mark in marks)


# -- Who runs what ---------------------------------------------------------------------------------


def sampled(items: Sequence[pytest.Item]) -> list[pytest.Item]:
    """Return the tests, but of each crash test one case in five, beginning with the first."""
    seen: Counter[str] = Counter()
    kept = []
    for item in items:
        test = item.nodeid.partition("[")[0]
        if not test.startswith(MATRIX) or seen[test] % ONE_OF == 0:
            kept.append(item)
        seen[test] += 1
    return kept


def dealt(
    items: Sequence[pytest.Item], workers: int, one_of_each: Set[str] = frozenset()
) -> list[pytest.Item]:
    """Return the tests in an order in which pytest's workers share them well.

    Each worker is given as many tests, one after the other, and steals from the end of another's
    when it has done its own. So what takes long, or shares what is dear, comes first in each hand
    and together; a long test begun last would run alone. Of the fixtures `one_of_each`, only one
    worker needs each.
    """
    units: dict[str, list[pytest.Item]] = {}
    for item in items:
        dear = min(one_of_each & _fixtures(item), default="")
        units.setdefault(dear or _unit(item), []).append(item)
    light = units.pop("", [])
    hands: list[list[pytest.Item]] = [[] for _ in range(workers)]
    seconds = [0.0] * workers
    for unit in sorted(units.values(), key=_seconds, reverse=True):
        least = seconds.index(min(seconds))
        seconds[least] += _seconds(unit)
        hands[least] += unit
    for number, hand in enumerate(hands):
        missing = (sum(map(len, hands[number:])) + len(light)) // (workers - number) - len(hand)
        hand += light[: max(missing, 0)]
        light = light[max(missing, 0) :]
    return [item for hand in hands for item in hand] + light


def _unit(item: pytest.Item) -> str:
    """Return what a test has to run together with; nothing for one that is soon done anywhere."""
    fixtures = _fixtures(item)
    if "everything" in fixtures:
        return "everything"
    if fixtures >= {"browser", "planted"}:
        return "browser"  # one Chromium, and one web program
    if fixtures & {"browser", "ended", "laboratory", "planted", "upgraded"}:
        return item.location[0]
    if "upgraded_portal" in fixtures:
        return item.nodeid.partition("[")[2]
    return item.nodeid if has(item, "long", *STARTS_PROGRAMS) else ""


def _seconds(unit: Sequence[pytest.Item]) -> float:
    """Return about how long tests take that run together."""
    least = 20 if any(has(item, "long") for item in unit) else 0
    return max(least, sum(2 if has(item, *STARTS_PROGRAMS) else 0.1 for item in unit))


def _fixtures(item: pytest.Item) -> set[str]:
    return set(getattr(item, "fixturenames", ()))


# -- What starts programs --------------------------------------------------------------------------


@contextmanager
def programs_are_marked() -> Iterator[None]:
    """Fail a test that starts a program without saying so: the quick tier could not leave it out.

    `under_way` is to be called for each test.
    """
    start = subprocess.Popen.__init__

    def checked(program: Any, args: Any, *more: Any, **options: Any) -> None:
        if _under_way and not has(_under_way[-1], *STARTS_PROGRAMS) and RENDERER not in args:
            pytest.fail(f"Mark this test with `programs`: it starts {args}.")
        start(program, args, *more, **options)

    with patch.object(subprocess.Popen, "__init__", checked):
        yield


_under_way: list[pytest.Item] = []


@contextmanager
def under_way(item: pytest.Item) -> Iterator[None]:
    _under_way.append(item)
    try:
        yield
    finally:
        _under_way.remove(item)
