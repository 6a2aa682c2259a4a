"""Models whose encrypted values and files are bound to their rows, and the update of one row.

The fields see to the binding (`core.fields`); here is what a model has to add to that.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection, models, transaction
from simple_history.models import HistoricalRecords

from core import rowkeys
from core.fields import Bound, EncryptedField
from core.rowkeys import NAME, RowKeyField


class KeyedModel(models.Model):
    """A model with encrypted values, or with files in the encrypted storage."""

    row_key = RowKeyField()

    class Meta:
        abstract = True

    def save_base(self, *args: Any, **kwargs: Any) -> None:
        super().save_base(*args, **kwargs)
        rowkeys.was_inserted(self)

    def _do_update(self, base_qs: Any, using: Any, pk_val: Any, values: Any, *args: Any) -> Any:
        """Write no key, and what is bound to the row's key only while that is its key."""
        values = [
            (field, model, _bound(field, value, self))
            for field, model, value in values
            if not isinstance(field, RowKeyField)
        ]
        if any(isinstance(value, Bound) for *_, value in values):
            key = rowkeys.key_of(self, using)
            if key is None:
                return False  # there is no such row: it will be inserted
            values = [(field, model, _bound(field, value, key)) for field, model, value in values]
            base_qs = base_qs.filter(row_key=key)
        return super()._do_update(base_qs, using, pk_val, values, *args)

    def _do_insert(
        self, manager: Any, using: str, fields: Any, returning_fields: Any, raw: bool
    ) -> Any:
        return manager._insert(
            [_Raw(self) if raw else self],
            fields=fields,
            returning_fields=returning_fields,
            using=using,
            raw=raw,
        )


class _Raw:
    """A row that is inserted as it is, from a dump: only its key is new, and values are bound."""

    def __init__(self, row: models.Model) -> None:
        self._row = row

    def __getattr__(self, name: str) -> Any:
        field = self._row._meta.get_field(name)
        if isinstance(field, RowKeyField | EncryptedField):
            return field.pre_save(self._row, add=True)
        return getattr(self._row, name)


class KeyedHistory(HistoricalRecords):  # type: ignore[misc]
    """The history of a KeyedModel: a row of it has a key of its own, not a copy."""

    def __init__(self, *args: Any, excluded_fields: Iterable[str] = (), **kwargs: Any) -> None:
        kwargs["excluded_fields"] = [*excluded_fields, rowkeys.NAME]
        super().__init__(*args, **{"bases": (KeyedModel,), **kwargs})


def update_one(rows: "models.QuerySet[Any]", row: models.Model, /, **columns: Any) -> bool:
    """Update the row if it is one of `rows`; say whether it was.

    Its encrypted columns are bound to it, which `rows.update()` could not do. The row as it is in
    memory is left alone.
    """
    fields = {name: row._meta.get_field(name) for name in columns}
    columns = {name: _bound(fields[name], value, row) for name, value in columns.items()}
    if any(isinstance(value, Bound) for value in columns.values()):
        key = rowkeys.key_of(row)
        if key is None:
            return False  # it is gone
        rows = rows.filter(row_key=key)
        columns = {name: _bound(fields[name], value, key) for name, value in columns.items()}
    return bool(rows.filter(pk=row.pk).update(**columns))


def update_each(rows: Sequence[models.Model], *names: str) -> None:
    """Write these columns of several rows of one model, as they are in memory, in one go.

    Encrypted columns are bound to their rows, and written only where the row is there still.
    """
    if not rows:
        return
    meta: Any = rows[0]._meta
    fields = [meta.get_field(name) for name in names]
    quoted = [connection.ops.quote_name(str(field.column)) for field in fields]
    pk, key = (
        connection.ops.quote_name(str(one.column)) for one in (meta.pk, meta.get_field(NAME))
    )
    table = connection.ops.quote_name(meta.db_table)
    sets = ", ".join(f"{column} = %s" for column in quoted)
    sql = f"UPDATE {table} SET {sets} WHERE {pk} = %s AND {key} = %s"  # noqa: S608 - our names
    every = [(row, rowkeys.key_of(row)) for row in rows]
    values = [
        [
            *(_written(field, _bound(field, getattr(row, field.name), known)) for field in fields),
            _written(meta.pk, row.pk),
            _written(meta.get_field(NAME), known),
        ]
        for row, known in every
        if known is not None
    ]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.executemany(sql, values)


def _written(field: Any, value: Any) -> Any:
    return field.get_db_prep_save(value, connection)


def _bound(field: Any, value: Any, row: Any) -> Any:
    return field.bound(value, row) if isinstance(field, EncryptedField) else value
