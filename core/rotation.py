"""Encrypting everything that is stored with the first key of ENCRYPTION_KEYS.

Values and files that have it already are passed over, so an interrupted run is simply run again.
Nothing is overwritten that somebody changed meanwhile.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.apps import apps
from django.db import models
from django.db.models.expressions import ExpressionWrapper, F, Value

from core.encryption import EncryptionError, decrypt, encrypt, is_current
from core.fields import EncryptedField
from core.storage import EncryptedFileStorage

BATCH = 200


@dataclass
class Progress:
    """How far one field has come. `unreadable` lists the primary keys that no key decrypts."""

    label: str  # "app.model.field"
    total: int
    seen: int = 0
    renewed: int = 0
    unreadable: list[str] = field(default_factory=list)


Renewal = Callable[[], Iterator[Progress]]
_others: list[Renewal] = []


def register(renewal: Renewal) -> None:
    """Have something renewed, too, that is stored neither in an encrypted field nor in a file."""
    _others.append(renewal)


def rotate() -> Iterator[Progress]:
    """Go through all stored values and files; yield the field's progress after each batch."""
    for model in apps.get_models():
        for stored in model._meta.local_concrete_fields:
            if isinstance(stored, EncryptedField):
                yield from _rotate(stored, _as_stored(stored), _renew_value)
            elif isinstance(stored, models.FileField) and _is_encrypted(stored):
                yield from _rotate(stored, F(stored.attname), _renew_file)
    for renewal in _others:
        yield from renewal()


def _is_encrypted(stored: models.FileField) -> bool:
    return isinstance(stored.storage, EncryptedFileStorage)


def _as_stored(stored: EncryptedField[Any, Any]) -> "ExpressionWrapper[Any]":
    """Return an expression for the bytes in the database, not decrypted."""
    return ExpressionWrapper(F(stored.attname), output_field=models.BinaryField())


def _rotate(stored: Any, expression: Any, renew: Any) -> Iterator[Progress]:
    rows = stored.model._base_manager.annotate(stored_value=expression).exclude(stored_value=None)
    progress = Progress(f"{stored.model._meta.label_lower}.{stored.name}", total=rows.count())
    last = None
    while batch := list(_after(rows, last).values_list("pk", "stored_value")[:BATCH]):
        for pk, value in batch:
            try:
                progress.renewed += bool(value) and renew(stored, pk, value)
            except (EncryptionError, FileNotFoundError):
                progress.unreadable.append(str(pk))
        last = batch[-1][0]
        progress.seen += len(batch)
        yield progress


def _after(rows: Any, pk: Any) -> Any:
    return (rows if pk is None else rows.filter(pk__gt=pk)).order_by("pk")


def _renew_value(stored: EncryptedField[Any, Any], pk: Any, value: Any) -> bool:
    old = bytes(value)
    if is_current(old):
        return False
    new = encrypt(decrypt(old, stored.context), stored.context)
    unchanged = stored.model._base_manager.annotate(stored_value=_as_stored(stored)).filter(
        pk=pk, stored_value=old
    )
    updated = unchanged.update(**{stored.name: Value(new, output_field=models.BinaryField())})
    return bool(updated)


def _renew_file(stored: models.FileField, pk: Any, name: str) -> bool:
    storage: Any = stored.storage
    return bool(storage.reseal(name))
