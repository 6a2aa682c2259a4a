"""`manage.py backup FILE`: an encrypted copy of the database and of MEDIA_ROOT."""

from argparse import ArgumentParser
from pathlib import Path
from subprocess import CalledProcessError
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from core import audit, backup
from core.encryption import age
from referrals.delivering.decisions.deciding import COMMAND_LINE
from referrals.record.removal import journal


class Command(BaseCommand):
    help = (
        "Write an encrypted backup of the database and of MEDIA_ROOT, as they are at this moment; "
        "the portal may run meanwhile. Only the private half of BACKUP_PUBLIC_KEY opens it. It "
        "does not hold ENCRYPTION_KEYS, without which it is worth nothing: keep them elsewhere."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, file: Path, **options: Any) -> None:
        if not settings.BACKUP_PUBLIC_KEY:
            raise CommandError(
                "BACKUP_PUBLIC_KEY is missing. Make a key on another machine: age-keygen, or "
                "`manage.py backup_key FILE`."
            )
        try:
            manifest = backup.make(file, age.public_key(settings.BACKUP_PUBLIC_KEY))
        except (age.NotReadable, OSError, CalledProcessError) as error:
            raise CommandError(f"No backup was made: {error}") from None
        journal.note()
        audit.record(COMMAND_LINE, "backup", files=manifest.files)
        self.stdout.write(
            f"Wrote {file}: the database and {manifest.files} files, as of {manifest.made_at}. "
            f"Copy {journal.path()} with it."
        )
