"""“Test connection”, from the command line."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from integrations.models import Destination
from integrations.transport import DeliveryError


class Command(BaseCommand):
    help = "Reach a destination and prove its credentials; a good answer ends a pause."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", metavar="NAME")
        parser.add_argument("--organization", metavar="ID", help="Caredove's id")

    def handle(self, *args: Any, name: str, organization: str | None, **options: Any) -> None:
        destination = _destination(name, organization)
        try:
            self.stdout.write(destination.test_connection())
        except DeliveryError as error:
            raise CommandError(error.message) from None
        if destination.paused_at:
            self.stdout.write("The connection is open again: what waited goes by itself.")


def _destination(name: str, organization: str | None) -> Destination:
    found = Destination.objects.filter(name=name).select_related("organization")
    if organization:
        found = found.filter(organization__caredove_id=organization)
    match list(found):
        case [destination]:
            return destination
        case []:
            raise CommandError(f"There is no destination “{name}”.")
        case several:
            owners = ", ".join(one.organization.caredove_id for one in several)
            raise CommandError(
                f"Several are named “{name}”: add --organization with one of {owners}."
            )
