"""`manage.py sql_resync`: take a database over, and write everything that belongs there anew."""

import json
import time
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from integrations.models import Destination
from integrations.transport import DeliveryError
from referrals import delivering
from referrals.delivering import resyncing
from referrals.management.naming import add_destination, destination_named

SECONDS = 1.0  # between two looks, while a dispatcher carries


class Command(BaseCommand):
    help = "Take a partner's database over, and write everything that belongs there anew."

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_destination(parser)
        parser.add_argument("--no-wait", action="store_true", help="leave it to the dispatcher")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, name: str, organization: str | None, **options: Any) -> None:
        destination = destination_named(name, organization)
        if not destination.transport().comparable:
            raise CommandError(f"What is at “{name}” cannot be read and taken over.")
        carries, shows = not options["no_wait"], not options["json"]
        try:
            for done in resyncing.resync(destination):
                if shows:
                    self.stdout.write(f"{done.written} prepared")
                if carries:
                    delivering.carry_due(destination.pk)
        except DeliveryError as error:
            raise CommandError(error.message) from None
        if carries:
            self._carry(destination, shows=shows)
        result = asdict(done) | {"behind": resyncing.behind(destination)}
        if options["json"]:
            self.stdout.write(json.dumps(result))
        else:
            text = "{written} written anew, {removed} removed, {behind} still waiting."
            self.stdout.write(text.format(**result))

    def _carry(self, destination: Destination, *, shows: bool) -> None:
        """Carry what waits, or wait for a dispatcher that does; say how far it is."""
        shown = 0
        while waiting := resyncing.behind(destination):
            if shows and waiting != shown:
                self.stdout.write(f"{waiting} still waiting")
                shown = waiting
            if not delivering.carry_due(destination.pk):
                destination.refresh_from_db()
                if destination.paused or not resyncing.moves(destination):
                    return
                time.sleep(SECONDS)
