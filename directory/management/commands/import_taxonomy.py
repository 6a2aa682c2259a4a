"""Bring in the terms of a taxonomy from a CSV file."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from directory.files.problems import Unreadable
from directory.importing.reference.taxonomies import bring_in


class Command(BaseCommand):
    help = "Bring in a taxonomy: code,name,parent_code,description,language,synonyms."

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Return a parser whose `--version` is that of the taxonomy, not Django's."""
        return super().create_parser(prog_name, subcommand, conflict_handler="resolve", **kwargs)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--taxonomy", required=True, help="its name; a new one makes it")
        parser.add_argument("--version", dest="taxonomy_version", default="")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            found = bring_in(options["file"], options["taxonomy"], options["taxonomy_version"])
        except Unreadable as error:
            raise CommandError(error.message) from None
        for problem in found.problems:
            where = f"line {problem.line}" if problem.line else problem.record
            self.stdout.write(f"{problem.severity}: {where}: {problem.message}")
        fates = ("created", "updated", "unchanged")
        self.stdout.write(", ".join(f"{found.counts[fate]} {fate}" for fate in fates))
