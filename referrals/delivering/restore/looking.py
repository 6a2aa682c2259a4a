"""After a restore: what may have arrived since the backup is looked for before it is sent.

Each intent has a number: the host that commits it counts on, in its row of `Host`, and raises its
mark to it. A row below the mark of its host is that of a backup. Each host also remembers the sum
of all numbers that it has seen, so that it notices, too, that another host's work is lost.

A host whose mark the database does not know delivers nothing where others have one: it may be the
new host of a restored database, and its mark says nothing of what the old one has sent.
"""

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Exists, Q, QuerySet
from django.db.models.expressions import RawSQL

from core.database import clock
from referrals.delivering.restore import marks
from referrals.delivering.restore.marks import Mark
from referrals.models import Delivery, Host, Restore, Step

logger = logging.getLogger(__name__)

State = Delivery.State
UNFINISHED = Q(state__in=[State.WAITING, State.QUEUED, State.RUNNING, State.NEEDS_ATTENTION]) | Q(
    state=State.IMPORTED, due_at__isnull=False
)

_admitted: set[UUID] = set()  # hosts that this process has found to be admitted
_refused: set[UUID] = set()  # and those of which it has logged that they are not


class Restored(Exception):
    """The database is below the mark of this host: nothing may be sent before all was looked at."""


# -- Numbers -----------------------------------------------------------------------------------


def next_number(mark: Mark | None) -> tuple[int, int, datetime]:
    """Count an intent of this host; the last statement of its transaction.

    Returns its number, the sum of all numbers before it, and the time. The row stays locked until
    the commit, so numbers are in the order of commits: a backup holds all of them up to one. `mark`
    was read before the transaction began: whatever it holds was committed by then, so the database
    is not below it. Raises Restored where it is.
    """
    counted = _count(mark.host) if mark else None
    if mark is None or counted is None:
        raise Restored
    number, total, now = counted
    if number <= mark.number or total < mark.total:
        raise Restored
    return number, total, now


def _count(host: UUID) -> tuple[int, int, datetime] | None:
    # By hand: Django's ORM would need further statements to read what it has counted.
    with connection.cursor() as cursor:
        cursor.execute(
            'UPDATE "referrals_host" SET number = number + 1 '  # noqa: S608 - no value in it
            "WHERE id = %s AND admitted_at IS NOT NULL "
            f'RETURNING number, (SELECT SUM(number) FROM "referrals_host"), {clock.sql()}',
            [Host._meta.pk.get_db_prep_value(host, connection)],
        )
        row = cursor.fetchone()
    return (row[0], int(row[1]), clock.read(row[2])) if row else None


# -- Hosts -------------------------------------------------------------------------------------


def may_deliver() -> bool:
    """Return whether this host may send anything. Once it may, this costs no statement."""
    mark = marks.read()
    return (mark is not None and mark.host in _admitted) or look()


def look() -> bool:
    """Compare the database with this host's mark; return whether the host may send anything.

    A restored database is noticed here. The very first host of a database is admitted; a further
    one asks, and waits for a person.
    """
    mark = marks.read() or marks.create()
    marks.keep(mark)
    known = _Known.of(mark)
    if mark.is_blank and not known.is_admitted:
        known = _ask(mark)
    elif known.is_below(mark):
        _note(mark)
        known = _Known.of(mark)
    elif known.total > mark.total:
        marks.raise_to(clock.now(), total=known.total)
    if known.is_admitted:
        _admitted.add(mark.host)
        return True
    _admitted.discard(mark.host)
    if mark.host not in _refused:
        _refused.add(mark.host)
        logger.error("this host delivers nothing: run manage.py restored, or manage.py new_host")
    return False


def found(**queries: QuerySet[Any]) -> frozenset[str] | None:
    """Return the names of the queries that find a row; None where `look` has to compare first.

    One statement, which also reads what `look` compares: it is all that a look for work costs
    where there is none. Raises OSError when the mark cannot be raised.
    """
    mark = marks.read()
    if mark is None or mark.host not in _admitted:
        return None
    marks.keep(mark)
    total = RawSQL('SELECT SUM(number) FROM "referrals_host"', [])
    exist = {name: Exists(rows) for name, rows in queries.items()}
    hosts = Host.objects.filter(pk=mark.host, admitted_at__isnull=False)
    host: Any = hosts.annotate(total=total, now=clock.Now(), **exist).order_by().first()
    if host is None or host.number < mark.number or host.total < mark.total:
        return None
    if host.total > mark.total:
        marks.raise_to(host.now, total=int(host.total))
    return frozenset(name for name in queries if getattr(host, name))


def look_without_asking() -> None:
    """Notice a restored database, in a program that does not deliver and needs no mark."""
    mark = marks.read()
    if mark is not None and not mark.is_blank:
        look()


def admit() -> bool:
    """Let this host deliver; False when it could already."""
    mark = marks.read() or marks.create()
    _ask(mark)
    admitted = Host.objects.filter(pk=mark.host, admitted_at=None).update(admitted_at=clock.now())
    _forget_who_asked()
    return bool(admitted)


def asking() -> QuerySet[Host]:
    """Return the hosts that deliver nothing until a person admits them."""
    return Host.objects.filter(admitted_at=None)


def _forget_who_asked() -> None:
    """Whoever still runs asks again at once; others may be gone for good."""
    asking().delete()


def _ask(mark: Mark) -> "_Known":
    """Make this host known; it is admitted when there is no other."""
    now = clock.now()
    Host.objects.get_or_create(pk=mark.host, defaults={"asked_at": now})
    if not Host.objects.filter(admitted_at__isnull=False).exists():
        Host.objects.filter(pk=mark.host).update(admitted_at=now)
    return _Known.of(mark)


@dataclass(frozen=True, slots=True)
class _Known:
    """What the database knows of this host, and the sum of all numbers."""

    own: Host | None
    total: int

    @classmethod
    def of(cls, mark: Mark) -> "_Known":
        hosts = {host.pk: host for host in Host.objects.all()}
        return cls(hosts.get(mark.host), sum(host.number for host in hosts.values()))

    @property
    def number(self) -> int:
        return self.own.number if self.own else 0

    @property
    def is_admitted(self) -> bool:
        return self.own is not None and self.own.admitted_at is not None

    def is_below(self, mark: Mark) -> bool:
        return self.number < mark.number or self.total < mark.total


# -- What may have arrived ---------------------------------------------------------------------


def restored() -> Restore:
    """A person says that the database was restored; this host may deliver from then on."""
    mark = marks.read() or marks.create()
    with marks.locked(), transaction.atomic():
        known_until = mark.at or _ask_time(mark)
        restore = _presume(clock.now(), known_until)
        _catch_up(mark)
        _forget_who_asked()
    return restore


def doubtful() -> QuerySet[Delivery]:
    """Return what may have arrived, and was not yet found or sent."""
    return Delivery.objects.filter(UNFINISHED, restore__isnull=False)


def _ask_time(mark: Mark) -> datetime | None:
    """Return when a host without a past asked: what is older than that was in the backup."""
    return Host.objects.filter(pk=mark.host).values_list("asked_at", flat=True).first()


def _note(mark: Mark) -> None:
    """Act on a database that is below the mark, unless another host or a person has done so."""
    with marks.locked(), transaction.atomic():
        if not _Known.of(mark).is_below(mark):
            return
        if not Restore.objects.filter(at__gt=mark.at).exists():
            _presume(clock.now(), mark.at)
        _catch_up(mark)


def _presume(now: datetime, known_until: datetime | None) -> Restore:
    """Let everything unfinished count as what may have arrived.

    Of what was so after an earlier restore, that stands too: nobody knows its keys any better.
    """
    restore = Restore.objects.create(at=now, known_until=known_until)
    unfinished = Delivery.objects.filter(UNFINISHED)
    count = unfinished.update(absent_steps=[])
    unfinished.filter(restore=None).update(restore=restore)
    logger.error(
        "the database was restored: what may have arrived is looked for first",
        extra={"deliveries": count},
    )
    return restore


def _catch_up(mark: Mark) -> None:
    """Raise the numbers to the mark, so that new ones are above all that was sent.

    What is missing of other hosts' numbers is added to this one's: each of them catches up by its
    own mark. Deliveries were written before the host is, here as in an intent: neither waits for
    the other.
    """
    known, now = _Known.of(mark), clock.now()
    number = max(known.number, mark.number)
    number += max(0, mark.total - (known.total - known.number + number))
    asked_at = known.own.asked_at if known.own else now
    Host.objects.update_or_create(
        pk=mark.host, defaults={"number": number, "asked_at": asked_at, "admitted_at": now}
    )


def is_absent(delivery: Delivery, step: Step) -> None:
    """Remember that a step of what may have arrived was looked for and is not there.

    Where nothing came before it, nothing of the delivery is there.
    """
    if delivery.restore_id is None:
        return
    if Step.objects.filter(version=step.version_id).exclude(name=step.name).exists():
        delivery.absent_steps = [*delivery.absent_steps, step.name]
    else:
        delivery.restore, delivery.absent_steps = None, []
    delivery.save(update_fields=["restore", "absent_steps"])
