"""`make bench` runs; what it measures is no test."""

import subprocess
import sys

import pytest

from tests.services import ROOT

AIMS = [
    "our own code",
    "the tagged summary",
    "memory of a worker after 4 documents",
    "memory of a renderer after 4 documents",
    "renderings of a summary in 3 tries",
    "memory that an upload of 25 MB takes",
    "the slowest growing list",
    "referrals per CPU second",
    "CPU of a referral but intake and rendering",
    "new connections a referral",
    "transactions a second at rest",
    "from POST to CRMS when idle (PostgreSQL)",
    "from POST to CRMS when idle (SQLite)",
    "memory of all programs (PostgreSQL)",
    "memory of all programs (SQLite)",
    "CPU of an event's intake (SQLite)",
    "CPU of an event's intake (PostgreSQL)",
    "events per CPU second",
    "a poll with 20 due (SQLite)",
    "a poll with 200 due (SQLite)",
    "a poll with 20 due (PostgreSQL)",
    "a poll with 200 due (PostgreSQL)",
    "export",
    "sql",
    "webhook",
    "memory of an export of 1",
    "e-mail",
    "a page of 50 services",
    "ndjson of 80 services",
    "memory of ndjson of 100 services",
    "a search (rare)",
    "a search (common)",
    "a search (two words)",
    "a search (by distance)",
    "statements of Confidential at 20 services",
    "the same file again",
    "bytes of a first visit",
    "requests of a first visit",
    "queries of a first visit",
    "a page of services with excluded fields",
    "a page of the change feed after 1",
    "memory of airs-3.0 of 120 services",
    "memory of hsds-1.1 of 120 services",
    "memory of hsds-3.1-json of 120 services",
    "memory of hsds-3.1-tabular of 120 services",
    "memory of icarol-csv of 120 services",
    "statements to save a service",
    "statements to rename an agency with 20 services",
    "intake beside 3 readers of streams",
    "intake beside 3 readers of exports",
]


@pytest.mark.programs
@pytest.mark.whole
def test_a_quick_bench_prints_a_measurement_for_every_aim():
    command = [sys.executable, "-m", "tests.bench", "--quick", "--seed", "7"]
    bench = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert bench.returncode == 0, bench.stderr
    assert "seed 7" in bench.stdout
    _, table = bench.stdout.split("\nAims\n")
    rows = [line.strip("| ").split(" | ") for line in table.strip().splitlines()[2:]]
    assert [what.split(",")[0].strip() for what, *_ in rows] == AIMS
    assert all(measured.strip() for _, _, measured, _ in rows)
