"""Write the directory's scheduled files that are due, or some of them now."""

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core.database import clock
from directory.exporting.scheduled import DUE, run
from directory.models import ExportRun, ScheduledExport


class Command(BaseCommand):
    help = "Write the directory's scheduled files that are due."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", nargs="?", default="", help="one export; all if left out")
        parser.add_argument("--now", action="store_true", help="also what is not due")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        exports = ScheduledExport.objects.all()
        if options["name"]:
            exports = exports.filter(name=options["name"])
            if not exports:
                raise CommandError(f"There is no export named “{options['name']}”.")
        if not options["now"]:
            exports = exports.filter(pk__in=DUE.keys(clock.now()))
        runs = [row for export in exports if (row := run(export.pk, now=options["now"]))]
        if options["json"]:
            self.stdout.write(json.dumps({"runs": [_as_dict(row) for row in runs]}))
        for row in runs if not options["json"] else ():
            self.stdout.write(f"{row.export}: {row.state} {row.file} {row.message}".strip())
        if any(row.state == ExportRun.State.FAILED for row in runs):
            sys.exit(1)


def _as_dict(row: ExportRun) -> dict[str, Any]:
    return {
        "export": row.export.name,
        "state": row.state,
        "file": row.file,
        "sha256": row.sha256,
        "rows": row.rows,
        "not_carried": row.not_carried,
        "message": row.message,
    }
