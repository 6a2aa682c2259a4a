"""Encrypting everything that is stored anew: with the first key, and bound to its row.

What is so already is passed over, so an interrupted run is simply run again. The portal may run
meanwhile: nothing is overwritten that somebody changed, and a value or a file can be read at every
moment, in its old form or its new one.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID

from django.apps import apps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, models, transaction
from django.db.models import Count, F, Q
from django.db.models.expressions import ExpressionWrapper, Func, Value
from django.db.models.functions import Coalesce, Length

from core import audit, rowkeys
from core.encryption import (
    EncryptionError,
    bound_start,
    current_start,
    decrypt_stored,
    encrypt,
    key_checks,
    keyring,
)
from core.fields import EncryptedField, StoredFileField
from core.models import AuditEvent
from core.storage import EncryptedFileStorage

BATCH = 200  # rows
BATCH_BYTES = 4 * 1024 * 1024  # of their values
PASSES = 5  # a row that somebody has locked is passed over, and looked at once more
PAUSE = 1.0  # seconds between the passes
ROTATED = "rotate keys"  # in the audit trail, with what was counted
COMMAND_LINE = "command line"
BYTES = models.BinaryField()
storage = EncryptedFileStorage()


@dataclass
class Progress:
    """How far one field has come. `unreadable` lists the primary keys that no key decrypts."""

    label: str  # "app.model.field"
    total: int
    seen: int = 0
    renewed: int = 0
    unreadable: list[str] = field(default_factory=list)


class Other(NamedTuple):
    """Something that is stored neither in an encrypted field nor in a file.

    `renew` has it encrypted anew, `unbound` counts what is still bound to no row.
    """

    renew: Callable[[], Iterator[Progress]]
    unbound: Callable[[], int]


_others: list[Other] = []


def register(
    renew: Callable[[], Iterator[Progress]], unbound: Callable[[], int] = lambda: 0
) -> None:
    """Have something renewed, too, that is stored neither in an encrypted field nor in a file."""
    _others.append(Other(renew, unbound))


def rotate() -> Iterator[Progress]:
    """Go through all stored values and files; yield a field's progress after each batch."""
    for model in apps.get_models():
        if encrypted := _fields(model, EncryptedField):
            yield from _Values(model, encrypted).rotate()
        for named in _fields(model, StoredFileField):
            yield from _rotate_files(model, named)
    for other in _others:
        yield from other.renew()


def _fields(model: type[models.Model], kind: Any) -> list[Any]:
    return [one for one in model._meta.local_concrete_fields if isinstance(one, kind)]


# -- Is anything left of the earlier form? ---------------------------------------------------------


def count_unbound() -> int:
    """Count the stored values and files that are bound to no row."""
    found = sum(other.unbound() for other in _others)
    for model in apps.get_models():
        for encrypted in _fields(model, EncryptedField):
            found += _not_starting(encrypted, bound_start()).count()
        for named in _fields(model, StoredFileField):
            found += sum(_is_unbound(name) for name in _named(named))
    return found


def _named(named: Any) -> Iterator[str]:
    names = named.model._base_manager.exclude(**{named.attname: ""})
    yield from names.values_list(named.attname, flat=True).iterator()


def _is_unbound(name: str) -> bool:
    try:
        return not storage.header(name).bound
    except (EncryptionError, FileNotFoundError):
        return False  # it cannot be read anyway


def record() -> int:
    """Count what is bound to no row, write it down, and return it."""
    left = count_unbound()
    audit.record(COMMAND_LINE, ROTATED, key=keyring().primary, unbound=left)
    return left


def refuse_to_start() -> None:
    """Raise ImproperlyConfigured if a key is missing, or if REFUSE_UNBOUND refuses anything."""
    key_checks.refuse_to_start()
    if not settings.REFUSE_UNBOUND:
        return
    counted = AuditEvent.objects.filter(username=COMMAND_LINE, action=ROTATED)
    last = counted.order_by("-pk").first()
    if last is None or last.detail.get("unbound") != 0:
        raise ImproperlyConfigured(
            "REFUSE_UNBOUND is set, but not everything that is stored is bound to its row, or "
            "nobody has counted. Unset it, run `manage.py rotate_keys` until it counts none left, "
            "then set it again."
        )


# -- Values ----------------------------------------------------------------------------------------


def _as_stored(encrypted: Any) -> Any:
    """Return an expression for the bytes in the database, not decrypted."""
    return ExpressionWrapper(F(encrypted.attname), output_field=BYTES)


def _not_starting(encrypted: Any, start: bytes) -> Any:
    return _annotated(encrypted.model, [encrypted], start).filter(_other_start(encrypted, start))


def _annotated(model: Any, fields: list[Any], start: bytes) -> Any:
    """Return the rows of a model, each with how its values begin."""
    begin = {
        f"start_of_{one.attname}": Func(
            _as_stored(one), Value(1), Value(len(start)), function="SUBSTR", output_field=BYTES
        )
        for one in fields
    }
    return model._base_manager.annotate(**begin)


def _other_start(encrypted: Any, start: bytes) -> Q:
    is_there = Q(**{f"{encrypted.attname}__isnull": False})
    return is_there & ~Q(**{f"start_of_{encrypted.attname}": start})


class _Values:
    """The encrypted values of one model, row by row."""

    def __init__(self, model: type[models.Model], fields: list[Any]) -> None:
        self.model, self.fields = model, fields
        self.keyed = rowkeys.field_of(model) is not None
        self.start = current_start(bound=self.keyed)
        old = Q()
        for one in fields:
            old |= _other_start(one, self.start)
        self.old = _annotated(model, fields, self.start).filter(old)
        self.progress = self._progress()

    def _progress(self) -> dict[str, Progress]:
        rows = _annotated(self.model, self.fields, self.start)
        counts = {f"all_{one.attname}": Count(one.attname) for one in self.fields} | {
            f"old_{one.attname}": Count("pk", filter=_other_start(one, self.start))
            for one in self.fields
        }
        found = rows.aggregate(**counts)
        label = self.model._meta.label_lower
        return {
            one.attname: Progress(
                f"{label}.{one.name}",
                total=found[f"all_{one.attname}"],
                seen=found[f"all_{one.attname}"] - found[f"old_{one.attname}"],
            )
            for one in self.fields
        }

    def rotate(self) -> Iterator[Progress]:
        yield from self._pass()
        for _ in range(PASSES - 1):
            if not self._left().exists():
                break
            time.sleep(PAUSE)
            yield from self._pass()
        yield from self.progress.values()

    def _left(self) -> Any:
        unreadable = {pk for one in self.progress.values() for pk in one.unreadable}
        return self.old.exclude(pk__in=unreadable)

    def _pass(self) -> Iterator[Progress]:
        left, last = self._left().order_by("pk"), None
        while True:
            with _beside_others():
                batch = _batch(left if last is None else left.filter(pk__gt=last), self.fields)
                before = {name: one.renewed for name, one in self.progress.items()}
                for row in self._rows(batch):
                    self._renew(row)
            if not batch:
                return
            last = batch[-1]
            for name, one in self.progress.items():
                if one.renewed > before[name]:
                    yield one

    def _rows(self, batch: list[Any]) -> Any:
        """Return the rows of a batch as they are stored, each with its key."""
        rows = self.model._base_manager.filter(pk__in=batch)
        if self.keyed:
            rowkeys.give_keys(rows)
        stored = {f"stored_{one.attname}": _as_stored(one) for one in self.fields}
        key = [rowkeys.NAME] if self.keyed else []
        return rows.annotate(**stored).order_by("pk").values("pk", *key, *stored)

    def _renew(self, row: dict[str, Any]) -> None:
        """Write the values of a row anew. Its batch is locked: nobody changes it meanwhile."""
        key: UUID | None = row.get(rowkeys.NAME)
        columns: dict[str, Any] = {}
        for one in self.fields:
            old = bytes(row[f"stored_{one.attname}"] or b"")
            if not old or old.startswith(self.start):
                continue
            progress = self.progress[one.attname]
            progress.seen += 1
            try:
                new = encrypt(decrypt_stored(old, one.context, key), one.context, key)
            except EncryptionError:
                progress.unreadable.append(str(row["pk"]))
            else:
                progress.renewed += 1
                columns[one.attname] = Value(new, output_field=BYTES)
        if columns:
            self.model._base_manager.filter(pk=row["pk"]).update(**columns)


def _batch(rows: Any, fields: list[Any]) -> list[Any]:
    """Lock the next rows that nobody else has locked, and return their primary keys.

    On SQLite the transaction has locked all rows, from its begin on.
    """
    if connection.features.has_select_for_update_skip_locked:
        # Nobody is waited for while locks are held, so there is no deadlock with the portal.
        rows = rows.select_for_update(skip_locked=True, of=("self",))
    size = sum((Coalesce(Length(_as_stored(one)), 0) for one in fields), Value(0))
    batch: list[Any] = []
    room = BATCH_BYTES
    for pk, length in rows.annotate(length=size).values_list("pk", "length")[:BATCH]:
        if batch and length > room:
            break
        batch.append(pk)
        room -= length
    return batch


@contextmanager
def _beside_others() -> Iterator[None]:
    """Run in a transaction, and then leave as much time to those who wait to write.

    On SQLite one alone can write, and who waits looks only now and then whether it is their turn.
    """
    began = time.monotonic()
    with transaction.atomic():
        yield
    if connection.vendor == "sqlite":
        time.sleep(time.monotonic() - began)


# -- Files -----------------------------------------------------------------------------------------


def _rotate_files(model: type[models.Model], named: Any) -> Iterator[Progress]:
    rows = model._base_manager.exclude(**{named.attname: ""}).order_by("pk")
    progress = Progress(f"{model._meta.label_lower}.{named.name}", total=rows.count())
    last = None
    while True:
        after = rows if last is None else rows.filter(pk__gt=last)
        batch = list(after.only(rowkeys.NAME, named.attname)[:BATCH])
        if not batch:
            break
        for row in batch:
            try:
                progress.renewed += _renew_file(row, named.attname)
            except (EncryptionError, FileNotFoundError):
                if _still_names(row, named.attname).exists():
                    progress.unreadable.append(str(row.pk))
        last = batch[-1].pk
        progress.seen += len(batch)
        yield progress
    yield progress


def _renew_file(row: models.Model, column: str) -> bool:
    name: str = getattr(row, column)
    header = storage.header(name)
    if header.bound and header.key_id == keyring().primary:
        return False
    key = rowkeys.key_of(row)
    if key is None:
        return False  # it is gone
    if header.bound or not _named_by_others(row, column):
        return storage.reseal(name, key)
    own = storage.copy(name, key)
    if not _still_names(row, column).update(**{column: own}):
        storage.delete(own)
    return True


def _still_names(row: models.Model, column: str) -> Any:
    return type(row)._base_manager.filter(pk=row.pk, **{column: getattr(row, column)})


def _named_by_others(row: models.Model, column: str) -> bool:
    """Return whether it is the file of several rows, as it could be before files were bound."""
    others = type(row)._base_manager.filter(**{column: getattr(row, column)})
    return others.exclude(pk=row.pk).exists()
