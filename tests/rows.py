"""What is stored in encrypted columns: written past the code that is tried, and made older."""

from typing import Any

from django.db.models import BinaryField, ExpressionWrapper, F, Model, QuerySet, Value

from core import encryption
from core.database.rows import update_one
from core.fields import EncryptedField


def write(rows: "QuerySet[Any]", **columns: Any) -> None:
    """Write the columns into each of the rows, whatever their models would see to."""
    for row in rows if columns else ():
        assert update_one(type(row)._base_manager.all(), row, **columns)


def as_stored(row: Model, name: str) -> bytes:
    """Return the bytes of an encrypted column."""
    as_bytes = ExpressionWrapper(F(name), output_field=BinaryField())
    rows = type(row)._base_manager.filter(pk=row.pk)
    return bytes(rows.annotate(it=as_bytes).values_list("it", flat=True).get())


def put(row: Model, name: str, stored: bytes) -> None:
    """Write bytes into an encrypted column as they are."""
    value = Value(stored, output_field=BinaryField())
    type(row)._base_manager.filter(pk=row.pk).update(**{name: value})


def put_unbound(row: Model, field: Any, value: Any) -> None:
    """Write a value in the form of before rows had keys."""
    put(row, field.attname, encryption.encrypt(field.dump(value), field.context))


def of_before(row: Any) -> Any:
    """Make a row one of before rows had keys, and return it as it is then."""
    rows = type(row)._base_manager.filter(pk=row.pk)
    for field in row._meta.local_concrete_fields:
        if isinstance(field, EncryptedField) and getattr(row, field.attname) is not None:
            put_unbound(row, field, getattr(row, field.attname))
    rows.update(row_key=None)
    return rows.get()
