"""Columns of many rows, each row with values of its own: written by one statement.

Django's `bulk_update` makes an expression for each value, which takes more time than all the rest
of taking in.
"""

from collections.abc import Collection, Mapping
from itertools import islice
from typing import Any

from django.db import connection, models

_VALUES = 3_000  # in one statement


def write(
    model: type[models.Model], names: Collection[str], values: Mapping[int, Collection[Any]]
) -> None:
    """Write these columns of rows of a model. `values` has theirs, in the order of the names."""
    meta: Any = model._meta
    fields = [meta.pk, *(meta.get_field(name) for name in names)]
    rows = iter(values.items())
    while part := list(islice(rows, max(1, _VALUES // len(fields)))):
        parameters = [
            field.get_db_prep_save(value, connection)
            for key, columns in part
            for field, value in zip(fields, (key, *columns), strict=True)
        ]
        with connection.cursor() as cursor:
            cursor.execute(_statement(meta.db_table, fields, len(part)), parameters)


def _statement(table: str, fields: Collection[Any], count: int) -> str:
    """Return the statement for so many rows. The first one says of which types the values are."""
    quote = connection.ops.quote_name
    typed = ", ".join(f"CAST(%s AS {field.rel_db_type(connection)})" for field in fields)
    plain = ", ".join(["%s"] * len(fields))
    rows = ", ".join([f"({typed})", *[f"({plain})"] * (count - 1)])
    key, *columns = (quote(field.column) for field in fields)
    sets = ", ".join(f"{column} = new.column{at}" for at, column in enumerate(columns, start=2))
    return (
        f"UPDATE {quote(table)} SET {sets} FROM (VALUES {rows}) AS new "  # noqa: S608 - our names
        f"WHERE {quote(table)}.{key} = new.column1"
    )
