"""What sending onward costs, next to a loop that does the same with library calls alone.

Both read the same referrals in turn, in one process, in CPU time; the database and the partner are
not counted. A ratio is the loop's time by ours: 1 is as fast as the loop.
"""

import base64
import csv
import gc
import hashlib
import hmac
import io
import json
import statistics
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import requests

from tests.bench import figures, portal

CHUNK = 500
Timed = Callable[[], object]


def measure(kind: str, count: int, rounds: int) -> dict[str, float]:
    """Return the ratio of a kind; for an export, also that of memory."""
    portal.start()
    with TemporaryDirectory() as directory:
        return KINDS[kind](Path(directory), count, rounds)


def _ratio(ours: Timed, loop: Timed, rounds: int, before: Timed = lambda: None) -> float:
    """Return the median of the loop's CPU time by ours; the first round warms up."""
    found = []
    for number in range(rounds + 1):
        before()
        spent = {}
        for does in (ours, loop) if number % 2 else (loop, ours):
            start = time.process_time()
            does()
            spent[does] = time.process_time() - start
        found.append(spent[loop] / spent[ours])
    return statistics.median(found[1:] or found)


# -- What is sent ----------------------------------------------------------------------------------


def _world(kind: str, count: int, **options: Any) -> Any:
    """Return a world with so many referrals, all alike, each with a delivery that is due."""
    from core.database import clock
    from referrals.models import Delivery, Referral, Version
    from tests.world import make_world, plain

    world = make_world(kind, ["received"], **options)
    world.destination.allowed_fields, world.destination.allowed_files = ["all"], []
    world.destination.save()
    world.send(plain(form_answers=[{"key": "q1", "label": "Rent?", "value": "no"}]))
    first, now = world.referral, clock.now()
    for start in range(1, count, CHUNK):
        numbers = range(start, min(start + CHUNK, count))
        referrals = Referral.objects.bulk_create(
            Referral(
                reference=str(4_000_000_000 + number),
                organization=world.organization,
                listing=world.listing,
                snapshot=first.snapshot,
                reading=first.reading,
                created_at=first.created_at + timedelta(seconds=number),
                changed_at=first.changed_at,
            )
            for number in numbers
        )
        deliveries = Delivery.objects.bulk_create(
            Delivery(
                id=uuid.uuid4(),
                referral=referral,
                destination=world.destination,
                trigger_config=world.config,
                reference=referral.reference,
                triggers=["received"],
                state=Delivery.State.QUEUED,
                opened_at=now,
                due_at=now,
            )
            for referral in referrals
        )
        Version.objects.bulk_create(
            Version(pk=one.pk, delivery=one, asked_at=now, triggers=["received"])
            for one in deliveries
        )
    return world


def _records(world: Any) -> Iterator[tuple[str, dict[str, object]]]:
    """Decrypt and map each referral: what a loop does with the rules that ours has."""
    from mapping.engine import engine
    from referrals.models import Referral
    from referrals.record.documents import document_of

    transport, mapping = world.destination.transport(), world.config.mapping
    rules = mapping.engine_rules()
    context = engine.Context(
        time_zone=world.organization.zone,
        value_tables=mapping.engine_tables(),
        targets=transport.fields(),
        is_open=transport.targets.own,
    )
    rows = Referral.objects.select_related("organization", "listing").order_by("created_at")
    for referral in rows.iterator(CHUNK):
        record = engine.apply(rules, document_of(referral), context).record
        yield referral.reference, dict(record)


# -- Export ----------------------------------------------------------------------------------------


def _export(directory: Path, count: int, rounds: int) -> dict[str, float]:
    from core.spool import Spool
    from referrals.answers import exporting

    world = _world("sftp", count, protocol="local", folder="bench")
    everything = exporting.Choice(world.organization)

    def ours(choice: exporting.Choice = everything) -> None:
        with Spool() as spool:
            exporting.write(choice, "csv", spool)

    def loop() -> None:
        with (directory / "loop.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            for reference, record in _records(world):
                writer.writerow([reference, *record.values()])

    few = exporting.Choice(
        world.organization, end=world.referral_of("4000000001").created_at + timedelta(seconds=999)
    )
    ours(few)  # what is loaded and cached once is not the list's
    small, large = (_peak(lambda choice=choice: ours(choice)) for choice in (few, everything))
    return {"ratio": _ratio(ours, loop, rounds), "memory": large / small}


def _peak(does: Timed) -> float:
    """Return the most megabytes that this process has had meanwhile."""
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")
    does()
    return figures.resident(field="VmHWM")


# -- SQL -------------------------------------------------------------------------------------------


def _sql(directory: Path, count: int, rounds: int) -> dict[str, float]:
    import sqlalchemy as sa
    from django.conf import settings
    from django.db import transaction
    from sqlalchemy.dialects.sqlite import insert

    from core.database import clock
    from referrals import delivering
    from referrals.models import Delivery, Referral
    from referrals.record import versions

    settings.EXPORT_ROOT = str(directory)
    world = _world("sql", count, url="sqlite:///ours.db")
    targets = [rule.target for rule in world.config.mapping.engine_rules()]
    table = sa.Table(
        "referral",
        sa.MetaData(),
        sa.Column("reference", sa.String, primary_key=True),
        *(sa.Column(target, sa.String) for target in [*targets, "note"]),
    )
    engine = sa.create_engine(f"sqlite:///{directory}/loop.db")
    table.create(engine)
    names = [column.name for column in table.columns]

    def ours() -> None:
        delivering.carry_due(world.destination.pk)

    def upsert(rows: list[dict[str, Any]]) -> None:
        statement = insert(table)
        changed = {one.name: one for one in statement.excluded if one.name != "reference"}
        statement = statement.on_conflict_do_update(index_elements=["reference"], set_=changed)
        with engine.begin() as connection:
            connection.execute(statement, rows)

    def loop() -> None:
        rows: list[dict[str, Any]] = []
        for reference, record in _records(world):
            text = {name: str(record.get(name, "")) for name in names}
            rows.append({**text, "reference": reference})
            if len(rows) == CHUNK:
                upsert(rows)
                rows = []
        if rows:
            upsert(rows)

    def again() -> None:
        with transaction.atomic():
            list(Referral.objects.select_for_update().values_list("pk"))
            versions.list_again(Delivery.objects.all(), clock.now())

    ratio = _ratio(ours, loop, rounds, again)
    left = Delivery.objects.exclude(state="imported").count()
    if left:
        raise RuntimeError(f"{left} referrals were not brought.")
    return {"ratio": ratio}


# -- Webhook ---------------------------------------------------------------------------------------


def _serve(ports: Any) -> None:
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    ports.put(server.server_address[1])
    server.serve_forever()


@contextmanager
def _partner() -> Iterator[str]:
    """Run a partner that takes everything, in a process of its own; yield its address."""
    spawn = get_context("spawn")
    ports = spawn.Queue()
    process = spawn.Process(target=_serve, args=(ports,), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ports.get(timeout=30)}/referrals"
    finally:
        process.terminate()
        process.join()


def _webhook(directory: Path, count: int, rounds: int) -> dict[str, float]:
    import sqlite3

    from core.database import clock
    from integrations.destinations.webhook.contract import SECRET
    from referrals import delivering
    from referrals.models import Delivery
    from referrals.record import versions

    with _partner() as url:
        world = _world("webhook", count, url=url, secrets=SECRET)
        database = sqlite3.connect(directory / "loop.db", isolation_level=None)
        database.execute("CREATE TABLE step (id TEXT, at TEXT)")
        key = base64.b64decode(SECRET.removeprefix("whsec_"))

        def ours() -> None:
            for pk in Delivery.objects.filter(state="queued").values_list("pk", flat=True):
                delivering.run(pk)

        def loop() -> None:
            for reference, record in _records(world):
                body = json.dumps({"reference": reference, **record})
                at = str(int(time.time()))
                signed = hmac.digest(key, f"{reference}.{at}.{body}".encode(), hashlib.sha256)
                headers = {
                    "webhook-id": reference,
                    "webhook-timestamp": at,
                    "webhook-signature": f"v1,{base64.b64encode(signed).decode()}",
                    "Content-Type": "application/json",
                }
                for step in range(3):
                    if step == 1:
                        requests.post(url, body, headers=headers, timeout=30).raise_for_status()
                    database.execute("INSERT INTO step VALUES (?, ?)", (reference, at))

        def again() -> None:
            for delivery in Delivery.objects.filter(state="imported"):
                versions.ask(delivery, clock.now())

        ratio = _ratio(ours, loop, rounds, again)
        left = Delivery.objects.exclude(state="imported").count()
        if left:
            raise RuntimeError(f"{left} referrals were not pushed.")
        return {"ratio": ratio}


# -- E-mail ----------------------------------------------------------------------------------------


def _email(directory: Path, count: int, rounds: int) -> dict[str, float]:
    """Return what making a message costs, by what rendering its summary does.

    What talks to the server is left out: it waits more than it works.
    """
    from integrations.destinations.email.transport import EmailTransport
    from integrations.transport import SUMMARY, Document, Parcel
    from referrals.record.documents import document_of
    from referrals.summary import pdf
    from tests.contract.ledger import InMemoryLedger
    from tests.world import make_world, options

    world = make_world("demo", ["received"])
    world.send(portal.message(1), "fhir")
    context = pdf.SummaryContext("Birchwood", "Adult Counselling", world.organization.time_zone)
    document = document_of(world.referral)
    given = options(
        "email",
        smtp_host="127.0.0.1",
        sender="portal@birchwood.example",
        recipients="intake@partner.example",
        passphrase="maple-river-lantern-otter",
    )
    transport, found = EmailTransport(given), []
    for _ in range(rounds + 1):
        start = time.process_time() + _renderers()
        content = pdf.pdf(document, context).content
        rendering = time.process_time() + _renderers() - start
        summary = Document(
            "summary",
            "summary.pdf",
            SUMMARY,
            "application/pdf",
            len(content),
            hashlib.sha256(content).hexdigest(),
            lambda content=content: io.BytesIO(content),  # type: ignore[misc]
        )
        parcel = Parcel("3502768696", {}, (summary,), InMemoryLedger(), version=str(uuid.uuid4()))
        start = time.process_time()
        transport._made(parcel, transport._recipients(parcel), transport._passphrase(parcel))
        found.append((time.process_time() - start) / rendering)
    return {"share": statistics.median(found[1:] or found)}


def _renderers() -> float:
    from referrals.summary import pdf

    return sum(figures.cpu_seconds(renderer.process.pid) for renderer in pdf._pool()._idle)


KINDS = {"export": _export, "sql": _sql, "webhook": _webhook, "email": _email}

if __name__ == "__main__":
    figures.report(measure)
