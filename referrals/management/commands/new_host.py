"""`manage.py new_host`: this host has no mark, and the database was not restored."""

from typing import Any

from django.core.management.base import BaseCommand

from core import audit
from referrals import delivering
from referrals.delivering.decisions.deciding import COMMAND_LINE


class Command(BaseCommand):
    help = (
        "Let this host deliver, which has no mark in its STATE_ROOT while others have one. After a "
        "restore run `restored` instead: a new host cannot know what the old one has sent."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        if delivering.admit():
            audit.record(COMMAND_LINE, "new host")
            self.stdout.write("This host may deliver.")
        else:
            self.stdout.write("This host could deliver already.")
