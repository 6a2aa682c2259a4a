"""Keys of rows: what encrypted values and files are bound to.

Whoever can write to the database can copy a value into a row of their own. It is refused there,
because that row has another key. A key is random, made in Python, and stays with its row for good:
a new row gets it as it is inserted, a row of before by a conditional UPDATE of its own.
"""

from typing import Any
from uuid import UUID, uuid4

from django.core.exceptions import FieldDoesNotExist
from django.db import models, router, transaction
from django.db.models.expressions import Case, Col, Value, When

NAME = "row_key"
_NEXT = "next_row_key"  # in the state of a row that is still to be inserted
_END = b"/"  # of the key before a value; in no key, and in no encrypted value


class RowKeyField(models.UUIDField):  # type: ignore[type-arg]
    """The key of a row; NULL until one is needed by a row that was there before it had this column.

    Nothing outside the row knows it: a dump leaves it out, a copy of the row gets another one.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs |= {"null": True, "unique": True, "editable": False, "serialize": False}
        super().__init__(*args, **kwargs)
        # Before all other columns, also where a migration adds it last: an INSERT prepares its
        # values in this order, and those that are bound to the key need it.
        self.creation_counter = models.Field.auto_creation_counter
        models.Field.auto_creation_counter -= 1

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        for option in ("null", "unique", "editable", "serialize"):
            kwargs.pop(option, None)
        return name, path, args, kwargs

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        if not add:
            return models.F(self.attname)  # it stays as it is
        key = getattr(model_instance._state, _NEXT, None) or uuid4()
        setattr(model_instance, self.attname, key)
        return key


def field_of(model: type[models.Model]) -> RowKeyField | None:
    """Return the column with the keys of a model's rows; None where they have none."""
    try:
        found: Any = model._meta.get_field(NAME)
    except FieldDoesNotExist:
        return None
    return found if isinstance(found, RowKeyField) else None


def key_of(row: models.Model, using: str | None = None) -> UUID | None:
    """Return the key of a stored row, which gets one here if it has none; None if it is not there.

    What is bound to the key must be written under the condition that the row has it: see
    `core.database.rows`. In a transaction the row does not remember a key that it got here, which a
    rollback would take back.
    """
    known: UUID | None = getattr(row, NAME)
    if known is not None:
        return known
    using = using or router.db_for_write(type(row), instance=row)
    rows = type(row)._base_manager.using(using).filter(pk=row.pk)
    rows.filter(**{NAME: None}).update(**{NAME: uuid4()})
    # Read back: somebody else may have been quicker.
    key: UUID | None = rows.values_list(NAME, flat=True).first()
    if not transaction.get_connection(using).in_atomic_block:
        setattr(row, NAME, key)
    return key


def give_keys(rows: models.QuerySet[Any]) -> None:
    """Give each of these rows a key of its own, unless it has one. It must be read back."""
    without = rows.filter(**{NAME: None})
    keys = [
        When(pk=pk, then=Value(uuid4(), output_field=models.UUIDField()))
        for pk in without.values_list("pk", flat=True)
    ]
    if keys:
        without.update(**{NAME: Case(*keys)})


def key_for_files(row: models.Model) -> UUID:
    """Return the key of a row, stored or still to be inserted, for a file that it will name."""
    if not row._state.adding and (key := key_of(row)):
        return key
    made: UUID = row._state.__dict__.setdefault(_NEXT, uuid4())
    return made


def known_key(row: models.Model) -> UUID | None:
    """Return the key that the row has, or will be inserted with, as far as it is known here."""
    known: UUID | None = getattr(row, NAME) or getattr(row._state, _NEXT, None)
    return known


def was_inserted(row: models.Model) -> None:
    """Forget the key that the row was to be inserted with: a copy of it gets another one."""
    row._state.__dict__.pop(_NEXT, None)


# -- Reading ---------------------------------------------------------------------------------------


class KeyedColumn(Col):
    """A column that is read together with its row's key, however it is asked for.

    So a value is decrypted in `values()`, too, or where the row's other columns are deferred, and
    key and value always come of one state of the row.
    """

    def select_format(self, compiler: Any, sql: str, params: Any) -> tuple[str, Any]:
        key, _ = compiler.compile(field_of(self.target.model).get_col(self.alias))  # type: ignore[union-attr]
        if compiler.connection.vendor == "postgresql":
            return f"convert_to(COALESCE({key}::text, '') || '/', 'UTF8') || {sql}", params
        return f"CAST(COALESCE({key}, '') || '/' || {sql} AS BLOB)", params


def split(selected: bytes) -> tuple[UUID | None, bytes]:
    """Return the key and the value of what a KeyedColumn has selected."""
    end = selected.index(_END)
    return UUID(selected[:end].decode()) if end else None, selected[end + 1 :]
