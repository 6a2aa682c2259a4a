"""`manage.py declare_key_lost ID`: let the portal start without a key that nobody has any more."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core import audit
from core.encryption import key_checks
from core.encryption.rotation import COMMAND_LINE


class Command(BaseCommand):
    help = (
        "Let the portal start without a key of ENCRYPTION_KEYS that is lost for good. What was "
        "encrypted with it cannot be read any more."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("id", help="the key's id, as the refusal to start names it")

    def handle(self, *args: Any, **options: Any) -> None:
        if not key_checks.declare_lost(options["id"]):
            raise CommandError(f"No key {options['id']} is in use.")
        audit.record(COMMAND_LINE, "declare key lost", key=options["id"])
        self.stdout.write(f"The portal starts without key {options['id']}.")
