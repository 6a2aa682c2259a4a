"""`manage.py erase_person`: delete all that is stored of one person within an organization."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from referrals.answers import whereabouts
from referrals.delivering.decisions.deciding import COMMAND_LINE
from referrals.management.naming import add_person, referrals_named
from referrals.record.removal import holds, retention


class Command(BaseCommand):
    help = (
        "Delete for good what is stored of a person: each of these referrals of an organization. "
        "Destinations that remove are asked to; of the others, people are alerted."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_person(parser)
        parser.add_argument("--yes", action="store_true", help="do it: nothing brings it back")

    def handle(self, *args: Any, yes: bool, **options: Any) -> None:
        referrals = referrals_named(options["references"], options["organization"])
        if on_hold := [str(one) for one in referrals if holds.of(one)]:
            raise CommandError(f"Nothing was erased: on a legal hold: {', '.join(on_hold)}.")
        for referral in referrals:
            gone = {
                str(left.version.delivery.destination) for left in whereabouts.of_referral(referral)
            }
            where = f", sent to {', '.join(sorted(gone))}" if gone else ", sent nowhere"
            self.stdout.write(f"{referral}{where}")
        if not yes:
            raise CommandError("Nothing was erased. Add --yes to erase these referrals for good.")
        for referral in referrals:
            retention.erase(referral, COMMAND_LINE)
        self.stdout.write(f"Erased: {len(referrals)} referrals.")
