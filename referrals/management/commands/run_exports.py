"""`manage.py run_exports`: carry the runs that are due, without waiting for the dispatcher."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core.database import clock
from integrations.models import Destination
from referrals import delivering
from referrals.models import Run


class Command(BaseCommand):
    help = "Carry the runs of destinations that are due; with --now, also before their time."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", metavar="DESTINATION", nargs="?")
        parser.add_argument("--organization", metavar="ID", help="Caredove's id")
        parser.add_argument("--now", action="store_true", help="whatever its schedule says")
        parser.add_argument("--json", action="store_true")

    def handle(
        self, *args: Any, name: str | None, organization: str | None, **options: Any
    ) -> None:
        chosen = Destination.objects.filter(batches=True)
        if name:
            chosen = chosen.filter(name=name)
        if organization:
            chosen = chosen.filter(organization__caredove_id=organization)
        if name and chosen.count() != 1:
            what = "Several destinations are" if chosen.exists() else "No destination with runs is"
            raise CommandError(f"{what} named “{name}”: see also --organization.")
        runs = [run for one in chosen for run in _carry(one, now=options["now"])]
        if options["json"]:
            self.stdout.write(json.dumps({"runs": [_as_json(run) for run in runs]}))
            return
        for run in runs:
            text = f"{run.rows} rows in {run.name or 'no list'}" if run.rows is not None else ""
            self.stdout.write(f"{run.destination}: {text or run.message or run.state}")
        self.stdout.write(f"{len(runs)} runs.")


def _carry(destination: Destination, *, now: bool) -> list[Run]:
    """Carry what is due there; return the runs that this was."""
    begun = clock.now()
    if now:
        delivering.make_due(destination)
    if not delivering.due_destinations().filter(pk=destination.pk).exists():
        return []
    delivering.carry_due(destination.pk)
    recent = Run.objects.filter(destination=destination, until__gte=begun)
    under_way = Run.objects.filter(destination=destination, state=Run.State.RUNNING)
    return list((recent | under_way).order_by("until"))


def _as_json(run: Run) -> dict[str, Any]:
    return {
        "run": str(run.pk),
        "destination": str(run.destination),
        "state": run.state,
        "file": run.name,
        "rows": run.rows,
        "size": run.size,
        "sha256": run.sha256,
        "message": str(run.message or ""),
    }
