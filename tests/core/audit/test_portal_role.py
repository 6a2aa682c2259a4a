"""Two roles on PostgreSQL: the portal's works, and cannot change the audit trail."""

import secrets
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import ProgrammingError, connection, transaction

from core import audit
from core.audit import chain as audit_chain
from core.audit import portal_role
from core.models import AuditEvent, AuditSeal
from tests.world import make_world, plain


def sql(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.fixture
def role(db: None) -> Iterator[str]:
    """A role that may do nothing yet; it goes with the test's transaction."""
    name = f"portal_{secrets.token_hex(4)}"
    sql(f"CREATE ROLE {name} LOGIN")
    yield name
    sql("RESET ROLE")


@pytest.fixture
def granted(role: str) -> str:
    call_command("grant_portal_role", role)
    return role


@pytest.mark.scaled_out
def test_the_portal_works_as_a_role_that_can_only_add_to_the_trail(granted: str):
    world = make_world()
    sql(f"SET ROLE {granted}")
    world.send(plain())
    assert world.run().state == "imported"
    ada = User.objects.create_user("ada")
    audit.record(ada, "retried", world.delivery)
    assert audit_chain.seal() == 1
    ada.delete()
    assert audit_chain.check([head for head in [audit_chain.last_head()] if head]).problems == []
    assert AuditEvent.objects.get().username == "ada"


@pytest.mark.scaled_out
def test_that_role_changes_and_deletes_no_row_of_the_trail(granted: str, settings: Any):
    audit.record("dispatcher", "retried")
    audit_chain.seal()
    sql(f"SET ROLE {granted}")
    for table, column in (("core_auditevent", "action"), ("core_auditseal", "digest")):
        for statement in (
            f"UPDATE {table} SET {column} = 'x'",
            f"DELETE FROM {table}",
            f"TRUNCATE {table}",
            f"DROP TABLE {table}",
            f"ALTER TABLE {table} DISABLE TRIGGER ALL",
            f"CREATE TRIGGER t BEFORE INSERT ON {table} EXECUTE FUNCTION suppress_redundant_updates_trigger()",  # noqa: E501
        ):
            with pytest.raises(ProgrammingError), transaction.atomic():
                sql(statement)
    settings.AUDIT_DAYS = 1
    assert audit_chain.purge_expired() == 0
    with pytest.raises(CommandError, match="run it as the owner"):
        call_command("purge_audit")
    assert portal_role.the_portal_cannot_change_the_trail() == []
    sql("RESET ROLE")
    assert (AuditEvent.objects.count(), AuditSeal.objects.count()) == (1, 1)


@pytest.mark.scaled_out
def test_what_a_later_migration_adds_is_the_portals_too(granted: str):
    sql("CREATE TABLE made_later (id serial)")
    sql(f"SET ROLE {granted}")
    sql("INSERT INTO made_later DEFAULT VALUES")
    sql("UPDATE made_later SET id = 7")


@pytest.mark.scaled_out
def test_one_role_works_with_a_warning(role: str):
    (warning,) = portal_role.the_portal_cannot_change_the_trail()
    assert "can change the audit trail" in warning.msg
    # A role that may act as the owner is no other one.
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        (owner,) = cursor.fetchone()
    for name in (owner, f'"{role}; DROP TABLE x"'):
        with pytest.raises(CommandError):
            call_command("grant_portal_role", name)
    sql(f"GRANT {owner} TO {role}")
    with pytest.raises(CommandError, match="may act as their owner"):
        call_command("grant_portal_role", role)


def test_sqlite_knows_no_roles(db: None):
    if connection.vendor == "postgresql":
        return
    with pytest.raises(CommandError, match="Only PostgreSQL"):
        call_command("grant_portal_role", "portal")
    assert portal_role.the_portal_cannot_change_the_trail() == []
