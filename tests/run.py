"""All tests on both set-ups: `python -m tests.run [pytest arguments]`.

First everything on the embedded set-up (SQLite, no broker), then whatever needs a database, or is
about the broker, on PostgreSQL and Redis, which are started here. Ends with one line of counts for
each, and with 0 only when both passed.
"""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

from tests.services import ROOT, postgres, redis

PASSED, NO_TESTS = 0, 5  # pytest's exit statuses
# They often wait for other programs; and each has a database of Redis to itself, which has 16.
AT_ONCE = min(2 * (os.cpu_count() or 1), 16)


def main(arguments: Sequence[str]) -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that services are stopped
    with tempfile.TemporaryDirectory() as directory:
        reports = [Path(directory, "embedded.xml"), Path(directory, "services.xml")]
        statuses = [on_embedded(reports[0], arguments), on_services(reports[1], arguments)]
        print()
        for report in filter(Path.exists, reports):
            print(f"{report.stem}: {counts(report)}")
    if statuses == [NO_TESTS, NO_TESTS]:
        return NO_TESTS
    return next((status for status in statuses if status not in (PASSED, NO_TESTS)), PASSED)


def on_embedded(report: Path, arguments: Sequence[str]) -> int:
    print("== Embedded: SQLite, no broker", flush=True)
    return run_pytest({}, report, ["-m", "not scaled_out", *arguments])


def on_services(report: Path, arguments: Sequence[str]) -> int:
    print("\n== Services: PostgreSQL, Redis", flush=True)
    with postgres() as database, redis() as broker:
        environment = {"TEST_DATABASE_URL": database, "TEST_REDIS_URL": broker}
        return run_pytest(environment, report, ["--only-database", *arguments])


def run_pytest(environment: dict[str, str], report: Path, arguments: Sequence[str]) -> int:
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("TEST_")}
    # Hundreds of programs are started here: what one has compiled, the next need not.
    inherited.pop("PYTHONDONTWRITEBYTECODE", None)
    command = [sys.executable, "-m", "pytest", "-n", str(AT_ONCE), "--dist", "worksteal"]
    command += [f"--junitxml={report}", *arguments]
    return subprocess.run(command, cwd=ROOT, env=inherited | environment, check=False).returncode


def counts(report: Path) -> str:
    """Return "N passed, N failed, N skipped" of a JUnit report; an error counts as failed."""
    suite = next(ElementTree.parse(report).iter("testsuite"))
    total, failures, errors, skipped = (
        int(suite.get(key, 0)) for key in ("tests", "failures", "errors", "skipped")
    )
    failed = failures + errors
    return f"{total - failed - skipped} passed, {failed} failed, {skipped} skipped"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
