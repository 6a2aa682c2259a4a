"""Visits the pages of a planted portal, and prints as JSON what each visit costs.

    python tests/bench/visits.py DIRECTORY ROUNDS ROLE[,ROLE…]

`DIRECTORY` is what `python -m tests.seeds DIRECTORY` made. It imports the code of the working
directory and nothing else of ours, so it measures an earlier checkout as well (`pages.py`).
Of each page: its queries, its bytes, and the CPU milliseconds of the quickest of so many visits.
"""

import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, os.getcwd())

from tests import seeds

# They answer with a file or with text for a script, or end the session.
NO_PAGES = ("jsi18n", "autocomplete", "logout", "login", "view_on_site")
MILLISECONDS = 1000


def visits(directory: Path, rounds: int, roles: list[str]) -> dict[str, Any]:
    """Return what each page costs each role, by "role name"."""
    os.environ.update(seeds.environment(directory), DJANGO_SETTINGS_MODULE="config.settings")
    import django

    django.setup()
    from django.contrib.auth.models import User
    from django.test import Client

    found = {}
    for role in roles:
        client = Client(SERVER_NAME="localhost")
        client.force_login(User.objects.get(username=role))
        client.get("/admin/")  # fills what is kept for good: types of rows, templates
        for name, address in addresses(directory):
            if cost := _visit(client, address, rounds):
                found[f"{role} {name}"] = cost
    return found


def addresses(directory: Path) -> Iterator[tuple[str, str]]:
    """Yield every page of the admin by its name, and the pages of every case by theirs."""
    known = json.loads((directory / "addresses.json").read_text())
    yield from ((name, url) for name, url in known.items() if name not in NO_PAGES)
    from referrals.models import ReferralAlias

    for case in seeds.CASES:
        alias = ReferralAlias.objects.filter(value=seeds.reference(case)).first()
        if alias:
            yield f"referral {case}", f"/admin/referrals/referral/{alias.referral_id}/change/"
            if hasattr(alias.referral, "deliveries"):  # earlier, they were called otherwise
                for delivery in alias.referral.deliveries.all()[:1]:
                    yield f"import {case}", f"/admin/referrals/delivery/{delivery.pk}/change/"


def _visit(client: Any, address: str, rounds: int) -> dict[str, Any] | None:
    """Return what a page costs; None where there is no page for this person."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as captured:
        answer = client.get(address)
    if answer.status_code != 200 or "text/html" not in answer["Content-Type"]:
        return None
    return {
        "queries": len(captured),
        "bytes": len(answer.content),
        "ms": min((_cpu(client, address) for _ in range(rounds)), default=0),
    }


def _cpu(client: Any, address: str) -> float:
    begun = time.process_time()
    client.get(address)
    return (time.process_time() - begun) * MILLISECONDS


if __name__ == "__main__":
    print(json.dumps(visits(Path(sys.argv[1]).resolve(), int(sys.argv[2]), sys.argv[3].split(","))))
