"""Put back what an import of the directory changed, where nobody has changed it since."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from directory.importing.undoing import NotUndone, undo


class Command(BaseCommand):
    help = "Put back what an import changed, where nobody has changed it since."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("number", type=int, help="“import” of the report")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            undone = undo(options["number"], by="undo_import")
        except NotUndone as error:
            raise CommandError(error.message) from None
        if options["json"]:
            self.stdout.write(json.dumps(undone.as_dict()))
            return
        self.stdout.write(f"{undone.put_back} entries put back, {undone.withdrawn} withdrawn.")
        for left in undone.left:
            self.stdout.write(f"{left['record']}: {left['message']}")
