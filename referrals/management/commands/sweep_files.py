"""`manage.py sweep_files`: delete stored files that belong to nothing, as the dispatcher does."""

from typing import Any

from django.core.management.base import BaseCommand

from core.database import clock
from referrals.record.removal.retention import SETTLED, sweep


class Command(BaseCommand):
    help = "Delete files that a crash left behind without a row."

    def handle(self, *args: Any, **options: Any) -> None:
        count = sweep(clock.now() - SETTLED)
        self.stdout.write(f"{count} file{'' if count == 1 else 's'} deleted.")
