"""`manage.py restore FILE`: an empty database and MEDIA_ROOT are filled from a backup."""

from argparse import ArgumentParser
from pathlib import Path
from subprocess import CalledProcessError
from typing import Any

from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from core import audit, backup
from core.audit import chain as audit_chain
from core.encryption import age
from referrals import delivering
from referrals.delivering.decisions.deciding import COMMAND_LINE
from referrals.record.removal import journal


class Command(BaseCommand):
    help = (
        "Fill an empty database and an empty MEDIA_ROOT from a backup, and declare it restored: "
        "what may have arrived since then is looked for before it is sent. Stop all programs "
        "first."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--key", type=Path, required=True, help="the file of the private key")
        parser.add_argument(
            "--journal",
            type=Path,
            help="the journal of deletions that was kept with the backups (DELETIONS_JOURNAL)",
        )
        parser.add_argument(
            "--without-journal",
            action="store_true",
            help="the journal is lost: whoever was deleted since the backup is back",
        )

    def handle(self, *args: Any, file: Path, key: Path, **options: Any) -> None:
        deletions = options["journal"] or journal.path()
        if not options["without_journal"] and not deletions.is_file():
            raise CommandError(
                f"There is no journal of deletions at {deletions}. Without it, people whose data "
                "was deleted since the backup would be back: name it by --journal, or accept that "
                "by --without-journal."
            )
        try:
            manifest = backup.restore(file, age.private_key(key.read_text()))
        except (age.NotReadable, backup.NotRestored, OSError, CalledProcessError) as error:
            raise CommandError(f"Nothing was restored: {error}") from None
        self._declare(manifest, None if options["without_journal"] else deletions)

    def _declare(self, manifest: backup.Manifest, deletions: Path | None) -> None:
        """Bring the tables up to date, and let nothing of before go on as if it were now."""
        call_command("migrate", verbosity=0)
        restore = delivering.restored()
        Session.objects.all().delete()
        cache.clear()
        deleted = journal.delete_again(manifest.moment, deletions) if deletions else 0
        audit.record(COMMAND_LINE, "restored", restore, backup=manifest.made_at, deleted=deleted)
        audit_chain.restored()
        self.stdout.write(
            f"Restored the backup of {manifest.made_at}, with {manifest.files} files. Deleted "
            f"again: {deleted} referrals. Everybody is signed out. "
            f"{delivering.doubtful().count()} unfinished imports may have arrived: each is looked "
            "for before it is sent. Ask Caredove to send the events since then again."
        )
