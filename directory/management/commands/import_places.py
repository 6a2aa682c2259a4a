"""Bring in postcodes with their coordinates and areas from a CSV file."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from directory.files.problems import Unreadable
from directory.importing.reference.places import bring_in


class Command(BaseCommand):
    help = "Bring in postcodes: postcode,latitude,longitude,areas."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            found = bring_in(options["file"])
        except Unreadable as error:
            raise CommandError(error.message) from None
        for problem in found.problems:
            self.stdout.write(f"{problem.severity}: line {problem.line}: {problem.message}")
        self.stdout.write(f"{found.taken} postcodes brought in.")
