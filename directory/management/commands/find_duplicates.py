"""Find entries that may be one thing, each pair with its reasons."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from directory.duplicates.finding import find, ids_of
from directory.models import Directory
from directory.taking_in import take_in


class Command(BaseCommand):
    help = "Find entries of the directory that may be one thing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        if not Directory.objects.exists():
            raise CommandError("There is no directory: set the key `directory`.")
        take_in()  # phones and addresses are compared as they are noted there
        pairs = find()
        ids = ids_of(pairs)
        if options["json"]:
            found = [
                {
                    "type": pair.kind,
                    "a": ids[pair.a],
                    "b": ids[pair.b],
                    "score": pair.score,
                    "why": list(pair.why),
                }
                for pair in pairs
            ]
            self.stdout.write(json.dumps({"pairs": found}))
            return
        for pair in pairs:
            why = ", ".join(reason.replace("_", " ") for reason in pair.why)
            self.stdout.write(f"{pair.kind}: {ids[pair.a]} {ids[pair.b]} ({pair.score}): {why}")
