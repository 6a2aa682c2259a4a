"""`manage.py grant_portal_role ROLE`: what the portal's role of PostgreSQL may do."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import ProgrammingError, connection

from core.audit import portal_role


class Command(BaseCommand):
    help = (
        "Give a role of PostgreSQL what the portal needs, but no right to change or delete what is "
        "in the audit trail. Run it, and `migrate`, with a DATABASE_URL of the tables' owner; "
        "again after each upgrade."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("role")

    def handle(self, *args: Any, role: str, **options: Any) -> None:
        if connection.vendor != "postgresql":
            raise CommandError("Only PostgreSQL knows roles.")
        try:
            portal_role.grant(role)
        except portal_role.OwnsTables:
            raise CommandError(
                f"{role} owns the tables, or may act as their owner. Make a role that may not."
            ) from None
        except ProgrammingError as error:
            raise CommandError(f"Nothing was granted: {error}") from None
        self.stdout.write(f"{role} can run the portal, and only add to the audit trail.")
