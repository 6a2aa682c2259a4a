"""`manage.py replay`: send versions once more under the same ids."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import QuerySet

from integrations.models import Destination
from referrals import delivering
from referrals.management.naming import add_destination, destination_named
from referrals.models import Version


class Command(BaseCommand):
    help = "Send versions to a destination once more, under the same ids."

    def create_parser(self, *args: Any, **options: Any) -> CommandParser:
        """Let `--version` name a version here, and not Django's."""
        return super().create_parser(*args, conflict_handler="resolve", **options)

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_destination(parser)
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("--version", metavar="ID", type=UUID)
        which.add_argument("--from", dest="start", metavar="TIME", help="made from then on")
        which.add_argument("--missed", action="store_true", help="made, and never accepted")
        parser.add_argument("--to", dest="end", metavar="TIME", help="with --from: made before")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, name: str, organization: str | None, **options: Any) -> None:
        destination = destination_named(name, organization)
        chosen = _chosen(destination, **options)
        done = delivering.replay(chosen, destination.transport())
        if options["json"]:
            self.stdout.write(json.dumps(asdict(done)))
            return
        self.stdout.write(f"{done.queued} queued, {len(done.refused)} refused.")
        for one in done.refused:
            self.stdout.write(f"{one.reference}: {one.why}")


def _chosen(
    destination: Destination,
    *,
    version: UUID | None,
    start: str | None,
    end: str | None,
    missed: bool,
    **_: object,
) -> QuerySet[Version]:
    if (start is None) != (end is None):
        raise CommandError("--from and --to go together.")
    if start and end:
        times = _time(start, destination), _time(end, destination)
        return delivering.made_between(destination, *times)
    if missed:
        return delivering.missed(destination)
    if version is None:
        raise CommandError("Say which: --version, --from and --to, or --missed.")
    chosen = Version.objects.filter(pk=version, delivery__destination=destination)
    if not chosen.exists():
        raise CommandError(f"{destination} has no version {version}.")
    return chosen


def _time(text: str, destination: Destination) -> datetime:
    """Return a time; without an offset, in the organization's zone."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise CommandError(f"“{text}” is not a time such as 2026-03-19T18:30.") from None
    return found if found.tzinfo else found.replace(tzinfo=destination.organization.zone)
