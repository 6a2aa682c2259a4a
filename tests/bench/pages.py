"""Compares what each page of the planted portal costs with what it cost in an earlier version.

    git worktree add --detach /tmp/before 613ff02
    python -m tests.bench.pages /tmp/before

Both versions plant the portal with their own seeds, which plant the same, and are visited in turn,
so other work on the machine meets both. Of each page that both have, the CPU time of the quickest
visit counts. Ends with 1 when an aim is not met.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.bench.figures import Aim, at_most, machine, show
from tests.services import ROOT

VISITS = Path(__file__).with_name("visits.py")
RATIO, QUERIES = 1.3, 15
ROUNDS = 3  # visits of a page in one go
RENAMED = {"importjob": "delivery"}  # in the names of pages

Costs = dict[str, dict[str, Any]]


def planted(checkout: Path, directory: Path) -> Path:
    """Return a directory with the planted portal of a checkout; made if it is not there."""
    if not (directory / "addresses.json").exists():
        command = [sys.executable, "-m", "tests.seeds", str(directory)]
        subprocess.run(command, cwd=checkout, check=True)
    return directory


def visited(checkout: Path, directory: Path, roles: str) -> Costs:
    """Return what each page costs, measured in a process of its own."""
    command = [sys.executable, str(VISITS), str(directory), str(ROUNDS), roles]
    ran = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=True)
    found: Costs = json.loads(ran.stdout.splitlines()[-1])
    return {_present(name): cost for name, cost in found.items()}


def _present(name: str) -> str:
    for former, present in RENAMED.items():
        name = name.replace(former, present)
    return name


def least(runs: list[Costs]) -> Costs:
    """Return each page with its quickest visit of all runs."""
    return {
        name: {**cost, "ms": min(run[name]["ms"] for run in runs if name in run)}
        for name, cost in runs[0].items()
    }


def compared(before: Costs, now: Costs) -> Iterator[tuple[str, float, float, float]]:
    """Yield each page of both versions, with milliseconds before and now, the worst first."""
    both = [
        (name, before[name]["ms"], now[name]["ms"], now[name]["ms"] / before[name]["ms"])
        for name in now
        if name in before
    ]
    yield from sorted(both, key=lambda row: -row[3])


def aims(before: Costs, now: Costs) -> Iterator[Aim]:
    name, _, _, ratio = next(compared(before, now))
    yield at_most(f"CPU of a page, to before ({name})", RATIO, ratio)
    name, cost = max(now.items(), key=lambda item: item[1]["queries"])
    yield at_most(f"queries of a page ({name})", QUERIES, cost["queries"], "{:.0f}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("before", type=Path, help="a checkout of the earlier version")
    parser.add_argument("--roles", default="support,liaison,administrator")
    parser.add_argument("--turns", type=int, default=4, help="how often each version has a go")
    parser.add_argument("--kept", type=Path, help="where both portals stay, for later runs")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        kept = (asked.kept or Path(made)).resolve()
        places = {
            "before": (asked.before.resolve(), kept / "before"),
            "now": (ROOT, kept / "now"),
        }
        for checkout, directory in places.values():
            planted(checkout, directory)
        runs: dict[str, list[Costs]] = {which: [] for which in places}
        for _ in range(asked.turns):
            for which, (checkout, directory) in places.items():
                runs[which].append(visited(checkout, directory, asked.roles))
    before, now = least(runs["before"]), least(runs["now"])
    print(machine())
    rows = [(name, f"{b:.1f}", f"{n:.1f}", f"{r:.2f}") for name, b, n, r in compared(before, now)]
    show("CPU milliseconds of a page", ("page", "before", "now", "ratio"), rows)
    new = [(name, str(cost["queries"]), f"{cost['ms']:.1f}") for name, cost in now.items()]
    show("Every page now", ("page", "queries", "ms"), new)
    found = [*aims(before, now)]
    show("Aims", ("what", "aim", "measured", ""), [aim.row() for aim in found])
    return 0 if all(aim.met for aim in found) else 1


if __name__ == "__main__":
    sys.exit(main())
