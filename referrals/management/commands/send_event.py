"""`manage.py send_event FILE…`: post event files to a portal, and say what it answered."""

import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core.outbound import OutboundError
from integrations import sources
from integrations.configuration.sections import resolved
from referrals.running import send_event


class Command(BaseCommand):
    help = (
        "Post files that hold one event each to a portal, each to the endpoint that can read it. "
        "Ends with 1 when one was not stored."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        add = parser.add_argument
        add("files", type=Path, nargs="+", metavar="FILE")
        add("--url", required=True, help="where the portal is, such as http://127.0.0.1:8000")
        add("--kind", choices=sources.sending_kinds(), default=sources.default_kind())
        add("--key", required=True, help="key id of the source")
        add(
            "--secret",
            required=True,
            help="its secret, or env:NAME; --secret=… if it has a dash first",
        )

    def handle(self, *args: Any, files: list[Path], **options: Any) -> None:
        try:
            secret = resolved(options["secret"], os.environ)
        except LookupError as error:
            raise CommandError(f"--secret: {error.args[0]}.") from None
        portal = options["url"], options["key"], secret, options["kind"]
        stored = [self._send(file, *portal) for file in files]
        if not all(stored):
            raise CommandError(f"Not stored: {stored.count(False)} of {len(files)}.")

    def _send(self, file: Path, *portal: str) -> bool:
        """Post one file and print its line; return whether it is stored."""
        try:
            sent = send_event.send(file.read_bytes(), *portal)
        except OSError as error:
            self.stdout.write(f"{file}: cannot be read: {error.strerror}")
            return False
        except OutboundError as error:
            self.stdout.write(f"{file}: not sent: {error.message}")
            return False
        text = " ".join("; ".join(sent.words).split())
        self.stdout.write(f"{file}: {sent.status} {text} {sent.event_id}".rstrip())
        return sent.stored
