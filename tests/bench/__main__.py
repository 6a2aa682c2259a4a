"""What Dovetail costs: `python -m tests.bench [--quick] [--seed N]`.

A measured run, not a test. `docs/performance.md` explains the method; each module of this package
is one measurement, in a process of its own. Ends with 1 when an aim is not met, except with
`--quick`, whose figures mean nothing.
"""

import argparse
import os
import secrets
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench import figures, portal
from tests.bench.figures import Aim, Measurement, at_least, at_most, show
from tests.bench.portal import Databases
from tests.services import own_postgres

DATABASES = ("SQLite", "PostgreSQL")
OWN_SHARE, SUMMARY_RATIO, MEMORY_RATIO, UPLOAD_MEGABYTES = 5.0, 0.70, 1.05, 2.5
LIST_RATIO = 1.3
# The whole portal, to the naive one and to a bare rendering; idle, for PostgreSQL and embedded.
NAIVE_RATE, OUTSIDE_RENDERING = 1.0, 0.68
IDLE_TIME = {"PostgreSQL": 1.0, "SQLite": 1.2}
MEGABYTES = {"PostgreSQL": 270, "SQLite": 180}
RESTING = 3.0  # transactions a second
# Intake, in CPU time: at most so many bare views, and at least this share of a function's rate.
INTAKE_TO_VIEW, INTAKE_TO_FUNCTION = 1.6, 0.14
POLL_RATIO = 2.0
# Of a loop that does the same with library calls: how fast ours has to be.
ONWARD = {"export": 0.5, "sql": 0.4, "webhook": 0.25}
EXPORT_MEMORY, EMAIL_SHARE = 1.1, 0.3
# The directory, to bare counterparts; the first visit in bytes, requests, and queries.
SERVICES_RATIO, STREAM_RATE, SEARCH_RATIO, AGAIN_SHARE, STREAM_MEMORY = 2.0, 0.5, 2.0, 0.35, 1.2
FIRST_VISIT = {"bytes": 80 * 1024, "requests": 12, "queries": 15}
EXCLUDING_RATIO, FEED_RATIO, FILE_MEMORY, BESIDE_READERS = 3.0, 1.2, 1.2, 2.0


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured."""

    rounds: int = 100  # referrals, each with its bare calls
    pages: int = 40
    documents: int = 1000
    settled: int = 50
    megabytes: int = 25
    failures: int = 3
    batches: int = 8
    batch: int = 100  # events
    claims: int = 400
    finished: int = 100_000
    looks: int = 50
    attempts: tuple[int, int] = (10_000, 1_000_000)  # few and many, in lists
    visits: int = 5  # of each list
    exported: int = 100_000  # referrals
    copied: int = 5_000
    pushed: int = 200
    onward_rounds: int = 3
    services: tuple[int, int, int] = (1_000, 10_000, 100_000)  # few, some, many
    confidential: int = 5_000  # services at a place
    searches: int = 20  # of each
    # Services, how many times as many they become, data partners, and services of one agency.
    partners: tuple[int, int, int, int] = (1_000, 100, 20, 10_000)
    numbered: tuple[int, int] = (10_000, 1_000_000)  # changes, few and many
    reads: int = 30
    reading: tuple[int, int] = (5_000, 200)  # services, and readers of them beside intake
    sent: tuple[int, int] = (200, 3)  # events beside each kind of readers, and rounds
    whole: tuple[int, int, int] = (6, 20, 12)  # rounds, referrals of each, and single ones


QUICK = Size(
    2,
    1,
    4,
    2,
    25,
    1,
    2,
    8,
    20,
    200,
    2,
    (4_000, 5_000),
    0,
    1_100,
    20,
    5,
    1,
    (60, 80, 100),
    20,
    1,
    (60, 2, 2, 20),
    (500, 1_000),
    0,
    (60, 3),
    (3, 1),
    (1, 2, 1),
)


class Bench:
    """All measurements of one run, and what they found."""

    def __init__(self, size: Size, seed: int, env: dict[str, str], databases: Databases) -> None:
        self.size, self.seed, self.env, self.databases = size, seed, env, databases
        self.found: dict[str, Any] = {}

    def run(self) -> None:
        """Measure; memory needs the longest, and is no matter of time, so it runs beside."""
        size, seed = self.size, {"seed": self.seed}
        memory = self._measurement(
            "memory", "memory", documents=size.documents, settled=size.settled
        )
        self._measure("referral", "referral", rounds=size.rounds, **seed)
        self._measure("summary", "summary", rounds=size.pages)
        self._measure("retries", "retries", failures=size.failures)
        for naive in (False, True):
            name = "naive_upload" if naive else "upload"
            self._measure(name, "upload", megabytes=size.megabytes, naive=naive)
        self.found["memory"] = memory.figures()
        few, many = size.attempts
        numbers = {"few": few, "many": many, "rounds": size.visits}
        self._measure("lists", "lists", "PostgreSQL", **numbers, **seed)
        of = {"export": size.exported, "sql": size.copied, "webhook": size.pushed, "email": 1}
        for kind, count in of.items():
            numbers = {"kind": kind, "count": count, "rounds": size.onward_rounds}
            self._measure(f"onward_{kind}", "onward", "PostgreSQL", **numbers)
        few, some, many = size.services
        numbers = {"few": few, "some": some, "many": many, "confidential": size.confidential}
        self._measure("directory", "directory", "PostgreSQL", rounds=size.searches, **numbers)
        few, many = size.numbered
        services, copies, partners, renamed = size.partners
        numbers = {"services": services, "copies": copies, "partners": partners}
        numbers |= {"renamed": renamed, "few": few, "many": many, "rounds": size.reads}
        self._measure("data_partners", "data_partners", "PostgreSQL", **numbers)
        (services, readers), (events, rounds) = size.reading, size.sent
        numbers = {"services": services, "readers": readers, "events": events, "rounds": rounds}
        self._measure("readers", "readers", "PostgreSQL", **numbers, **seed)
        rounds, batch, singles = size.whole
        for database in DATABASES:
            numbers = {"rounds": rounds, "batch": batch, "singles": singles}
            self._measure(f"whole_{database}", "whole", database, **numbers, **seed)
            numbers = {"batches": size.batches, "batch": size.batch}
            self._measure(f"intake_{database}", "intake", database, **numbers, **seed)
            numbers = {"claims": size.claims, "finished": size.finished, "rounds": size.looks}
            self._measure(f"deliveries_{database}", "deliveries", database, **numbers, **seed)

    def _measure(self, name: str, module: str, database: str = "SQLite", **numbers: Any) -> None:
        self.found[name] = self._measurement(name, module, database, **numbers).figures()

    def _measurement(
        self, name: str, module: str, database: str = "SQLite", **numbers: Any
    ) -> Measurement:
        env = {
            **self.env,
            "DATABASE_URL": self.databases.new(database, name),
            "STATE_ROOT": str(self.databases.directory / f"state-{database}-{name}".lower()),
        }
        return Measurement(module, env, **numbers)

    # -- What was found ------------------------------------------------------------------------

    def aims(self) -> Iterator[Aim]:
        referral, memory, retries = (self.found[of] for of in ("referral", "memory", "retries"))
        ours = sum(stage["ours"] for stage in referral["stages"].values())
        share = 100 * ours / referral["total"]
        yield at_most("our own code, of a referral's CPU time", OWN_SHARE, share, "{:.1f} %")
        ratio = self.found["summary"]["ours, tagged"]["ratio"]
        yield at_most("the tagged summary, to its naive form", SUMMARY_RATIO, ratio)
        for who in ("worker", "renderer"):
            what = (
                f"memory of a {who} after {self.size.documents} documents, to {self.size.settled}"
            )
            ratio = memory["late"][who] / memory["early"][who]
            yield at_most(what, MEMORY_RATIO, ratio, "{:.3f}")
        what = f"renderings of a summary in {retries['tries']} tries"
        yield Aim(what, "1", str(retries["renderings"]), retries["renderings"] == 1)
        what = f"memory that an upload of {self.size.megabytes} MB takes"
        yield at_most(what, UPLOAD_MEGABYTES, self.found["upload"]["grown"], "{:.1f} MB")
        few, many = self.size.attempts
        what = f"the slowest growing list, at {many:,} attempts to {few:,}"
        pages = self.found["lists"]["pages"].items()
        lists = [ms for page, ms in pages if not page.endswith(": home")]
        yield at_most(what, LIST_RATIO, max(map(_grown, lists)))

        yield from self._whole_aims()
        yield from self._intake_and_poll_aims()
        yield from self._onward_aims()
        yield from self._directory_aims()
        yield from self._data_partner_aims()
        p95 = self.found["readers"]["p95"]
        for name in ("streams", "exports"):
            what = f"intake beside {self.size.reading[1]} readers of {name}, to alone"
            yield at_most(what, BESIDE_READERS, p95[name] / p95["alone"])

    def _whole_aims(self) -> Iterator[Aim]:
        full, embedded = (self.found[f"whole_{of}"] for of in ("PostgreSQL", "SQLite"))
        rate = full["naive"]["ms"] / full["ours"]["ms"]
        yield at_least("referrals per CPU second, to the naive portal", NAIVE_RATE, rate)
        what = "CPU of a referral but intake and rendering, to a bare rendering"
        yield at_most(what, OUTSIDE_RENDERING, full["outside"])
        yield at_most("new connections a referral", 0, full["connections"], "{:.1f}")
        yield at_most("transactions a second at rest", RESTING, full["resting"], "{:.1f}")
        naive = full["naive"]["idle"]
        for database, one in (("PostgreSQL", full), ("SQLite", embedded)):
            what = f"from POST to CRMS when idle ({database}), to the naive portal"
            yield at_most(what, IDLE_TIME[database], one["ours"]["idle"] / naive)
        for database, one in (("PostgreSQL", full), ("SQLite", embedded)):
            what = f"memory of all programs ({database})"
            yield at_most(what, MEGABYTES[database], one["memory"], "{:.0f} MB")

    def _intake_and_poll_aims(self) -> Iterator[Aim]:
        for database in DATABASES:
            of = self.found[f"intake_{database}"]
            what = f"CPU of an event's intake ({database}), to a bare view"
            yield at_most(what, INTAKE_TO_VIEW, of["ours"]["ms"] / of["bare"]["ms"])
        of = self.found["intake_PostgreSQL"]
        what = "events per CPU second, to a WSGI function with the driver"
        yield at_least(what, INTAKE_TO_FUNCTION, of["raw"]["ms"] / of["ours"]["ms"])
        for database in DATABASES:
            of = self.found[f"deliveries_{database}"]
            for due, name in ((of["finished"] // 10, "poll_tenth"), (of["finished"], "poll_all")):
                what = f"a poll with {due:,} due ({database}), to none"
                yield at_most(what, POLL_RATIO, of[name] / of["poll"])

    def _onward_aims(self) -> Iterator[Aim]:
        for kind, limit in ONWARD.items():
            ratio = self.found[f"onward_{kind}"]["ratio"]
            yield at_least(f"{kind}, to a loop that does the same", limit, ratio)
        what = f"memory of an export of {self.size.exported:,}, to one of 1,000"
        yield at_most(what, EXPORT_MEMORY, self.found["onward_export"]["memory"])
        what = "e-mail, to rendering its summary"
        yield at_most(what, EMAIL_SHARE, self.found["onward_email"]["share"])

    def _directory_aims(self) -> Iterator[Aim]:
        found, (few, some, many) = self.found["directory"], self.size.services
        what = "a page of 50 services, to a view of stored texts"
        yield at_most(what, SERVICES_RATIO, found["list"])
        yield at_least(f"ndjson of {some:,} services, to json.dumps", STREAM_RATE, found["stream"])
        what = f"memory of ndjson of {many:,} services, to {few:,}"
        yield at_most(what, STREAM_MEMORY, found["memory"])
        for name, ratio in found["search"].items():
            yield at_most(f"a search ({name}), to bare SQL", SEARCH_RATIO, ratio)
        what = f"statements of Confidential at {self.size.confidential:,} services, to 5"
        yield _equal(what, *found["statements"])
        yield at_most("the same file again, to its import", AGAIN_SHARE, found["again"])
        for name, limit in FIRST_VISIT.items():
            yield at_most(f"{name} of a first visit", limit, found["first_visit"][name], "{:.0f}")

    def _data_partner_aims(self) -> Iterator[Aim]:
        of = self.found["data_partners"]
        what = "a page of services with excluded fields, to a bare view"
        yield at_most(what, EXCLUDING_RATIO, of["ours"] / of["bare"])
        few, many = self.size.numbered
        what = f"a page of the change feed after {many:,} changes, to {few:,}"
        yield at_most(what, FEED_RATIO, of["many"] / of["few"])
        services, copies, partners, renamed = self.size.partners
        many_services = f"{services * copies:,} services"
        for form, megabytes in of["large"]["memory"].items():
            what = f"memory of {form} of {many_services}, to {services:,}"
            yield at_most(what, FILE_MEMORY, megabytes / of["small"]["memory"][form])
        small, large = of["small"], of["large"]
        what = (
            f"statements to save a service, {partners} partners, {many_services}, to {services:,}"
        )
        yield _equal(what, small["statements"], large["statements"])
        what = f"statements to rename an agency with {renamed:,} services, to 10"
        yield _equal(what, small["rename"], large["rename"])

    def show(self) -> None:
        referral = self.found["referral"]
        show(
            "One referral", ("stage", "CPU ms", "share", "ours", "bare", "ratio"), _stages(referral)
        )
        print(f"\n{_note(referral)}")
        summary = self.found["summary"]
        rows = ((kind, f"{of['ms']:.0f}", f"{of['ratio']:.2f}") for kind, of in summary.items())
        show("The summary", ("kind", "CPU ms", "ratio"), rows)
        rows = (_memory_row(who, self.found["memory"]) for who in ("worker", "renderer"))
        early, late = f"after {self.size.settled}", f"after {self.size.documents}"
        show("Memory in MB", ("process", early, late), rows)
        rows = ((of, f"{self.found[of]['grown']:.1f}") for of in ("upload", "naive_upload"))
        show(f"Memory of an upload of {self.size.megabytes} MB", ("kind", "MB"), rows)
        self._show_lists()
        self._show_databases()
        show("Aims", ("what", "aim", "measured", ""), (aim.row() for aim in self.aims()))

    def _show_lists(self) -> None:
        few, many = (f"{count:,} attempts" for count in self.size.attempts)
        pages = self.found["lists"]["pages"]
        rows = (
            (page, f"{ms['few']:.0f}", f"{ms['many']:.0f}", f"{_grown(ms):.2f}")
            for page, ms in sorted(pages.items(), key=lambda pair: -_grown(pair[1]))
        )
        show("Lists on PostgreSQL, CPU ms", ("page", few, many, "ratio"), rows)

    def _show_databases(self) -> None:
        whole = {of: self.found[f"whole_{of}"] for of in DATABASES}
        head = ("portal", "CPU ms", "least", "most", "idle, ms", "by program")
        show("A referral through the whole portal", head, _whole_rows(whole))
        intake = {of: self.found[f"intake_{of}"] for of in DATABASES}
        head = ("database", "events/s", "CPU ms", "bare events/s", "bare CPU ms", "ratio")
        show("Intake through gunicorn", head, map(_intake_row, intake, intake.values()))
        deliveries = {of: self.found[f"deliveries_{of}"] for of in DATABASES}
        head = ("database", "claims", "bare claims", "idle round, ms", "among many, ms")
        title = f"Per CPU second; “many” is {self.size.finished:,} finished deliveries"
        show(title, head, map(_deliveries_row, deliveries, deliveries.values()))


def _equal(what: str, few: int, many: int) -> Aim:
    return Aim(what, f"{few}", f"{many}", many == few)


def _stages(referral: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    total = referral["total"]
    whole = {of: sum(stage[of] for stage in referral["stages"].values()) for of in ("ours", "bare")}
    for name, stage in (*referral["stages"].items(), ("all", {"ms": total, **whole})):
        yield (
            name,
            f"{stage['ms']:.1f}",
            f"{100 * stage['ms'] / total:.1f} %",
            f"{stage['ours']:.1f}",
            f"{stage['bare']:.1f}" if stage["bare"] else "",
            f"{stage['ms'] / stage['bare']:.2f}" if stage["bare"] else "",
        )


def _note(referral: Mapping[str, Any]) -> str:
    names = {"django": "Django", "python": "Python's library for ours", "system": "system calls"}
    shares = ", ".join(f"{name} {_share(referral, of)}" for of, name in names.items())
    return (
        f"{referral['statements']:.0f} SQL statements, {referral['transactions']:.0f} commits, "
        f"{referral['samples']} samples. Shares: {shares}. "
        f"One core does {1000 / referral['total']:.1f} a second."
    )


def _share(referral: Mapping[str, Any], owner: str) -> str:
    return f"{100 * referral[owner] / referral['total']:.1f} %"


def _memory_row(who: str, memory: Mapping[str, Any]) -> tuple[str, ...]:
    return who, f"{memory['early'][who]:.1f}", f"{memory['late'][who]:.1f}"


def _whole_rows(whole: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    portals = {
        "ours, PostgreSQL": whole["PostgreSQL"]["ours"],
        "naive, PostgreSQL": whole["PostgreSQL"]["naive"],
        "ours, SQLite": whole["SQLite"]["ours"],
    }
    for name, of in portals.items():
        parts = ", ".join(f"{who} {ms:.0f}" for who, ms in of["parts"].items())
        yield name, *(f"{of[key]:.0f}" for key in ("ms", "least", "most", "idle")), parts


def _intake_row(database: str, of: Mapping[str, Any]) -> tuple[str, ...]:
    ours, bare = of["ours"], of["bare"]
    figures = (ours["per_second"], ours["ms"], bare["per_second"], bare["ms"])
    forms = ("{:.0f}", "{:.2f}", "{:.0f}", "{:.2f}")
    cells = (form.format(figure) for form, figure in zip(forms, figures, strict=True))
    return database, *cells, f"{bare['ms'] / ours['ms']:.2f}"


def _grown(page: Mapping[str, float]) -> float:
    return page["many"] / page["few"]


def _deliveries_row(database: str, of: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        database,
        f"{of['ours']:.0f}",
        f"{of['bare']:.0f}",
        f"{of['idle']:.1f}",
        f"{of['idle_among_many']:.1f}",
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="whether it runs; no figures to trust")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    given = parser.parse_args()
    print(f"seed {given.seed}\n{figures.machine()}", flush=True)
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        env = portal.environment(directory)
        env |= stack.enter_context(portal.neighbours(directory, env))
        postgresql = stack.enter_context(own_postgres(durable=True))
        databases = Databases(directory, env, postgresql)
        bench = Bench(QUICK if given.quick else Size(), given.seed, env, databases)
        bench.run()
    bench.show()
    return int(not given.quick and not all(aim.met for aim in bench.aims()))


if __name__ == "__main__":
    os.environ.pop("DJANGO_SETTINGS_MODULE", None)
    sys.exit(main())
