"""The tiers of the tests: `python -m tests.run [--quick | --all] [pytest arguments]`.

CONTRIBUTING says what each tier proves. Without pytest arguments a tier runs as a whole, and fails
when one of its sessions has run nothing. With them, a part of it runs. Ends with one line of
counts for each session, the slowest tests, and 0 only when nothing failed.
"""

import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from xml.etree import ElementTree

from tests import delivery_path
from tests.compiled import compile_all
from tests.services import ROOT, postgres, redis

PASSED, NO_TESTS = 0, 5  # pytest's exit statuses
SLOWEST = 15
# They often wait for other programs; and each has a database of Redis to itself, which has 16.
AT_ONCE = min(2 * (os.cpu_count() or 1), 16)

MATRIX = "tests/crash"
WITHOUT_MATRIX = [f"--ignore={MATRIX}"]
WHOLE_MATRIX = ["--whole", MATRIX]
# What takes minutes of the matrix, even as a sample: it runs where the delivery path changed.
SAMPLE = [
    "--matrix-sample",
    "--ignore=tests/crash/test_runs.py",
    "--deselect=tests/crash/test_every_point.py::"
    "test_where_nothing_is_declared_and_nothing_can_be_proved_each_unknown_file_waits_for_a_person",
]
SAMPLE_ON_SERVICES = [
    *SAMPLE,
    "--ignore=tests/crash/test_every_shape.py",
    "--ignore=tests/crash/test_real_kinds.py",
]
BUSY = ["-n", str(os.cpu_count() or 1)]  # where nobody waits, more would only start up
# Of two sessions at once, one works where the other waits; each worker collects all the tests.
BESIDE = ["-n", str(min(1 + (os.cpu_count() or 1), AT_ONCE))]

# Migrate from nothing, and do not begin with the database that an earlier run has kept.
AFRESH = ["--create-db"]
# Of everything on SQLite, and what tells something new with PostgreSQL and Redis.
QUICK = ["-m", "not (browser or programs or scaled_out or long or slow)", *WITHOUT_MATRIX]
EMBEDDED = ["-m", "not scaled_out"]
SERVICES = ["-m", "postgres or scaled_out"]
ALL_ON_SERVICES = ["-m", "database or scaled_out"]


@dataclass(frozen=True)
class Case:
    """One test as it ran."""

    name: str
    seconds: float
    outcome: str  # passed, failed, skipped
    cells: str = ""  # of the crash matrix: tried/all


@dataclass(frozen=True)
class Session:
    """One run of pytest, or of another program, and what came of it."""

    name: str
    status: int
    cases: Sequence[Case] = ()

    def count(self, outcome: str) -> int:
        return sum(case.outcome == outcome for case in self.cases)

    @property
    def ran(self) -> int:
        return self.count("passed") + self.count("failed")

    def __str__(self) -> str:
        counts = ", ".join(f"{self.count(one)} {one}" for one in ("passed", "failed", "skipped"))
        return f"{self.name}: {counts}"


def main(arguments: Sequence[str]) -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that services are stopped
    # A shell starts what runs in the background with this one ignored, and so would our programs.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    begun = time.monotonic()
    compile_all()
    tier, *rest = arguments if arguments[:1] in (["--quick"], ["--all"]) else ["", *arguments]
    if rest:
        sessions = part(tier, rest)
        wrong = faults(sessions, is_part=True)
    else:
        sessions = {"--quick": quick, "--all": everything}.get(tier, standard)()
        wrong = faults(sessions)
    tell(sessions, wrong, time.monotonic() - begun)
    return 1 if wrong else 0


# -- The tiers -------------------------------------------------------------------------------------


def quick() -> list[Session]:
    return [embedded([*QUICK, *BUSY])]


def standard() -> list[Session]:
    """What every change waits for; the whole crash matrix only where the delivery path changed."""
    changed = delivery_path.changed()
    if not changed:
        print("The crash matrix: a sample. All of it has passed on this delivery path.")
        # The matrix as a folder: what is named file by file, pytest does not leave out.
        sample = [*services_tests(), MATRIX, *SAMPLE_ON_SERVICES]
        return both([*AFRESH, *EMBEDDED, *SAMPLE], sample)
    print("The crash matrix: all of it. It has not passed yet on what differs here:")
    print(*(f"  {name}" for name in changed), sep="\n", flush=True)
    others = both([*AFRESH, *EMBEDDED, *WITHOUT_MATRIX], services_tests())
    return [*others, *whole_matrix()]


def everything() -> list[Session]:
    tried = delivery_path.hashes()
    matrix = whole_matrix()
    if is_whole(matrix):
        delivery_path.record(tried)
        print(f"\nThe whole crash matrix has passed: {delivery_path.PROVEN} is written.")
    whole = [*AFRESH, "--whole", *WITHOUT_MATRIX]
    others = [embedded([*EMBEDDED, *whole]), services([*ALL_ON_SERVICES, *whole])]
    return [*matrix, *others, chaos("chaos"), chaos("bare chaos", "--only", "bare")]


def part(tier: str, arguments: Sequence[str]) -> list[Session]:
    """Run what these arguments of pytest choose, of a tier."""
    if tier == "--quick":
        return [embedded([*QUICK, *BUSY, *arguments])]
    chosen = ["--whole", *arguments] if tier else arguments
    return [
        embedded([*EMBEDDED, *chosen]),
        services([*(ALL_ON_SERVICES if tier else SERVICES), *chosen]),
    ]


def whole_matrix() -> list[Session]:
    return [
        embedded([*EMBEDDED, *WHOLE_MATRIX], "matrix, embedded"),
        services([*SERVICES, *WHOLE_MATRIX], "matrix, services"),
    ]


def services_tests() -> list[str]:
    """Return what chooses the tests that run on services, so that no other file is collected."""
    return [*SERVICES, *files_naming("postgres", "scaled_out")]


def files_naming(*marks: str) -> list[str]:
    """Return the test files outside the matrix that name one of these marks."""
    files = sorted(set(ROOT.glob("tests/**/test_*.py")) - set(ROOT.glob(f"{MATRIX}/*")))
    chosen = [file for file in files if any(mark in file.read_text() for mark in marks)]
    return [str(file.relative_to(ROOT)) for file in chosen]


# -- Sessions --------------------------------------------------------------------------------------


def embedded(arguments: Sequence[str], name: str = "embedded") -> Session:
    print(f"\n== {name.capitalize()}: SQLite, no broker", flush=True)
    return run_pytest(name, {}, arguments)


def services(arguments: Sequence[str], name: str = "services") -> Session:
    print(f"\n== {name.capitalize()}: PostgreSQL, Redis", flush=True)
    with postgres() as database, redis() as broker:
        return run_pytest(name, using(database, broker), arguments)


def both(on_sqlite: Sequence[str], on_services: Sequence[str]) -> list[Session]:
    """Run a session of each at the same time: one has something to do where the other waits.

    What the services' session prints is shown when the other one has ended.
    """
    print("\n== Embedded: SQLite, no broker. At the same time: PostgreSQL, Redis", flush=True)
    with (
        postgres() as database,
        redis() as broker,
        tempfile.TemporaryFile("w+") as output,
        pytest_started(
            "services", using(database, broker), [*BESIDE, *on_services], output
        ) as result,
    ):
        sessions = [run_pytest("embedded", {}, [*BESIDE, *on_sqlite]), result()]
        output.seek(0)
        print("\n== Services: PostgreSQL, Redis", output.read(), sep="\n", flush=True)
        return sessions


def using(database: str, broker: str) -> dict[str, str]:
    return {"TEST_DATABASE_URL": database, "TEST_REDIS_URL": broker}


def chaos(name: str, *arguments: str) -> Session:
    print(f"\n== {name.capitalize()}", flush=True)
    command = [sys.executable, "-m", "tests.chaos", *arguments]
    with started(command, environment_of_tests()) as program:
        status = program.wait()
    return Session(name, status, [Case("tests.chaos", 0, "failed" if status else "passed")])


def run_pytest(name: str, set_up: dict[str, str], arguments: Sequence[str]) -> Session:
    with pytest_started(name, set_up, arguments) as result:
        return result()


@contextmanager
def pytest_started(
    name: str, set_up: dict[str, str], arguments: Sequence[str], output: IO[str] | None = None
) -> Iterator[Callable[[], Session]]:
    """Start pytest; give what waits for its end and returns what came of it."""
    with tempfile.TemporaryDirectory() as directory:
        report = Path(directory, "report.xml")
        command = [sys.executable, "-m", "pytest", "-n", str(AT_ONCE), "--dist", "worksteal"]
        command += [f"--junitxml={report}", "-o", "junit_duration_report=total", *arguments]
        with started(command, environment_of_tests() | set_up, output) as program:
            yield lambda: Session(
                name, program.wait(), list(cases(report)) if report.exists() else []
            )


@contextmanager
def started(
    command: Sequence[str], environment: dict[str, str], output: IO[str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Start a program; let it clean up if we are stopped before it has ended."""
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, process_group=0, stdout=output, stderr=output
    ) as program:
        try:
            yield program
        finally:
            if program.poll() is None:
                os.killpg(program.pid, signal.SIGINT)
                program.wait()


def environment_of_tests() -> dict[str, str]:
    """Return this environment without what would have fewer tests run, or others."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("TEST_")}
    kept.pop("PYTEST_ADDOPTS", None)
    # Hundreds of programs are started here: what one has compiled, the next need not.
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    return kept


def cases(report: Path) -> Iterator[Case]:
    """Yield the tests of a JUnit report; an error counts as failed."""
    for case in ElementTree.parse(report).iter("testcase"):
        outcome = "passed"
        if case.find("failure") is not None or case.find("error") is not None:
            outcome = "failed"
        elif case.find("skipped") is not None:
            outcome = "skipped"
        cells = case.find("properties/property[@name='cells']")
        yield Case(
            f"{case.get('classname')}::{case.get('name')}",
            float(case.get("time", 0)),
            outcome,
            "" if cells is None else cells.get("value", ""),
        )


# -- What came of it -------------------------------------------------------------------------------


def faults(sessions: Sequence[Session], *, is_part: bool = False) -> list[str]:
    """Return why the run has failed; [] when it has not.

    Exit status and report are asked both: neither alone may say that all is well. Of a part,
    one session may have nothing to run.
    """
    wrong = []
    for session in sessions:
        if session.count("failed"):
            wrong.append(f"{session.name}: {session.count('failed')} failed.")
        elif session.status not in (PASSED, NO_TESTS):
            wrong.append(f"{session.name}: pytest ended with {session.status}.")
        elif not session.ran and not is_part:
            wrong.append(f"{session.name}: no test ran.")
    if not any(session.ran for session in sessions) and not wrong:
        wrong.append("No test ran.")
    return wrong


def is_whole(matrix: Sequence[Session]) -> bool:
    """Whether these sessions have tried every cell of the crash matrix, and all went well."""
    return all(map(_is_whole, matrix)) and len(matrix) > 0


def _is_whole(session: Session) -> bool:
    tried = [case.cells.split("/") for case in session.cases if case.cells]
    return (
        session.status == PASSED
        and session.ran == session.count("passed") == len(session.cases)
        and bool(tried)
        and all(number == of and int(of) for number, of in tried)
    )


def tell(sessions: Sequence[Session], wrong: Sequence[str], seconds: float) -> None:
    timed = [(case, session) for session in sessions for case in session.cases]
    slowest = sorted(timed, key=lambda one: one[0].seconds, reverse=True)[:SLOWEST]
    print("\nThe slowest tests:")
    for case, session in slowest:
        print(f"  {case.seconds:6.1f} s  {session.name}: {case.name}")
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = used.ru_utime + used.ru_stime
    print(f"\nIn {seconds:.0f} s, with {cpu:.0f} s of CPU:", *sessions, sep="\n  ")
    failed = [(session.name, case.name) for case, session in timed if case.outcome == "failed"]
    print(*(f"Failed: {session}: {name}" for session, name in failed), sep="\n")
    print(*(f"Failed: {one}" for one in wrong), sep="\n", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
