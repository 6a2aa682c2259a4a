"""`manage.py restored`: the database was restored from a backup; run it before anything is sent."""

from typing import Any

from django.core.management.base import BaseCommand

from core import audit
from core.audit import chain as audit_chain
from referrals import delivering
from referrals.delivering.decisions.deciding import COMMAND_LINE


class Command(BaseCommand):
    help = (
        "Say that the database was restored from a backup. Whatever may have arrived since the "
        "backup was made is looked for before it is sent, and this host may deliver."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        audit.record(COMMAND_LINE, "restored", delivering.restored())
        audit_chain.restored()
        count = delivering.doubtful().count()
        self.stdout.write(
            f"{count} unfinished imports may have arrived. Each is looked for before it is sent; "
            "where a destination cannot be searched, a person decides. So it is with what comes in "
            "later about the time before. This host may deliver."
        )
