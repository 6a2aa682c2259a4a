"""Say what in the directory needs somebody's attention."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from directory.models import Directory
from directory.quality.checks import run
from directory.taking_in import take_in


class Command(BaseCommand):
    help = "Say what in the directory needs somebody's attention."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        if not Directory.objects.exists():
            raise CommandError("There is no directory: set the key `directory`.")
        take_in()
        results = run()
        if options["json"]:
            self.stdout.write(json.dumps({"checks": [result.as_dict() for result in results]}))
            return
        for result in results:
            check = result.check
            self.stdout.write(f"{check.severity}: {check.key}: {len(result.records)}")
