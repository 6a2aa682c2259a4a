"""What commands name: a destination, and where several have the name, its organization."""

from argparse import ArgumentParser

from django.core.management.base import CommandError

from integrations.models import Destination


def add_destination(parser: ArgumentParser) -> None:
    """Let a command name a destination."""
    parser.add_argument("name", metavar="DESTINATION")
    parser.add_argument("--organization", metavar="ID", help="Caredove's id")


def destination_named(name: str, organization: str | None) -> Destination:
    """Return the destination; raises CommandError where none or several have it."""
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
