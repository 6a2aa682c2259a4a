"""Two portals in their processes: B follows A by its feed and its API, and both are killed.

While staff of A edit, import, merge, and hide, and take that back, A's web server, its dispatcher,
its staff's program, and what follows it for B are killed at random and started again. When all is
quiet, B shows exactly what A shows it, in each language, and so does the feed's copy.
"""

import json
import random
import sys
import time
from contextlib import ExitStack

import pytest
import requests
from django.utils import timezone

from directory.data_partners import tokens
from directory.duplicates.merging import MERGED, TAKEN_BACK
from directory.editing.confidential import HIDDEN_BY, SHOWN_BY
from directory.models import Pull, Revision, Supplier, SupplierImport, View
from tests import databases
from tests.conftest import PROGRAMS
from tests.directory import agreed, make
from tests.directory.data_partners.two_portals import LANGUAGES, PEER, UNTOUCHED
from tests.environment import database_url
from tests.flow.portal import Portal, eventually
from tests.services import Program, spawn

pytestmark = [
    pytest.mark.programs,
    pytest.mark.long,
    pytest.mark.django_db(transaction=True),
]
LISTS = (
    "services?full=true",
    "organizations?full=true&full_service=true",
    "service_at_locations?full=true",
    "taxonomies?",
    "taxonomy_terms?",
)
FRENCH = {"fr": "Café-rencontre francophone"}


class Pair:
    """Portals A and B, the programs of A's staff and of what follows, and how often each died."""

    def __init__(self, env, stack, folder, token):
        self.stack, self.token = stack, token
        self.state = folder / "following.json"
        self.a = Portal(env, stack)
        own = {"STATE_ROOT": str(folder / "state"), "MEDIA_ROOT": str(folder / "media")}
        self.b = Portal(env | own, stack)
        self.running = {}
        self.killed = dict.fromkeys(("A's web", "A's dispatcher", "A's staff", "following"), 0)

    def begin(self, name, seed=0):
        self.running[name] = {
            "A's web": lambda: self.a.begin("web"),
            "A's dispatcher": lambda: self.a.begin("dispatcher"),
            "A's staff": lambda: self._own(self.a, "change", str(seed)),
            "following": lambda: self._follow(),
        }[name]()

    def kill(self, name):
        self.running[name].kill()
        self.killed[name] += 1

    def finish(self):
        """Let what follows come to the end, with B's last pull."""
        program = self._follow("once")
        assert program.process.wait(timeout=300) == 0, program.output()

    def _follow(self, *more):
        return self._own(self.b, "follow", self.a.url, self.token, str(self.state), *more)

    def _own(self, portal, *arguments) -> Program:
        command = [sys.executable, "-m", "tests.directory.data_partners.two_portals", *arguments]
        program = self.stack.enter_context(spawn(command, portal.env, name=arguments[0]))
        portal.programs.append(program)
        return program


@pytest.fixture
def pair(request, portal_env, tmp_path):
    databases.close_all()
    name = databases.connections["default"].settings_dict["NAME"]
    other = databases.beside(str(name), "b")
    databases.copy(str(name), other)  # it is migrated, and empty
    with ExitStack() as stack:
        stack.callback(databases.drop, other)
        stack.callback(databases.close_all)
        token = plant_a()
        made = Pair(portal_env, stack, tmp_path, token)
        made.b.env["DATABASE_URL"] = database_url(other)
        request.node.stash[PROGRAMS] = made.a.programs + made.b.programs
        with databases.using(other):
            plant_b(made.a.url, token)
        yield made


def plant_a():
    """Make A's directory, with an entry in French alone; return a token of B."""
    for name in View.Name.values:
        View.objects.create(name=name)
    make.directory(public="false")
    for number in range(4):
        place = make.location(f"Place {number}")
        make.address(place)
        make.at(make.service(f"Service {number}"), place)
    french = make.service(FRENCH, description={"fr": "Des jeux."}, internal_notes=UNTOUCHED)
    make.attribute(french, make.term())
    token = tokens.make(agreed.partner(name="portal B"))
    databases.close_all()
    return token


def plant_b(url, token):
    for name in View.Name.values:
        View.objects.create(name=name)
    make.directory()
    supplier = Supplier.objects.create(name=PEER, kind="hsds_api", rank=1)
    Pull.objects.create(
        supplier=supplier, url=f"{url}/hsds/3.1", token=token, due_at=timezone.now()
    )


@pytest.mark.parametrize(
    "kills", [4, pytest.param(60, marks=[pytest.mark.whole, pytest.mark.postgres])]
)
def test_b_has_exactly_what_a_shows_it_however_often_both_are_killed(pair, kills):
    dice = random.Random(kills)
    pair.a.start("web")
    for name in ("A's dispatcher", "A's staff", "following"):
        pair.begin(name)
    pair.running["A's web"] = pair.a.program("web")
    names = list(pair.killed)
    for number in range(kills):
        time.sleep(dice.uniform(0.5, 2))
        victim = names[number % len(names)] if number < len(names) else dice.choice(names)
        pair.kill(victim)
        pair.begin(victim, seed=number)
    eventually(all_has_happened, "every kind of change")
    pair.running["A's staff"].kill()
    pair.running["following"].kill()
    pair.finish()
    assert all(pair.killed.values())
    pair.b.start("web")
    shown = {language: everything(pair.a, language, pair.token) for language in LANGUAGES}
    copied = {language: everything(pair.b, language) for language in LANGUAGES}
    assert shown == copied
    assert all(FRENCH["fr"] in str(shown[language]["services"]) for language in LANGUAGES)
    assert_the_feed_led_to(pair, shown)


def all_has_happened():
    """Return whether everything was done in A, and taken back where it can be."""
    reasons = set(Revision.objects.values_list("reason", flat=True))
    return {"test", MERGED, TAKEN_BACK, HIDDEN_BY, SHOWN_BY} <= reasons and (
        SupplierImport.objects.filter(state=SupplierImport.State.APPLIED).count() > 1
    )


def everything(portal, language, token=""):
    """Return all that a portal lists in a language, by list and id, but the times of its own."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    found = {}
    for name in LISTS:
        url = f"{portal.url}/hsds/3.1/{name}&format=ndjson&lang={language}"
        answer = requests.get(url, headers=headers, timeout=120)
        assert answer.status_code == 200, answer.text
        lines = map(json.loads, answer.text.splitlines())
        found[name.partition("?")[0]] = {line["id"]: without_times(line) for line in lines}
    return found


def without_times(value):
    """Return a value without `last_modified`, which says when it changed here."""
    if isinstance(value, list):
        return [without_times(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {key: without_times(one) for key, one in value.items() if key != "last_modified"}


def assert_the_feed_led_to(pair, shown):
    kept = json.loads(pair.state.read_text())["copy"]
    lists = {
        "service": "services",
        "organization": "organizations",
        "service_at_location": "service_at_locations",
        "taxonomy": "taxonomies",
        "taxonomy_term": "taxonomy_terms",
    }
    for kind, name in lists.items():
        ids = {key.partition(" ")[2] for key in kept if key.startswith(f"{kind} ")}
        assert ids == set(shown["en"][name]), kind
    for language in LANGUAGES:
        for key, of in kept.items():
            kind, _, hsds_id = key.partition(" ")
            if kind in lists and kind != "organization":
                assert without_times(of[language]) == shown[language][lists[kind]][hsds_id]
