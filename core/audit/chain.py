"""The seals of the audit trail: whoever changes the database alone cannot change what was done.

The dispatcher seals what was written since its last look, in batches: of each event a keyed digest
(HMAC-SHA256), and of each batch one over these and over the digest of the batch before. The key is
derived from ENCRYPTION_KEYS, which the database does not hold. So an event that was changed,
swapped, or deleted is found, and so is a seal.

A chain cannot show that its end was cut off. Therefore its heads are kept outside the database:
each seal's number, time, and digest is a line of the file AUDIT_HEADS. Any one of them, kept
anywhere, proves all that was sealed up to it.

Two things may be missing and are whole: what was purged when its time was over, and, after a
restore, what was written since the backup. Seals of their own say so, which take the key as well.
"""

import hmac
import json
import logging
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import Max, Min

from core.database import clock
from core.encryption import EncryptionError, derived_keys
from core.models import AppendOnlyModel, AuditEvent, AuditKey, AuditSeal

logger = logging.getLogger(__name__)

PURPOSE = "audit trail"
EVERY = 30  # seconds between two seals of one dispatcher
BATCH = 1000  # events of one seal
LATE = timedelta(hours=1)  # a transaction that began with an earlier id ends within
UNSEALED = timedelta(minutes=5)  # what is older and not sealed is named
SEALS = 100  # read, or purged, at a time
COLUMNS = ("id", "user_id", "username", "ip", "action", "object_type", "object_id", "object_label")

_sealed_at = float("-inf")  # by this process


class Head(NamedTuple):
    """What is kept of a seal outside the database."""

    number: int
    at: datetime
    digest: str

    def __str__(self) -> str:
        return f"{self.number} {self.at.astimezone(UTC).isoformat()} {self.digest}"


@dataclass
class Found:
    """What a check has found. The trail is whole if there are no `problems`."""

    seals: int = 0
    sealed: int = 0
    waiting: int = 0  # events that will be sealed soon
    heads: int = 0  # of those given, how many agree
    notes: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


# -- Sealing ---------------------------------------------------------------------------------------


def seal_regularly() -> None:
    """Seal, if this process has not done so for a while. Several dispatchers may do it at once."""
    global _sealed_at
    if time.monotonic() >= _sealed_at + EVERY:
        _sealed_at = time.monotonic()
        seal()
        purge_expired()


def seal() -> int:
    """Seal all events that are not sealed yet; return how many."""
    count = 0
    while True:
        # The last seal is read first: if another process seals the same events meanwhile, its seal
        # has the number that ours would have, and ours is refused.
        last = _last()
        events = _unsealed(last)
        if not events or _append(last, AuditSeal.Why.WRITTEN, events) is None:
            return count
        count += len(events)


def restored() -> None:
    """Write into the chain that the database was restored from a backup."""
    last = _last()
    after = last.number if last else 0  # what had a higher number is not in the backup
    seal()
    while _append(_last(), AuditSeal.Why.RESTORED, after=after) is None:
        pass  # another process was quicker


def last_head() -> Head | None:
    """Return the newest seal's head, to be kept outside; None where nothing is sealed yet."""
    last = _last()
    return None if last is None else _head(last)


def _last() -> AuditSeal | None:
    return AuditSeal.objects.order_by("-number").defer("entries").first()


def _unsealed(last: AuditSeal | None) -> Sequence[AuditEvent]:
    """Return the next events to seal: new ones, and those whose transaction ended late."""
    events = AuditEvent.objects.order_by("pk")
    if last is None:
        return list(events[:BATCH])
    late = _late(last)
    return [*events.filter(pk__in=late), *events.filter(pk__gt=last.through)[: BATCH - len(late)]]


def _late(last: AuditSeal) -> list[int]:
    recent = AuditEvent.objects.filter(pk__lte=last.through, at__gte=clock.now() - LATE)
    ids = set(recent.values_list("pk", flat=True))
    if ids:
        seals = AuditSeal.objects.filter(through__gte=min(ids))
        for entries in seals.values_list("entries", flat=True).iterator():
            ids.difference_update(_entries(entries))
    return sorted(ids)[:BATCH]


def _append(
    last: AuditSeal | None, why: str, events: Sequence[AuditEvent] = (), **detail: Any
) -> AuditSeal | None:
    """Write the next seal; return it, or None if another process has just written one."""
    key_id, key = next(iter(derived_keys(PURPOSE).items()))
    now = clock.now()
    seal = AuditSeal(
        number=1 if last is None else last.number + 1,
        at=now,
        why=why,
        detail=detail,
        entries=[[event.pk, _digest(key, _event(event))] for event in events],
        through=max([last.through if last else 0, *(event.pk for event in events)]),
        until=max((event.at for event in events), default=now),
        key_id=key_id,
    )
    seal.digest = _digest(key, _seal(seal, last.digest if last else ""))
    try:
        with transaction.atomic():
            _keep_key(key_id, key)
            seal.save()
    except IntegrityError:
        return None
    transaction.on_commit(lambda: _note(seal))
    return seal


def _keep_key(key_id: str, key: bytes) -> None:
    if not AuditKey.objects.filter(key_id=key_id).exists():
        AuditKey.objects.create(key_id=key_id, value=key.hex())


def _event(event: AuditEvent) -> list[Any]:
    values = [getattr(event, name) for name in COLUMNS]
    return ["event", event.at.astimezone(UTC).isoformat(), event.detail, *values]


def _seal(seal: AuditSeal, before: str) -> list[Any]:
    times = [time.astimezone(UTC).isoformat() for time in (seal.at, seal.until)]
    what = [seal.why, seal.detail, seal.entries, seal.through]
    return ["seal", seal.number, *times, *what, before]


def _entries(stored: Any) -> dict[int, str]:
    """Return the digests of a seal's events by id; none where somebody has put something else."""
    try:
        return {int(pk): str(digest) for pk, digest in stored}
    except (TypeError, ValueError):
        return {}


def _agree(digest: str, other: str) -> bool:
    return hmac.compare_digest(digest.encode(), other.encode())


def _digest(key: bytes, values: list[Any]) -> str:
    text = json.dumps(values, sort_keys=True, separators=(",", ":"))
    return hmac.digest(key, text.encode(), "sha256").hex()


# -- Heads, outside the database -------------------------------------------------------------------


def heads_file() -> Path:
    return Path(settings.AUDIT_HEADS)


def read_heads(file: Path) -> list[Head]:
    """Return the heads in a file. Raises OSError; a line that is none is passed over."""
    return [head for line in file.read_text().splitlines() if (head := _read(line))]


def _read(line: str) -> Head | None:
    try:
        number, at, digest = line.split()
        return Head(int(number), datetime.fromisoformat(at), digest)
    except ValueError:
        return None


def _head(seal: AuditSeal) -> Head:
    return Head(seal.number, seal.at, seal.digest)


def _note(seal: AuditSeal) -> None:
    """Write its head, after those that other hosts have sealed, or a crash has kept from the file.

    A file that cannot be written stops no seal: the next one writes what it lacks.
    """
    try:
        heads_file().parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(os.open(heads_file(), os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600), "r+") as file:
            noted = _last_noted(file)
            between = AuditSeal.objects.filter(number__gt=noted, number__lt=seal.number)
            missing = between.order_by("number").only("number", "at", "digest").iterator()
            file.write("".join(f"\n{_head(one)}" for one in missing) + f"\n{_head(seal)}\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        logger.warning("AUDIT_HEADS cannot be written: %s", type(error).__name__)


def _last_noted(file: Any) -> int:
    end = file.seek(0, os.SEEK_END)
    file.seek(max(0, end - 4096))
    heads = [head for line in file.read().splitlines() if (head := _read(line))]
    return heads[-1].number if heads else 0


# -- Checking --------------------------------------------------------------------------------------


def check(heads: Iterable[Head] = ()) -> Found:
    """Return what was changed or is gone, compared with the seals and with heads kept outside."""
    return _Check().run(heads)


class _Check:
    """One pass over all seals, in their order."""

    def __init__(self) -> None:
        self.found = Found()
        self.keys = _keys()
        self.digests: dict[int, str] = {}  # by the number of the seal
        self.restores: list[AuditSeal] = []
        self.purged = 0  # the number of the last seal that was purged
        self.sealed: set[int] = set()

    def run(self, heads: Iterable[Head]) -> Found:
        before = self._begin()
        seals = AuditSeal.objects.order_by("number").iterator(chunk_size=SEALS)
        while some := list(islice(seals, SEALS)):
            ids = [pk for seal in some for pk in _entries(seal.entries)]
            events = AuditEvent.objects.in_bulk(ids)
            for seal in some:
                before = self._look_at(seal, before, events)
        self._look_for_unsealed()
        for head in heads:
            self._compare(head)
        self.found.sealed, self.found.seals = len(self.sealed), len(self.digests)
        return self.found

    def _begin(self) -> tuple[int, str]:
        """Return the number and the digest of the last seal that was purged.

        The seal that says so is checked in its turn, as all are.
        """
        purges = AuditSeal.objects.filter(why=AuditSeal.Why.PURGED).order_by("number")
        details = [seal.detail for seal in purges if isinstance(seal.detail, dict)]
        if not details or not isinstance(details[-1].get("through"), int):
            return 0, ""
        self.purged = details[-1]["through"]
        self.found.notes.append(f"Purged when their time was over: the seals up to {self.purged}.")
        return self.purged, str(details[-1].get("digest"))

    def _look_at(
        self, seal: AuditSeal, before: tuple[int, str], events: Mapping[int, AuditEvent]
    ) -> tuple[int, str]:
        number, digest = before
        if seal.number != number + 1:
            self._report(f"Seals are gone: {number + 1} to {seal.number - 1}.")
        self.digests[seal.number] = seal.digest
        key = self.keys.get(seal.key_id)
        if key is None:
            self._report(f"Seal {seal.number} cannot be checked: there is no key {seal.key_id}.")
            return seal.number, seal.digest
        if not _agree(_digest(key, _seal(seal, digest)), seal.digest):
            self._report(f"Seal {seal.number} was changed, or what comes before it.")
        elif seal.why == AuditSeal.Why.RESTORED:
            self.restores.append(seal)
        for pk, its in _entries(seal.entries).items():
            self._look_at_event(pk, its, key, events.get(pk))
        return seal.number, seal.digest

    def _look_at_event(self, pk: int, digest: str, key: bytes, event: AuditEvent | None) -> None:
        if pk in self.sealed:
            self._report(f"Entry {pk} is sealed twice.")
        self.sealed.add(pk)
        if event is None:
            self._report(f"Entry {pk} is gone.")
        elif not _agree(_digest(key, _event(event)), digest):
            self._report(f"Entry {pk} was changed.")

    def _look_for_unsealed(self) -> None:
        limit = clock.now() - UNSEALED
        for pk, at in AuditEvent.objects.order_by("pk").values_list("pk", "at").iterator():
            if pk in self.sealed:
                continue
            if at > limit:
                self.found.waiting += 1
            else:
                self._report(f"Entry {pk} is not sealed.")

    def _compare(self, head: Head) -> None:
        if head.number <= self.purged:
            return
        if _agree(self.digests.get(head.number, ""), head.digest):
            self.found.heads += 1
            return
        for seal in self.restores:
            if head.number > seal.detail["after"] and head.at <= seal.at:
                note = f"Not in the backup that was restored on {seal.at:%Y-%m-%d %H:%M} UTC: "
                self.found.notes.append(f"{note}seal {head.number}.")
                return
        is_there = head.number in self.digests
        self._report(
            f"Seal {head.number} of {head.at:%Y-%m-%d %H:%M} UTC, whose head was kept outside, is "
            + ("another one now." if is_there else "gone.")
        )

    def _report(self, problem: str) -> None:
        self.found.problems.append(problem)


def _keys() -> dict[str, bytes]:
    """Return the keys of seals by id: of ENCRYPTION_KEYS, and of those that were in use before."""
    keys = dict(derived_keys(PURPOSE))
    for key_id in AuditKey.objects.exclude(key_id__in=keys).values_list("key_id", flat=True):
        try:
            keys[key_id] = bytes.fromhex(AuditKey.objects.get(key_id=key_id).value)
        except EncryptionError:
            continue  # its seals are named
    return keys


# -- When their time is over -----------------------------------------------------------------------


def purge_expired() -> int:
    """Delete what AUDIT_DAYS says is old enough, where this role may; return how many events."""
    if not settings.AUDIT_DAYS or not may_change():
        return 0
    return purge(clock.now() - timedelta(days=settings.AUDIT_DAYS))


def purge(before: datetime) -> int:
    """Delete the events of the seals whose events are all older; return how many.

    What is left is as verifiable as before: a seal says what was purged.
    """
    seal()
    count = 0
    while (last := _last()) and (seals := _seals_until(before)):
        ids = [pk for one in seals for pk in _entries(one.entries)]
        through = seals[-1]
        with transaction.atomic():
            detail: dict[str, Any] = {"through": through.number, "digest": through.digest}
            if _append(last, AuditSeal.Why.PURGED, **detail) is None:
                break
            AuditSeal._base_manager.filter(number__lte=through.number).delete()
            AuditEvent._base_manager.filter(pk__in=ids).delete()
        count += len(ids)
    return count


def _seals_until(before: datetime) -> list[AuditSeal]:
    kept = AuditSeal.objects.filter(until__gte=before).aggregate(first=Min("number"))["first"]
    # What says that others were purged is needed until the next one says so.
    purges = AuditSeal.objects.filter(why=AuditSeal.Why.PURGED)
    last_purge = purges.aggregate(last=Max("number"))["last"]
    seals = AuditSeal.objects.order_by("number")
    if kept is not None:
        seals = seals.filter(number__lt=kept)
    found = list(seals[:SEALS])
    return found if any(one.number != last_purge for one in found) else []


def may_change(role: str | None = None, model: type[AppendOnlyModel] = AuditEvent) -> bool:
    """Return whether a role of the database, or ours, may change or delete what is in the trail.

    On SQLite everybody may who can write at all.
    """
    if connection.vendor != "postgresql":
        return True
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT has_table_privilege(role, oid, 'UPDATE, DELETE, TRUNCATE')"
            " OR pg_has_role(role, relowner, 'MEMBER')"
            " FROM pg_class, CAST(COALESCE(%s, current_user::text) AS name) AS role"
            " WHERE pg_class.oid = %s::regclass",
            [role, model._meta.db_table],
        )
        (may,) = cursor.fetchone()
    return bool(may)
