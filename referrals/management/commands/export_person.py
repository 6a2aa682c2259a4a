"""`manage.py export_person`: all that is stored of one person within an organization."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core import audit
from referrals.answers import person
from referrals.delivering.decisions.deciding import COMMAND_LINE
from referrals.management.naming import add_person, referrals_named


class Command(BaseCommand):
    help = (
        "Write what is stored of a person, and where it has gone, into a zip, which is not "
        "encrypted: of each of these referrals of an organization."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_person(parser)
        parser.add_argument("--output", metavar="FILE", type=Path, required=True)

    def handle(self, *args: Any, output: Path, **options: Any) -> None:
        referrals = referrals_named(options["references"], options["organization"])
        if output.exists():
            raise CommandError(f"{output} is there already.")
        for referral in referrals:
            audit.record(COMMAND_LINE, "export person", referral)
        person.export(referrals, output)
        self.stdout.write(f"{len(referrals)} referrals are in {output}.")
