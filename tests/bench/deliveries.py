"""How many due deliveries can be claimed in a second of CPU time, and what an idle look costs.

The CPU time is that of this process and of the database's process that serves it. Claims are those
of `importing.claiming`, next to the same two statements by the driver alone.
"""

import os
import random
import statistics
import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from tests.bench import figures, portal

BATCH = 20
POLLED = 16  # as many as a worker asks for
NEW_ID = {"sqlite": "lower(hex(randomblob(16)))", "postgresql": "gen_random_uuid()"}
SERIES = """
WITH RECURSIVE series (number) AS
(SELECT 1 UNION ALL SELECT number + 1 FROM series WHERE number < %s)
INSERT INTO {table} ({columns})
SELECT {values} FROM series, {table} AS original WHERE original.id = %s
"""
BARE_CLAIM = """
UPDATE referrals_delivery SET state = 'running', due_at = NULL, woken_at = NULL, lease_token = %s,
lease_until = %s WHERE id = %s AND state = 'queued' AND due_at <= %s
"""
BARE_ATTEMPT = """
INSERT INTO referrals_attempt
(delivery_id, version_id, number, lease_token, started_at, outcome, doubt, kind, code,
headers)
VALUES (%s, %s, 1, %s, %s, '', '', '', '', '{}')
"""


def measure(claims: int, finished: int, rounds: int, seed: int) -> dict[str, Any]:
    """Return claims a second, ours and bare, and the milliseconds of looks.

    `idle` is a round without work, and `idle_among_many` the same among `finished` deliveries;
    `poll` asks for due deliveries where none is due, `poll_tenth` where a tenth of them all is due,
    and `poll_all` where all are.
    """
    portal.start()
    from referrals.running.dispatcher import Dispatcher

    world = portal.make()
    dispatcher = Dispatcher()
    idle = _milliseconds(dispatcher.round, rounds)
    first = _finished_delivery(world)
    _multiply(first, finished)
    idle_among_many = _milliseconds(dispatcher.round, rounds)
    poll = _milliseconds(_poll, rounds)
    claimed = _claims(claims, random.Random(seed))
    _make_due(finished // 10)
    poll_tenth = _milliseconds(_poll, rounds)
    _make_due(finished)
    poll_all = _milliseconds(_poll, rounds)
    return {
        "idle": idle,
        "idle_among_many": idle_among_many,
        "finished": finished,
        "poll": poll,
        "poll_tenth": poll_tenth,
        "poll_all": poll_all,
        **claimed,
    }


def _poll() -> None:
    """Ask for due deliveries, as the dispatcher and each worker do."""
    from referrals import delivering

    delivering.due_deliveries(POLLED)


def _make_due(count: int) -> None:
    """Let so many deliveries be due, and no other."""
    from django.db import connection

    from referrals.models import Delivery

    queued = Delivery.objects.filter(state=Delivery.State.QUEUED)
    queued.update(due_at=_now() + timedelta(days=1))
    Delivery.objects.filter(pk__in=Delivery.objects.values("pk")[:count]).update(
        state=Delivery.State.QUEUED,
        due_at=_now(),
        external_id=None,
        lease_token=None,
        lease_until=None,
    )
    assert queued.filter(due_at__lte=_now()).count() == count
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _milliseconds(call: Callable[[], Any], rounds: int) -> float:
    """Return the median of the CPU time."""
    times = []
    for _ in range(rounds):
        start = spent_seconds()
        assert not call()
        times.append(spent_seconds() - start)
    return statistics.median(times) * figures.MILLISECONDS


def spent_seconds() -> float:
    """Return the CPU time so far of this process and of the database's that serves it."""
    own = figures.cpu_seconds(os.getpid())
    return own + sum(map(figures.cpu_seconds, _server()))


@cache
def _server() -> list[int]:
    from django.db import connection

    if connection.vendor == "sqlite":
        return []
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return [row[0] for row in cursor.fetchall()]


def _finished_delivery(world: Any) -> Any:
    """Return a delivery that was imported, with its referral and its event."""
    from referrals.intake import opening
    from referrals.models import Delivery

    opening.open_deliveries(world.receive(portal.message(0), "fhir").event_id)
    Delivery.objects.update(
        state=Delivery.State.IMPORTED, due_at=None, external_id="RF-1", imported_at=_now()
    )
    return world.delivery


# -- Many rows -------------------------------------------------------------------------------------


def _multiply(delivery: Any, count: int) -> None:
    """Copy the delivery so many times, each with a referral and an opened event of its own."""
    from django.db import connection

    from referrals.models import Delivery, InboundEvent, Referral, Version

    event = delivery.versions.get().opened_by_id
    copies: list[tuple[Any, Any, dict[str, str]]] = [
        (InboundEvent, event, {"dedup_key": "number", "referral_id": "NULL"}),
        (Referral, delivery.referral_id, {}),
    ]
    for model, original, replaced in copies:
        _copy(model, original, count, replaced)
    table = Delivery._meta.db_table
    columns, values = _columns(Delivery, {"referral_id": "referral.id"})
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} ({columns}) SELECT {values} FROM referrals_referral AS referral, "
            f"{table} AS original WHERE original.id = %s AND referral.id <> %s",
            [_id(delivery.pk), _id(delivery.referral_id)],
        )
        columns, values = _columns(Version, {"id": "delivery.id", "delivery_id": "delivery.id"})
        cursor.execute(
            f"INSERT INTO referrals_version ({columns}) SELECT {values} FROM {table} AS delivery, "
            "referrals_version AS original WHERE original.id = %s AND delivery.id <> %s",
            [_id(delivery.pk), _id(delivery.pk)],
        )
        cursor.execute("ANALYZE")
    assert Delivery.objects.count() == count + 1


def _copy(model: Any, original: Any, count: int, replaced: dict[str, str]) -> None:
    from django.db import connection

    columns, values = _columns(model, replaced)
    sql = SERIES.format(table=model._meta.db_table, columns=columns, values=values)
    with connection.cursor() as cursor:
        cursor.execute(sql, [count, _id(original)])


def _columns(model: Any, replaced: dict[str, str]) -> tuple[str, str]:
    """Return the columns of a table, and what a copy of a row has in them."""
    from django.db import connection

    names = [field.column for field in model._meta.concrete_fields]
    # No copy has the key of the first; what is bound to it is not read here.
    replaced = {"id": NEW_ID[connection.vendor], "row_key": "NULL", **replaced}
    return ", ".join(names), ", ".join(replaced.get(name, f"original.{name}") for name in names)


# -- Claims ----------------------------------------------------------------------------------------


def _claims(count: int, order: random.Random) -> dict[str, float]:
    """Claim so many deliveries in either way, a batch at a time in turn."""
    from referrals.delivering import claiming

    spent: dict[str, list[float]] = {"ours": [], "bare": []}
    ways = {
        "ours": lambda delivery_id: claiming.claim(delivery_id) is not None,
        "bare": _bare_claim(),
    }
    batches = _due_batches(2 * count)
    for _ in range(count // BATCH):
        for way in order.sample(sorted(ways), 2):
            batch = next(batches)
            start = spent_seconds()
            assert all(map(ways[way], batch))
            spent[way].append((spent_seconds() - start) / len(batch))
    return {way: 1 / statistics.median(times) for way, times in spent.items()}


def _due_batches(count: int) -> Iterator[Sequence[uuid.UUID]]:
    from referrals.models import Delivery

    ids = list(Delivery.objects.values_list("pk", flat=True)[:count])
    Delivery.objects.filter(pk__in=ids).update(
        state=Delivery.State.QUEUED, due_at=_now(), external_id=None
    )
    for start in range(0, len(ids), BATCH):
        yield ids[start : start + BATCH]


def _bare_claim() -> Callable[[uuid.UUID], bool]:
    from django.db import connection, transaction

    def claim(delivery_id: uuid.UUID) -> bool:
        token, now = _id(uuid.uuid4()), _now()
        with transaction.atomic(), connection.cursor() as cursor:
            lease = now + timedelta(minutes=5)
            cursor.execute(BARE_CLAIM, [token, lease, _id(delivery_id), now])
            won = bool(cursor.rowcount)
            # The first version has the id of its delivery.
            cursor.execute(BARE_ATTEMPT, [*[_id(delivery_id)] * 2, token, now])
        return won

    return claim


def _id(value: uuid.UUID) -> Any:
    """Return an id as the database's driver takes it."""
    from django.db import connection

    return value.hex if connection.vendor == "sqlite" else value


def _now() -> datetime:
    return datetime.now(UTC)


if __name__ == "__main__":
    figures.report(measure)
