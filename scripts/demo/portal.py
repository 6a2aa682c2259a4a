"""The portal made ready: tables, configuration, people. Runs in this process, with its settings."""

import os
from collections.abc import Mapping
from pathlib import Path
from string import Template

import django
from django.core.management import call_command
from django.db import connection, connections
from django.utils.crypto import salted_hmac

CONFIG = Path(__file__).with_name("config.yaml")
KEY = "caredove"  # the key id in config.yaml
FILES_USER = "portal"  # the user name in config.yaml


class InUse(Exception):
    """The database is that of a portal that people work with; `str()` says so."""


def set_up() -> None:
    """Load the settings, and put the secrets that config.yaml names into the environment."""
    django.setup()
    for name in ("CAREDOVE_SECRET", "CAREDOVE_PASSWORD", "CRMS_TOKEN"):
        # The same each time, so that what was noted from the first run holds in the next.
        os.environ[name] = salted_hmac("scripts.demo", name, algorithm="sha256").hexdigest()[:32]


def prepare(crms_url: str, files_host: str) -> Mapping[str, str]:
    """Migrate, configure and make users; return the passwords of those that are new.

    Raises InUse, before anything has changed, when the database has other organizations.
    """
    from integrations import configuration
    from scripts.demo import people

    config = Template(CONFIG.read_text())
    filled = config.substitute(CRMS_URL=crms_url, FILES_HOST=files_host)
    _refuse_one_in_use()
    call_command("migrate", verbosity=0)
    configuration.apply(filled.encode())
    passwords = people.make_users()
    connections.close_all()
    return passwords


def _refuse_one_in_use() -> None:
    from integrations.models import Organization

    if Organization._meta.db_table not in connection.introspection.table_names():
        return
    others = Organization.objects.exclude(caredove_id__in=("812", "831")).count()
    if others:
        raise InUse(
            f"The portal of this directory is in use: it has {others} organization(s) that are "
            "not of the demonstration. Nothing was changed. `make demo` uses one of its own."
        )
