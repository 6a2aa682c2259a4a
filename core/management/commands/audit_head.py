"""`manage.py audit_head`: one line that proves the audit trail up to now, to be kept elsewhere."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core.audit import chain as audit_chain


class Command(BaseCommand):
    help = (
        "Seal the audit trail and print the newest seal's number, time, and digest. Keep the line "
        "where nobody can change it who can change the database; `check_audit --heads` compares."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        audit_chain.seal()
        head = audit_chain.last_head()
        if head is None:
            raise CommandError("The audit trail is empty.")
        self.stdout.write(str(head))
