"""`manage.py explain REFERENCE`: why is this referral (not) in its destination."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.core.serializers.json import DjangoJSONEncoder

from referrals.answers.explain import Light, explain

MARKS = {Light.GREEN: "✓", Light.AMBER: "…", Light.RED: "✗", Light.NOT_REACHED: "·"}


class Command(BaseCommand):
    help = "Say why a referral is, or is not, in its destination."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("reference", help="any id of the referral")
        parser.add_argument("--json", action="store_true", help="the answer of the API")

    def handle(self, *args: Any, **options: Any) -> None:
        answer = explain(options["reference"])
        if options["json"]:
            self.stdout.write(
                json.dumps(answer.as_dict(), cls=DjangoJSONEncoder, indent=2, ensure_ascii=False)
            )
            return
        for check in answer.checks:
            self.stdout.write(f"{MARKS[check.light]} {check.question} {check.sentence}".rstrip())
        self.stdout.write(f"\n{answer.sentence}\nWhose turn: {answer.actor.label}.")
        # Without what came: what is printed is often passed on.
        for sentence in dict.fromkeys(warning.sentence for warning in answer.warnings):
            self.stdout.write(f"Warning: {sentence}")
