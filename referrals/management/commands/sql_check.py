"""`manage.py sql_check`: compare what is in a database with what was last written."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from integrations.transport import DeliveryError
from referrals.delivering import resyncing
from referrals.management.naming import add_destination, destination_named


class Command(BaseCommand):
    help = "Compare the rows and checksums of a partner's database with what was last written."

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_destination(parser)
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, name: str, organization: str | None, **options: Any) -> None:
        destination = destination_named(name, organization)
        if not destination.transport().comparable:
            raise CommandError(f"What is at “{name}” cannot be read and compared.")
        try:
            found = resyncing.compare(destination)
        except DeliveryError as error:
            raise CommandError(error.message) from None
        waiting = resyncing.behind(destination)
        if options["json"]:
            tables = {table: asdict(one) | {"equal": one.equal} for table, one in found.items()}
            self.stdout.write(json.dumps({"tables": tables, "behind": waiting}))
            return
        for table, one in found.items():
            verdict = "equal" if one.equal else "differs"
            self.stdout.write(f"{table}: {one.here.rows} here, {one.there.rows} there, {verdict}")
        self.stdout.write(f"{waiting} still to be brought.")
