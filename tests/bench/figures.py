"""Clocks, memory, and how figures are passed on and printed."""

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests.services import ROOT

MILLISECONDS = 1000
NANOSECONDS = 10**9
MEGABYTE = 1024 * 1024
LIBRARIES = ("Django", "djangorestframework", "weasyprint", "requests", "psycopg", "cryptography")


def cpu_seconds(pid: int) -> float:
    """Return the CPU time that a process, with all its threads, has used so far.

    The kernel's per-process clock counts nanoseconds, where /proc counts hundredths of a second.
    """
    return time.clock_gettime((~pid << 3) | 2)  # CPUCLOCK_SCHED, see clock_getcpuclockid(3)


def children(pid: int) -> list[int]:
    """Return the processes that a process has started, by any of its threads, and that live."""
    of_threads = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for found in of_threads for child in found.read_text().split()]


def resident(pid: int | str = "self", field: str = "VmRSS") -> float:
    """Return the resident megabytes of a process; with `VmHWM`, the most it has had."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) / 1024
    raise LookupError(field)


def machine() -> str:
    """Return what the figures were measured on, without a name of it."""
    cores = len(os.sched_getaffinity(0))
    versions = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    return (
        f"{cores} cores ({_processor()}), Python {platform.python_version()}, "
        f"{platform.system()} {platform.machine()}\n{versions}"
    )


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, "processor unknown")


# -- Measurements in processes of their own --------------------------------------------------------


class Measurement:
    """A module of this package on its way, in a process of its own: `figures()` waits for it."""

    def __init__(self, module: str, env: dict[str, str], **numbers: Any) -> None:
        self.module = module
        self.process = subprocess.Popen(
            [sys.executable, "-m", f"tests.bench.{module}", json.dumps(numbers)],
            stdout=subprocess.PIPE,
            cwd=ROOT,
            env=env,
            text=True,
        )

    def figures(self) -> Any:
        """Return what the module measured; raises RuntimeError when it failed."""
        output, _ = self.process.communicate()
        if self.process.returncode:
            raise RuntimeError(f"The measurement of {self.module} failed.")
        return json.loads(output.splitlines()[-1])


def report(measure: Callable[..., Any]) -> None:
    """Run a module's measurement with the numbers of the command line, and print its figures."""
    print(json.dumps(measure(**json.loads(sys.argv[1]))))


# -- Aims and tables -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Aim:
    """Something that should hold, with what was measured."""

    what: str
    aim: str
    measured: str
    met: bool

    def row(self) -> tuple[str, ...]:
        return self.what, self.aim, self.measured, "met" if self.met else "NOT MET"


def at_most(what: str, limit: float, measured: float, form: str = "{:.2f}") -> Aim:
    """Return the aim that a figure is not above its limit."""
    return Aim(what, f"≤ {form.format(limit)}", form.format(measured), measured <= limit)


def at_least(what: str, limit: float, measured: float, form: str = "{:.2f}") -> Aim:
    """Return the aim that a figure is not below its limit."""
    return Aim(what, f"≥ {form.format(limit)}", form.format(measured), measured >= limit)


def show(title: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table: the first column to the left, the others to the right."""
    table = [tuple(head), *map(tuple, rows)]
    widths = [max(len(row[column]) for row in table) for column in range(len(head))]
    print(f"\n{title}\n")
    for number, row in enumerate(table):
        first, *others = (cell for cell in row)
        cells = [first.ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)]
        print("| " + " | ".join(cells) + " |")
        if number == 0:
            rest = "|".join("-" * (width + 1) + ":" for width in widths[1:])
            print(f"|{'-' * (widths[0] + 2)}|{rest}|")
    sys.stdout.flush()
