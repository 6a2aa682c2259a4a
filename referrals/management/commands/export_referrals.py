"""`manage.py export_referrals`: write referrals into a file."""

import json
import os
from argparse import ArgumentParser
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core import audit
from core.spool import Spool
from integrations.models import Organization
from referrals.answers import exporting
from referrals.delivering.decisions.deciding import COMMAND_LINE


class Command(BaseCommand):
    help = "Write referrals of an organization into a file, which is not encrypted."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--organization", metavar="ID", required=True, help="Caredove's id")
        parser.add_argument("--listing", metavar="ID", default="", help="Caredove's id")
        parser.add_argument("--from", dest="start", metavar="TIME", help="received from then on")
        parser.add_argument("--to", dest="end", metavar="TIME", help="received before")
        parser.add_argument("--state", choices=exporting.STATES, default="")
        parser.add_argument("--format", choices=["csv", "jsonl", "xml"], required=True)
        parser.add_argument("--output", metavar="FILE", required=True)
        parser.add_argument("--safe-for-spreadsheets", action="store_true")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, organization: str, output: str, **options: Any) -> None:
        found = Organization.objects.filter(caredove_id=organization).first()
        if found is None:
            raise CommandError(f"There is no organization “{organization}”.")
        times = {name: _time(options[name], found) for name in ("start", "end")}
        choice = exporting.Choice(found, options["listing"], **times, state=options["state"])
        if options["listing"] and not found.listings.filter(caredove_id=choice.listing).exists():
            raise CommandError(f"{found} has no listing “{choice.listing}”.")
        safe = options["safe_for_spreadsheets"]
        with Spool() as spool:
            rows = exporting.write(choice, options["format"], spool, safe_for_spreadsheets=safe)
            _save(spool, Path(output))
            done = {"file": output, "sha256": spool.sha256, "rows": rows}
        audit.record(COMMAND_LINE, "export", found, rows=rows, sha256=str(done["sha256"]))
        words = json.dumps(done) if options["json"] else f"{rows} referrals are in {output}."
        self.stdout.write(words)


def _time(text: str | None, organization: Organization) -> datetime | None:
    """Return a time; without an offset, in the organization's zone. A day begins at midnight."""
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise CommandError(f"“{text}” is not a time such as 2026-03-19T18:30.") from None
    return found if found.tzinfo else found.replace(tzinfo=organization.zone)


def _save(spool: Spool, path: Path) -> None:
    """Write the whole file or nothing, for this user alone."""
    part = path.with_name(f".{path.name}.part")
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(descriptor, "wb") as file:
            for block in spool.blocks():
                file.write(block)
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise CommandError(f"{path} could not be written: {error.strerror}.") from None
