"""Create or update the configuration from a file."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from integrations import configuration
from integrations.models import Destination


class Command(BaseCommand):
    help = (
        "Create or update organizations, sources, destinations, triggers and mappings from a YAML "
        "or JSON file: all of it, or nothing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE")

    def handle(self, *args: Any, file: Path, **options: Any) -> None:
        try:
            report = configuration.apply(file.read_bytes())
        except OSError as error:
            raise CommandError(f"{file} cannot be read: {error.strerror}.") from None
        except configuration.ConfigurationError as error:
            raise CommandError(f"{file} was not applied:\n{error}") from None
        for line in report.lines():
            self.stdout.write(line)
        if report.nothing_changed:
            self.stdout.write("Nothing changed.")
        for destination in Destination.objects.filter(paused_at__isnull=False):
            self.stdout.write(
                f"“{destination}” is paused. When it is fixed, check_destination opens it again."
            )
