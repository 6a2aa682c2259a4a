"""Lookups that Django has not, or not for every database that we run on."""

from typing import Any

from django.db.models import JSONField, Lookup


@JSONField.register_lookup
class Holds(Lookup):
    """`names__holds="x"`: the JSON value is a list with this text in it.

    On PostgreSQL, a GIN index of the column with `jsonb_path_ops` serves it.
    """

    lookup_name = "holds"
    prepare_rhs = False

    def get_db_prep_lookup(self, value: Any, connection: Any) -> tuple[str, Any]:
        return "%s", [str(value)]

    def as_postgresql(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        column, params = self.process_lhs(compiler, connection)
        _, values = self.process_rhs(compiler, connection)
        return f"{column} @> jsonb_build_array(%s::text)", [*params, *values]

    def as_sqlite(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        column, params = self.process_lhs(compiler, connection)
        _, values = self.process_rhs(compiler, connection)
        return (
            f"EXISTS (SELECT 1 FROM json_each({column}) WHERE json_each.value = %s)",  # noqa: S608
            [*params, *values],
        )
