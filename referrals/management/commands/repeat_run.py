"""`manage.py repeat_run`: bring a run once more, with the same bytes."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from integrations.transport import DeliveryError
from referrals import delivering
from referrals.models import Run


class Command(BaseCommand):
    help = "Bring a run once more under its name, with the same bytes."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("id", metavar="ID", type=UUID)
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, id: UUID, **options: Any) -> None:
        run = Run.objects.select_related("destination__organization").filter(pk=id).first()
        if run is None:
            raise CommandError(f"There is no run {id}.")
        try:
            receipt = delivering.repeat(run)
        except delivering.NotRepeated as error:
            if options["json"]:
                refused = [asdict(one) for one in error.refused]
                self.stdout.write(json.dumps({"why": error.why, "refused": refused}))
            for one in error.refused:
                self.stderr.write(f"{one.reference}: {one.why}")
            raise CommandError(error.why) from None
        except DeliveryError as error:
            raise CommandError(str(error.message)) from None
        done = {"file": receipt.name, "sha256": receipt.sha256, "rows": receipt.rows}
        text = json.dumps(done) if options["json"] else f"{receipt.name} is there again."
        self.stdout.write(text)
