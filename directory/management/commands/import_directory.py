"""Bring in a supplier's file: compared with what is here, and applied."""

import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from directory.importing import formats
from directory.importing.reports import FATES, Report
from directory.importing.running import NotImported, Options, run


class Command(BaseCommand):
    help = "Bring in a file or folder of a supplier of the directory."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--source", required=True, help="the supplier; a new name makes one")
        parser.add_argument("--format", default="auto", choices=["auto", *formats.FORMATS])
        parser.add_argument("--language", default="", help="the language of the texts")
        parser.add_argument("--dry-run", action="store_true", help="change nothing, only report")
        parser.add_argument(
            "--partial", action="store_true", help="what the file does not list stays"
        )
        parser.add_argument("--allow-withdrawals", action="store_true")
        parser.add_argument("--json", action="store_true", help="print the report as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        wanted = Options(
            format=options["format"],
            language=options["language"],
            dry_run=options["dry_run"],
            partial=options["partial"],
            allow_withdrawals=options["allow_withdrawals"],
            by="import_directory",
        )
        try:
            report = run(options["file"], options["source"], wanted)
        except NotImported as error:
            raise CommandError(error.message) from None
        if options["json"]:
            self.stdout.write(json.dumps(report.as_dict(), ensure_ascii=False))
        else:
            self._print(report, dry_run=options["dry_run"])
        if report.exit_code:
            sys.exit(report.exit_code)

    def _print(self, report: Report, *, dry_run: bool) -> None:
        for kind, counter in report.counts.items():
            if any(counter.values()):
                counts = ", ".join(f"{counter[fate]} {fate}" for fate in FATES)
                self.stdout.write(f"{kind}: {counts}")
        for problem in report.problems:
            line = f"line {problem.line}" if problem.line else ""
            where = " ".join(filter(None, [problem.file, line, problem.record, problem.field]))
            self.stdout.write(f"{problem.severity}: {where}: {problem.message}")
        for heading, number in sorted(report.also_sent.items()):
            self.stdout.write(f"Also sent, and kept: {heading} ({number})")
        if report.changed_nothing or dry_run:
            self.stdout.write("Nothing was changed.")
        else:
            self.stdout.write(f"Import {report.number}.")
