"""The portal made ready: tables, configuration, people. Runs in this process, with its settings."""

import os
import time
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from string import Template

import django
from django.core.management import call_command
from django.db import connection, connections
from django.utils.crypto import salted_hmac

CONFIG = Path(__file__).with_name("config.yaml")
KEY = "caredove"  # the key id in config.yaml
SOURCE = "caredove"
LISTING = "4417"  # connected in config.yaml: a test event for it goes into CRMS
FILES_USER = "portal"  # the user name in config.yaml


class InUse(Exception):
    """The database is that of a portal that people work with; `str()` says so."""


def set_up() -> None:
    """Load the settings, and put the secrets that config.yaml names into the environment."""
    django.setup()
    for name in ("CAREDOVE_SECRET", "CAREDOVE_PASSWORD", "CRMS_TOKEN"):
        # The same each time, so that what was noted from the first run holds in the next.
        os.environ[name] = salted_hmac("scripts.demo", name, algorithm="sha256").hexdigest()[:32]
    # The stand-in CRMS takes notices of the directory, too: it reads this one.
    key = salted_hmac("scripts.demo", "NOTICES_SECRET", algorithm="sha256").digest()
    os.environ["NOTICES_SECRET"] = f"whsec_{b64encode(key).decode()}"


def prepare(crms_url: str, files_host: str, *, stated: bool = True) -> Mapping[str, str]:
    """Migrate, configure and make users; return the passwords of those that are new.

    `stated`: what the stand-in CRMS can do is declared. Raises InUse, before anything has changed,
    when the database has other organizations.
    """
    from integrations import configuration
    from scripts.demo import directory, people

    config = Template(CONFIG.read_text())
    able = "true" if stated else "not said"
    filled = config.substitute(CRMS_URL=crms_url, FILES_HOST=files_host, ABLE=able)
    _refuse_one_in_use()
    call_command("migrate", verbosity=0)
    configuration.apply(filled.encode())
    directory.plant(f"{crms_url}/notices", os.environ["NOTICES_SECRET"])
    passwords = people.make_users()
    connections.close_all()
    return passwords


def prove(seconds: float) -> bool:
    """Send a test event, and wait until it has proved what the stand-in CRMS can do.

    False when the time is up before.
    """
    from integrations.models import Destination, ServiceListing, Source
    from referrals.running import test_events

    test_events.send(
        Source.objects.get(name=SOURCE), ServiceListing.objects.get(caredove_id=LISTING)
    )
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        standings = Destination.objects.get(kind="crms").standings()
        if all(one.how == "proved" for one in standings):
            return True
        time.sleep(0.2)
    return False


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
