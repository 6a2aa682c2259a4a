"""A directory of many services, made from a few by SQL: to import so many takes hours.

Each copy of a row has the row's key and number, moved by so much a copy, and ids of its own: all
ids that are planted begin with `ORIGINAL`, also within stored answers, and those of a copy with
the number of the copy. What was planted before `first` is shared by all copies: terms. PostgreSQL.
"""

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.db import connection, models, transaction

ORIGINAL = "00000000-"
_APART = 1_000_000  # between the keys of a row and those of its first copy
_SETTINGS = ("directory", "supplier", "supplierimport", "view", "hours", "unit", "place", "town")
_OF_PARTNERS = ("datapartner", "datapartnertoken", "numbering", "taxonomy", "taxonomyterm")
# Keys of rows that are no foreign keys.
_LINKS = {("attribute", "link"), ("fingerprint", "row")}


@transaction.atomic
def multiply(copies: int, first: int) -> None:
    """Make so many copies of all entries from the key `first` on, with all that was built."""
    with connection.cursor() as cursor:
        for model in _models():
            cursor.execute(_insertion(model, first), {"copies": copies, "first": first})
        cursor.execute(
            "UPDATE directory_view SET last_number = last_number + (last_number + 1) * %(copies)s",
            {"copies": copies},
        )
        for model in _models():
            if isinstance(model._meta.pk, models.AutoField):
                table, key = model._meta.db_table, model._meta.pk.column
                cursor.execute(
                    f"SELECT setval(pg_get_serial_sequence('{table}', '{key}'), "
                    f"(SELECT max({key}) FROM {table}))"
                )


def _models() -> Iterator[Any]:
    """Yield the models whose rows are copied."""
    for model in apps.get_app_config("directory").get_models():
        name = model._meta.model_name or ""
        is_history = name.startswith("historical")
        if name not in _SETTINGS + _OF_PARTNERS and not is_history and model.objects.exists():
            yield model


def _insertion(model: Any, first: int) -> str:
    table = model._meta.db_table
    fields = model._meta.concrete_fields
    names = ", ".join(f'"{field.column}"' for field in fields)
    values = ", ".join(_copied(model, field) for field in fields)
    owners = [f'source."{field.column}" >= %(first)s' for field in fields if _is_owner(field)]
    return (
        f"INSERT INTO {table} ({names}) SELECT {values} FROM {table} source "
        f"CROSS JOIN generate_series(1, %(copies)s) AS copy "
        f"LEFT JOIN directory_view view ON {_of_view(model)} "
        f"WHERE {' AND '.join(owners) or 'true'}"
    )


def _of_view(model: Any) -> str:
    return "view.id = source.view_id" if model._meta.model_name == "membership" else "false"


def _is_owner(field: Any) -> bool:
    """Return whether it names the entry that a row is, or is about."""
    return field.name in ("entry", "holder") or (
        field.primary_key and field.model._meta.model_name == "entry"
    )


def _copied(model: Any, field: Any) -> str:
    name, value = model._meta.model_name, f'source."{field.column}"'
    related = field.related_model._meta.model_name if field.related_model else ""
    is_key = isinstance(field, models.AutoField) or (name, field.name) in _LINKS
    if is_key or (related and related not in _SETTINGS + _OF_PARTNERS):
        shared = f"{value} < %(first)s AND " if related == "entry" else "false AND "
        moved = f"{value} + copy * {_APART}"
        return f"CASE WHEN {shared}true THEN {value} ELSE {moved} END"
    if isinstance(field, models.UUIDField):
        return f"(lpad(to_hex(copy), 8, '0') || substr({value}::text, 9))::uuid"
    if (name, field.name) in {("answer", "full"), ("answer", "flat")}:
        return f"replace({value}, '\"{ORIGINAL}', '\"' || lpad(to_hex(copy), 8, '0') || '-')"
    if (name, field.name) == ("entry", "number"):
        return f"{value} + copy * {_APART}"
    if (name, field.name) in {("membership", "number"), ("membership", "entered")}:
        return f"{value} + copy * (view.last_number + 1)"
    return value
