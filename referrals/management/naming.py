"""What commands name: a destination, the referrals of a person, and whose they are."""

from argparse import ArgumentParser
from collections.abc import Sequence

from django.core.management.base import CommandError

from integrations.models import Destination
from referrals.models import Referral


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


def add_person(parser: ArgumentParser) -> None:
    """Let a command name the referrals of a person within an organization."""
    parser.add_argument("references", metavar="REFERENCE", nargs="+", help="any id of a referral")
    parser.add_argument("--organization", metavar="ID", required=True, help="Caredove's id")


def referrals_named(references: Sequence[str], organization: str) -> list[Referral]:
    """Return the organization's referrals with these ids, each once, in the order of the ids.

    What became part of another one is named by that. Raises CommandError where one is not theirs.
    """
    found: dict[Referral, None] = {}
    for reference in references:
        theirs = Referral.objects.filter(
            aliases__value=reference, organization__caredove_id=organization
        )
        referrals = list(theirs.select_related("merged_into", "organization").distinct())
        if not referrals:
            raise CommandError(f"Organization {organization} has no referral “{reference}”.")
        found |= dict.fromkeys(one.merged_into or one for one in referrals)
    return list(found)
