"""manage.py rotate_keys: encrypt everything with the first key."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core import encryption, rotation


class Command(BaseCommand):
    help = (
        "Encrypts every stored value and file with the first key of ENCRYPTION_KEYS. Put the new "
        "key first, restart everything, run this, then remove the old key. Can be interrupted and "
        "run again."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        found: dict[str, rotation.Progress] = {}
        for progress in rotation.rotate():
            found[progress.label] = progress
            self.stdout.write(
                f"{progress.label}: {progress.seen} of {progress.total} looked at, "
                f"{progress.renewed} renewed"
            )
        self._complain([progress for progress in found.values() if progress.unreadable])
        key_id = encryption.keyring().primary
        self.stdout.write(self.style.SUCCESS(f"Everything stored is encrypted with key {key_id}."))

    def _complain(self, unreadable: list[rotation.Progress]) -> None:
        if unreadable:
            rows = "; ".join(
                f"{found.label}: {', '.join(found.unreadable)}" for found in unreadable
            )
            raise CommandError(f"Not readable with any key, or gone from the storage: {rows}.")
