"""`manage.py check_audit`: is the audit trail as it was written?"""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core.audit import chain as audit_chain


class Command(BaseCommand):
    help = (
        "Compare the audit trail with its seals, and these with heads that were kept outside the "
        "database. Names every entry and seal that was changed or is gone, and then ends with 1."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--heads",
            type=Path,
            action="append",
            default=[],
            metavar="FILE",
            help="a copy that was kept elsewhere; AUDIT_HEADS is compared anyway",
        )

    def handle(self, *args: Any, heads: list[Path], **options: Any) -> None:
        own = audit_chain.heads_file()
        files = [*heads, *([own] if own.is_file() else [])]
        try:
            kept = [head for file in files for head in audit_chain.read_heads(file)]
        except OSError as error:
            raise CommandError(f"The heads cannot be read: {error}") from None
        found = audit_chain.check(kept)
        for line in [*found.notes, *found.problems]:
            self.stdout.write(line)
        counted = (
            f"{found.sealed} entries in {found.seals} seals; {found.waiting} wait to be sealed; "
            f"{found.heads} of {len(kept)} heads that were kept outside agree."
        )
        if found.problems:
            raise CommandError(f"The audit trail was changed: {counted}")
        self.stdout.write(f"The audit trail is as it was written: {counted}")
        if not kept:
            self.stdout.write("No head was kept outside: whether its end was cut off is unknown.")
