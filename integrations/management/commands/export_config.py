"""Write one organization's configuration as a file for apply_config."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from integrations.configuration.exporting import NotExported, export
from integrations.models import Organization


class Command(BaseCommand):
    help = (
        "Write the configuration of one organization (by its Caredove id) as a YAML file, without "
        "its secrets: export_config 812 > birchwood.yaml"
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("organization", metavar="CAREDOVE_ID")

    def handle(self, *args: Any, organization: str, **options: Any) -> None:
        found = Organization.objects.filter(caredove_id=organization).first()
        if found is None:
            known = ", ".join(Organization.objects.values_list("caredove_id", flat=True)[:10])
            raise CommandError(f"There is no organization “{organization}”. Known: {known}.")
        try:
            self.stdout.write(export(found), ending="")
        except NotExported as error:
            raise CommandError(error.message) from None
