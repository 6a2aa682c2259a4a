"""Write a file of the directory, as the public API shows it."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from directory.exporting.kind import NothingToWrite
from directory.exporting.whose import NoSuchPartner, view_named
from directory.exporting.writing import FORMATS, write
from directory.models import Directory


class Command(BaseCommand):
    help = "Write a file of the directory, as the public API shows it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--format", required=True, choices=list(FORMATS))
        parser.add_argument("--partner", default="", help="a data partner; none: the public view")
        parser.add_argument("--language", default="", help="the first of the directory if left out")
        parser.add_argument("--output", required=True, type=Path, help="a file, or a folder")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        directory = Directory.objects.first()
        if directory is None:
            raise CommandError("There is no directory: set the key `directory`.")
        language = options["language"] or directory.languages[0]
        if language not in directory.languages:
            raise CommandError(f"“{language}” is not a language of this directory.")
        if not options["output"].resolve().parent.is_dir():
            raise CommandError("The folder of the output does not exist.")
        try:
            view = view_named(options["partner"])
            written = write(FORMATS[options["format"]], view, language, options["output"])
        except (NothingToWrite, NoSuchPartner) as refused:
            raise CommandError(refused.message) from None
        except OSError as failed:  # a full disk, or a folder that may not be written
            raise CommandError(f"The file could not be written: {failed.strerror}.") from None
        if options["json"]:
            self.stdout.write(json.dumps(written.as_dict()))
            return
        self.stdout.write(f"{written.path} ({written.sha256})")
        for table, number in written.rows.items():
            self.stdout.write(f"{table}: {number}")
        for column, number in sorted(written.not_carried.items()):
            self.stdout.write(f"Not carried: {column} ({number})")
