"""The programs of `test_two_portals`: staff of A who change everything, and what follows A for B.

    python -m tests.directory.data_partners.two_portals change SEED
    python -m tests.directory.data_partners.two_portals follow URL TOKEN STATE [once]

Each works on the database of its environment until it is killed. `follow` keeps what it has in a
file, so that it goes on where a killed one was: it applies a page of A's feed to its own copy, lets
B pull A where the page had anything, and only then writes down the page's cursor.
"""

import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import requests

FEED = "/api/v1/directory/changes"
LANGUAGES = ("en", "fr")
SUPPLIER = "county"  # of A
PEER = "portal A"  # as B knows it
FILE_SERVICES = 12
UNTOUCHED = "nobody changes this one"  # a note of the entry in French alone


def main(role: str, *arguments: str) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    {"change": change, "follow": follow}[role](*arguments)


# -- A: everything that staff and suppliers do -----------------------------------------------------


def change(seed: str) -> None:
    """Change A at random, until killed. What two do at once may be refused: then something else."""
    from django.db import OperationalError

    from directory.duplicates.merging import NotMerged

    dice = random.Random(seed)
    first = dice.sample(CHANGES, len(CHANGES))  # each of them once
    while True:
        with suppress(NotMerged, OperationalError, LookupError):
            (first.pop() if first else dice.choice(CHANGES))(dice)
        time.sleep(dice.random() / 20)


def _text(dice: random.Random) -> dict[str, str]:
    """Return a text in English, in both languages, or in French alone."""
    word = f"{dice.randrange(10**6):06}"
    return dice.choice(
        [
            {"en": f"Help {word}"},
            {"en": f"Help {word}", "fr": f"Aide {word}"},
            {"fr": f"Aide {word}"},
        ]
    )


def _entry(dice: random.Random, *kinds: str) -> Any:
    from directory.models import Entry

    found = Entry.objects.filter(kind__in=kinds, withdrawn_by="").exclude(internal_notes=UNTOUCHED)
    return dice.choice(list(found.order_by("pk")))


def edited(dice: random.Random) -> None:
    from directory.editing.recording import edit
    from directory.models import ROWS

    entry = _entry(dice, "service", "organization", "location")
    row = ROWS[entry.kind]._default_manager.get(pk=entry.pk)
    with edit([entry.pk], None, "test"):
        setattr(row, dice.choice(["name", "description"]), _text(dice))
        row.save()


def closed(dice: random.Random) -> None:
    from directory.editing.recording import edit
    from directory.models import Service

    entry = _entry(dice, "service")
    with edit([entry.pk], None, "test"):
        status = dice.choice(["active", "active", "temporarily closed", "inactive"])
        Service.objects.filter(pk=entry.pk).update(status=status)


def made(dice: random.Random) -> None:
    from directory import changes
    from directory.models import Entry
    from tests.directory import make

    if Entry.objects.count() > 150:
        return
    with changes.writing():
        place = make.location(_text(dice), description=_text(dice))
        make.address(place)
        service = make.service(_text(dice), description=_text(dice))
        make.phone(service=service)
        at = make.at(service, place)
        changes.changed([place.pk, service.pk, service.organization_id, at.pk])


def hidden(dice: random.Random) -> None:
    """Make an entry confidential, or show one again."""
    from directory.editing.confidential import Target, lift, press
    from directory.models import HIDDEN, Entry

    found = list(Entry.objects.filter(secrecy__in=HIDDEN).order_by("pk"))
    if len(found) > 4 or (found and dice.random() < 0.5):
        lift(Target(dice.choice(found)), None)
    else:
        press(Target(_entry(dice, "service", "location", "organization")), None)


def merged(dice: random.Random) -> None:
    from directory.duplicates.merging import merge

    one = _entry(dice, "service", "organization", "location")
    other = _entry(dice, one.kind)
    merge(one.pk, other.pk, {"name:en": dice.choice(["", "other"])}, None)


def parted(dice: random.Random) -> None:
    """Take the last merge back."""
    from directory.duplicates.merging import take_back
    from directory.models import Merge

    take_back(dice.choice(list(Merge.objects.filter(undone_at=None)[:1])).pk, None)


def imported(dice: random.Random) -> None:
    """Bring in a file of A's supplier, in which some services are new, gone, or changed."""
    from directory.importing.running import Options, run

    language = dice.choice(LANGUAGES)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "services.ndjson"
        file.write_text("\n".join(json.dumps(one) for one in listed(dice)))
        run(file, SUPPLIER, Options(language=language, allow_withdrawals=True))


def listed(dice: random.Random) -> list[dict[str, Any]]:
    """Return what the supplier lists, as HSDS 3.1."""
    numbers = sorted(dice.sample(range(FILE_SERVICES), FILE_SERVICES - 3))
    return [
        {
            "id": f"s{number}",
            "name": f"Supplied {dice.randrange(10**6):06}",
            "status": "active",
            "organization": {"id": f"o{number % 3}", "name": "County", "description": "It helps."},
            "phones": [{"id": f"p{number}", "number": f"705-555-01{number:02}"}],
            "schedules": [
                {
                    "id": f"h{number}",
                    "freq": "WEEKLY",
                    "byday": "MO,TH",
                    "opens_at": "09:00",
                    "closes_at": "17:00",
                }
            ],
        }
        for number in numbers
    ]


CHANGES: tuple[Callable[[random.Random], None], ...] = (
    edited,
    edited,
    closed,
    made,
    made,
    hidden,
    merged,
    parted,
    imported,
)


# -- B: what follows A -----------------------------------------------------------------------------


def follow(url: str, token: str, state: str, once: str = "") -> None:
    """Follow A's feed until killed; `once`: until there is nothing new, and pull then in any case.

    A that does not answer is asked again: it may have been killed.
    """
    following = Following(url, token, Path(state))
    while True:
        with suppress(requests.RequestException):
            if not following.step() and once:
                following.pull()
                return
        time.sleep(0.1)


class Following:
    """A copy of A's view in each language, by its feed, and the portal B, which pulls."""

    def __init__(self, url: str, token: str, state: Path) -> None:
        self.url, self.state = url, state
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {token}"
        kept = json.loads(state.read_text()) if state.exists() else {"after": "", "copy": {}}
        self.after: str = kept["after"]
        self.copy: dict[str, Any] = kept["copy"]

    def step(self) -> bool:
        """Apply the next page; return whether it had anything."""
        query = {"limit": "20"} | ({"after": self.after} if self.after else {})
        page = self._asked(f"{self.url}{FEED}", query)
        copy = dict(self.copy)
        for one in page["changes"]:
            key = f"{one['type']} {one['id']}"
            if one["action"] == "put":
                copy[key] = self._fetched(one["url"])
            else:
                copy.pop(key, None)  # a page that is applied again has removed it already
        if page["changes"]:
            self.pull()
        self.copy, self.after = copy, page["next"]
        self._write()
        return bool(page["changes"])

    def pull(self) -> None:
        """Let B pull A as a person does who looks at what would be withdrawn, and allows it."""
        from directory.models import Pull
        from directory.pulling.running import pull

        key = Pull.objects.values_list("pk", flat=True).get()
        done = pull(key, now=True, allow_withdrawals=True)
        if done is None or done.outcome != Pull.Outcome.WHOLE:
            raise requests.RequestException(f"not whole: {done and done.problems}")

    def _fetched(self, url: str) -> Any:
        """Return an entry in each language; None where it has left since."""
        found = {}
        for language in LANGUAGES:
            answer = self.session.get(url, params={"lang": language}, timeout=60)
            if answer.status_code == 404:
                return None
            answer.raise_for_status()
            found[language] = answer.json()
        return found

    def _asked(self, url: str, query: dict[str, str]) -> Any:
        answer = self.session.get(url, params=query, timeout=60)
        answer.raise_for_status()
        return answer.json()

    def _write(self) -> None:
        part = self.state.with_suffix(".part")
        part.write_text(json.dumps({"after": self.after, "copy": self.copy}))
        part.replace(self.state)


if __name__ == "__main__":
    main(*sys.argv[1:])
