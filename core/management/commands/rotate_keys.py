"""manage.py rotate_keys: encrypt everything with the first key, and bind it to its row."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from core import encryption
from core.encryption import key_checks, rotation


class Command(BaseCommand):
    help = (
        "Encrypts every stored value and file with the first key of ENCRYPTION_KEYS, and binds it "
        "to its row. To change the key: put the new one first, restart everything, run this, then "
        "remove the old one. The portal may run meanwhile. Can be interrupted and run again."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        found: dict[str, rotation.Progress] = {}
        for progress in rotation.rotate():
            found[progress.label] = progress
            self.stdout.write(
                f"{progress.label}: {progress.seen} of {progress.total} looked at, "
                f"{progress.renewed} renewed"
            )
        unbound = rotation.record()
        unreadable = [progress for progress in found.values() if progress.unreadable]
        if unreadable:
            rows = "; ".join(
                f"{found.label}: {', '.join(found.unreadable)}" for found in unreadable
            )
            raise CommandError(f"Not readable with any key, or gone from the storage: {rows}.")
        key_checks.only_the_first_is_in_use()
        key_id = encryption.keyring().primary
        self.stdout.write(self.style.SUCCESS(f"Everything stored is encrypted with key {key_id}."))
        if unbound:
            raise CommandError(f"{unbound} values and files are not bound to their row: run again.")
        self.stdout.write(self.style.SUCCESS("Everything stored is bound to its row."))
        if not settings.REFUSE_UNBOUND:
            self.stdout.write("Set REFUSE_UNBOUND=true and restart everything.")
