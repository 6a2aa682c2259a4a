"""`manage.py opened_by USERNAME`: which referrals has an account seen?"""

from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from core import audit
from core.text.spreadsheets import as_csv
from referrals.answers.opened import Opened, opened
from referrals.delivering.decisions.deciding import COMMAND_LINE


class Command(BaseCommand):
    help = (
        "Print as CSV what an account did, with each referral that it opened, saw in a list, or "
        "took out by that; also of an account that was deleted."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username")
        parser.add_argument(
            "--since", metavar="DATE", help="such as 2026-03-19 or 2026-03-19T18:30"
        )

    def handle(self, *args: Any, username: str, since: str | None, **options: Any) -> None:
        lines = list(opened(username, _time(since)))
        if not lines:
            raise CommandError(f"The audit trail has nothing of {username} since then.")
        audit.record(COMMAND_LINE, "report what was opened", account=username)
        rows = ([line.at.isoformat(), *line[1:]] for line in lines)
        # Without a byte order mark: it may go into another program.
        self.stdout.write(as_csv([Opened._fields, *rows]).decode("utf-8-sig"), ending="")


def _time(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise CommandError(f"“{text}” is not a time such as 2026-03-19T18:30.") from None
    return found if found.tzinfo else timezone.make_aware(found)
