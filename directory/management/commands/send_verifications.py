"""Ask agencies by mail whether what is published of them is right; remind those that wait."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from directory.models import Directory
from directory.verifying import mails


class Command(BaseCommand):
    help = "Ask each agency whose verification is due, by one mail for all its services."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="send nothing")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        if not Directory.objects.exists():
            raise CommandError("There is no directory: the configuration file has no such key.")
        sent = mails.send(dry_run=options["dry_run"]).as_dict()
        if options["json"]:
            self.stdout.write(json.dumps(sent))
            return
        for name, ids in sent.items():
            self.stdout.write(f"{name.replace('_', ' ')}: {len(ids)}")
