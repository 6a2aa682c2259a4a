"""Two roles on PostgreSQL: one owns the tables and migrates, the other is the portal's.

The portal's role reads and writes everything but the audit trail and its seals: these it can read
and add to. So who takes over the portal cannot change what it has done.
"""

from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage, Tags, Warning, register
from django.db import Error, connection, transaction
from psycopg import sql

from core.audit.chain import may_change
from core.models import AppendOnlyModel

HINT = (
    "Who takes over the portal can change what it has done. Let another role own the tables and "
    "migrate, and run `manage.py grant_portal_role` as that one."
)
_GRANTS = (
    "GRANT USAGE ON SCHEMA {schema} TO {role}",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {role}",
    "GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {schema} TO {role}",
    # What a later migration adds.
    "ALTER DEFAULT PRIVILEGES IN SCHEMA {schema}"
    " GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {role}",
    "ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT USAGE, SELECT ON SEQUENCES TO {role}",
)
_ONLY_ADD = "REVOKE UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER ON {table} FROM {role}, PUBLIC"


class OwnsTables(Exception):
    """The role that is to be the portal's may do everything: it is, or belongs to, the owner."""


@transaction.atomic
def grant(role: str) -> None:
    """Give a role what the portal needs, and nothing that changes the audit trail.

    To be run as the owner of the tables. Raises OwnsTables, or a database's error where there is no
    such role.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_schema()")
        names = {"schema": sql.Identifier(cursor.fetchone()[0]), "role": sql.Identifier(role)}
        for statement in _GRANTS:
            cursor.execute(sql.SQL(statement).format(**names))
        for model in written_once():
            table = sql.Identifier(model._meta.db_table)
            cursor.execute(sql.SQL(_ONLY_ADD).format(table=table, **names))
            if may_change(role, model):
                raise OwnsTables


def written_once() -> list[type[AppendOnlyModel]]:
    """Return the models whose rows are only ever added to."""
    return [model for model in apps.get_models() if issubclass(model, AppendOnlyModel)]


@register(Tags.security, deploy=True)
def the_portal_cannot_change_the_trail(**kwargs: Any) -> list[CheckMessage]:
    """Warn where the portal's role may change or delete rows of the audit trail."""
    try:
        if connection.vendor != "postgresql" or not may_change():
            return []
    except Error:
        return []  # it is away, or has no tables yet, which others say
    return [
        Warning("The portal's database role can change the audit trail.", hint=HINT, id="core.W002")
    ]
