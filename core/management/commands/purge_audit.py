"""`manage.py purge_audit`: delete what AUDIT_DAYS says is old enough."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from core.audit import chain as audit_chain


class Command(BaseCommand):
    help = (
        "Delete the entries of the audit trail that are older than AUDIT_DAYS. The dispatcher does "
        "it where its role of the database may; otherwise, run this each day as the tables' owner."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.AUDIT_DAYS:
            raise CommandError("AUDIT_DAYS is not set: the audit trail is kept for good.")
        if not audit_chain.may_change():
            raise CommandError("This role of the database may not delete: run it as the owner.")
        self.stdout.write(f"Deleted {audit_chain.purge_expired()} entries.")
