"""`manage.py backup_key FILE`: a new key for backups."""

import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core.encryption import age


class Command(BaseCommand):
    help = (
        "Write a new private key for backups to a file, and show its public half. Whoever has the "
        "file can read backups: move it away from this machine."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, file: Path, **options: Any) -> None:
        private, public = age.new_key()
        try:
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            raise CommandError(f"{file} is there already.") from None
        with open(descriptor, "w") as out:
            out.write(f"# public key: {public}\n{private}\n")
        self.stdout.write(f"BACKUP_PUBLIC_KEY={public}")
        self.stderr.write(f"The private key is in {file}. Move it away from this machine.")
