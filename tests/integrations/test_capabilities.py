"""What a destination can do is proved or declared, shown with its date, and never assumed."""

from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format

from core.database import clock
from integrations import configuration
from integrations.capabilities import Capability, Finding, How
from integrations.configuration import transfer
from integrations.configuration.exporting import export
from integrations.history import putting_back
from integrations.models import Destination
from tests.forms import form_on
from tests.rows import write
from tests.world import World, make_world, options

KEYS, LISTS, FINDS, FILTERS = (
    Capability.RECOGNIZES_KEYS,
    Capability.LISTS_FILES,
    Capability.SEARCH_FINDS,
    Capability.SEARCH_FILTERS,
)
URL = "http://127.0.0.1:9"


@pytest.fixture
def world(db: None) -> World:
    """A destination of which nothing is said."""
    return make_world(
        "crms", history=True, base_url=URL, token="t", look_up=None, repeat_files=None
    )


def now() -> Destination:
    return Destination.objects.get()


def stands(one: Capability) -> tuple[How, bool, str]:
    (found,) = [standing for standing in now().standings() if standing.capability is one]
    return found.how, found.yes, found.by


def as_of_an_upgrade(look_up: bool = True, repeat_files: bool = True) -> None:
    """Make the destination what the migration makes of one of an earlier version."""
    declared = {FINDS: look_up, KEYS: repeat_files}
    at = clock.now().isoformat()
    write(
        Destination.objects.all(),
        options=options(
            "crms", base_url=URL, token="t", look_up=look_up, repeat_files=repeat_files
        ),
        capabilities={
            one: {"declared": {"yes": yes, "by": None, "at": at}} for one, yes in declared.items()
        },
    )


# -- What is relied on -----------------------------------------------------------------------------


def test_a_new_destination_can_do_nothing_as_far_as_is_known(world: World):
    assert [one.how for one in now().standings()] == [How.UNPROVEN] * 4
    assert not any(now().transport().can(one) for one in Capability)


@pytest.mark.parametrize("one", Capability)
@pytest.mark.parametrize("yes", [True, False])
def test_what_a_test_shows_is_proved_or_disproved(world: World, one: Capability, yes: bool):
    now().prove({one: Finding(yes, "" if yes else "It did not.")}, clock.now())
    assert stands(one) == (How.PROVED if yes else How.DISPROVED, yes, "")
    assert now().transport().can(one) is yes


def opt(**given: Any) -> None:
    write(Destination.objects.all(), options=options("crms", **given))


@pytest.mark.parametrize(("one", "option"), [(KEYS, "repeat_files"), (FINDS, "look_up")])
def test_a_declared_yes_counts_until_a_test_disproves_it(world: World, one: Any, option: str):
    write(
        Destination.objects.all(),
        options=options("crms", base_url=URL, token="t", **{option: True}),
    )
    now().declare({option: True}, by="pat")
    assert stands(one) == (How.DECLARED, True, "pat")
    assert now().transport().can(one)
    now().prove({one: Finding(False, "It did not.")}, clock.now())
    assert stands(one) == (How.DISPROVED, False, "")
    assert not now().transport().can(one)


@pytest.mark.parametrize(("one", "option"), [(KEYS, "repeat_files"), (FINDS, "look_up")])
def test_a_declared_no_is_believed_whatever_was_proved(world: World, one: Any, option: str):
    now().prove({one: Finding(True)}, clock.now())
    write(
        Destination.objects.all(),
        options=options("crms", base_url=URL, token="t", **{option: False}),
    )
    now().declare({option: False}, by="pat")
    assert stands(one) == (How.DECLARED, False, "pat")
    assert not now().transport().can(one)


@pytest.mark.parametrize(
    ("one", "change", "voids"),
    [
        (KEYS, {"base_url": "https://crms.example"}, True),
        (KEYS, {"attachments_path": "/files/{id}"}, True),
        (KEYS, {"idempotency_header": "X-Key"}, True),
        (KEYS, {"token": "another"}, False),
        (KEYS, {"note_limit": 300}, False),
        (LISTS, {"files_field": "documents"}, True),
        (LISTS, {"token": "another"}, True),
        (FINDS, {"reference_parameter": "ref"}, True),
        (FILTERS, {"referrals_path": "/v2"}, True),
        (FILTERS, {"file_seconds": 5}, False),
    ],
)
def test_an_option_that_it_depends_on_makes_a_proof_void(
    world: World, one: Capability, change: dict[str, Any], voids: bool
):
    now().prove({one: Finding(True)}, clock.now())
    given = {"base_url": URL, "token": "t", "look_up": None, "repeat_files": None, **change}
    opt(**given)
    assert stands(one)[0] is (How.UNPROVEN if voids else How.PROVED)


def test_nobody_can_declare_that_a_search_filters_or_that_files_are_listed(world: World):
    now().declare({"search_filters": True, "files_field": True, "look_up": True}, by="pat")
    assert now().capabilities.keys() == {FINDS}


def test_proofs_that_come_at_the_same_time_do_not_overwrite_each_other(world: World):
    first, second = now(), now()
    first.prove({KEYS: Finding(True)}, clock.now())
    second.prove({LISTS: Finding(True)}, clock.now())
    second.declare({"look_up": True}, by="pat")
    assert now().capabilities.keys() == {KEYS, LISTS, FINDS}


# -- In the admin ----------------------------------------------------------------------------------


def page_of(client: Client) -> tuple[str, Any]:
    url = reverse("admin:integrations_destination_change", args=[now().pk])
    return url, client.get(url)


def test_the_page_shows_how_each_is_known_and_since_when(admin_client: Client, world: World):
    now().prove({KEYS: Finding(True), FINDS: Finding(False, "It had none.")}, clock.now())
    text = page_of(admin_client)[1].content.decode()
    day = date_format(timezone.localtime(clock.now()), "DATE_FORMAT")
    assert f"Keeps one copy of a file sent twice: yes, proved on {day}." in text
    assert f"Its search finds a referral that is there: no, disproved on {day}. It had" in text
    assert "Lists the files of a referral: not proved yet." in text


def test_a_person_declares_and_is_named(admin_client: Client, world: World):
    url, page = page_of(admin_client)
    assert form_on(page)["options-look_up"] == ["not said"]
    admin_client.post(url, form_on(page) | {"options-look_up": "True"})
    assert stands(FINDS) == (How.DECLARED, True, "admin")
    assert stands(KEYS)[0] is How.UNPROVEN
    assert "yes, declared by admin on" in page_of(admin_client)[1].content.decode()


def test_saving_the_form_again_declares_nothing_anew(admin_client: Client, world: World):
    now().declare({"look_up": True}, by="pat")
    opt(base_url=URL, token="t")
    url, page = page_of(admin_client)
    admin_client.post(url, form_on(page) | {"name": "Another name"})
    assert stands(FINDS) == (How.DECLARED, True, "pat")


def test_a_form_that_does_not_name_them_leaves_both_as_they_are(admin_client: Client, world: World):
    as_of_an_upgrade()
    url, page = page_of(admin_client)
    given = form_on(page) | {"name": "Another name"}
    del given["options-look_up"], given["options-repeat_files"]
    admin_client.post(url, given)
    assert now().name == "Another name"
    assert now().options["look_up"] is now().options["repeat_files"] is True
    assert stands(FINDS) == (How.DECLARED_AT_UPGRADE, True, "")


@pytest.mark.parametrize("stored", [True, False])
def test_nobody_confirms_by_the_way_what_was_stored_at_the_upgrade(
    admin_client: Client, world: World, stored: bool
):
    as_of_an_upgrade(look_up=stored)
    url, page = page_of(admin_client)
    admin_client.post(url, form_on(page) | {"name": "Another name"})
    assert stands(FINDS) == (How.DECLARED_AT_UPGRADE, stored, "")
    assert now().options["look_up"] is stored
    page = page_of(admin_client)[1]
    assert "as before the upgrade: nobody has confirmed it" in page.content.decode()
    admin_client.post(url, form_on(page) | {"options-look_up": str(stored)})
    assert stands(FINDS) == (How.DECLARED, stored, "admin")


def test_not_declared_takes_a_declaration_back(admin_client: Client, world: World):
    as_of_an_upgrade()
    url, page = page_of(admin_client)
    admin_client.post(url, form_on(page) | {"options-repeat_files": "not said"})
    assert stands(KEYS)[0] is How.UNPROVEN
    assert now().options["repeat_files"] is None


def test_putting_an_earlier_version_back_declares_nothing(admin_client: Client, world: World):
    url, page = page_of(admin_client)
    admin_client.post(
        url, form_on(page) | {"options-look_up": "False", "options-note_limit": "500"}
    )
    first = Destination.history.order_by("history_id").first()
    putting_back.put_back(first, "as it was")
    assert now().options["note_limit"] != 500
    assert now().options["look_up"] is False
    assert stands(FINDS) == (How.DECLARED, False, "admin")


# -- The home page ---------------------------------------------------------------------------------


def home(client: Client) -> str:
    return client.get(reverse("admin:index")).content.decode()


def test_what_is_declared_at_upgrade_is_a_to_do_until_it_is_tested_or_declared(
    admin_client: Client, world: World
):
    assert "To confirm since the upgrade" not in home(admin_client)
    as_of_an_upgrade(repeat_files=False)
    text = home(admin_client)
    assert "To confirm since the upgrade" in text
    assert "finds what is there and whether it keeps one copy" in text
    now().prove({FINDS: Finding(True)}, clock.now())
    assert "finds what is there and" not in home(admin_client)
    now().declare({"repeat_files": False}, by="pat")
    assert "To confirm since the upgrade" not in home(admin_client)


# -- Configuration files ---------------------------------------------------------------------------


def applied(**given: Any) -> list[str]:
    entry = {"organization": "812", "name": "Birchwood CRMS", "kind": "crms", "options": given}
    return configuration.apply(yaml.safe_dump({"destinations": [entry]}).encode()).lines()


def test_a_file_that_does_not_name_them_leaves_both_as_they_are(world: World):
    as_of_an_upgrade(repeat_files=False)
    applied(base_url=URL, token="t", note_limit=700)
    assert now().options["note_limit"] == 700
    assert (now().options["look_up"], now().options["repeat_files"]) == (True, False)
    assert stands(FINDS) == (How.DECLARED_AT_UPGRADE, True, "")
    assert stands(KEYS) == (How.DECLARED_AT_UPGRADE, False, "")


def test_a_file_declares_what_it_names_and_the_second_time_nothing(world: World):
    as_of_an_upgrade()
    assert applied(base_url=URL, token="t", look_up=True) == ["destinations: 1 changed"]
    assert stands(FINDS) == (How.DECLARED, True, "configuration file")
    assert stands(KEYS)[0] is How.DECLARED_AT_UPGRADE
    assert applied(base_url=URL, token="t", look_up=True) == ["destinations: 1 unchanged"]
    applied(base_url=URL, token="t", look_up="not said")
    assert stands(FINDS)[0] is How.UNPROVEN


def test_a_file_does_not_talk_over_a_proof(world: World):
    now().prove({FINDS: Finding(False, "It did not.")}, clock.now())
    applied(base_url=URL, token="t", look_up=True)
    assert stands(FINDS) == (How.DISPROVED, False, "")


def test_a_destination_that_a_file_makes_begins_with_not_declared(world: World):
    Destination.objects.all().delete()
    applied(base_url=URL, token="t")
    assert (now().options["look_up"], now().options["repeat_files"]) == (None, None)
    assert [one.how for one in now().standings()] == [How.UNPROVEN] * 4


def test_what_nobody_has_declared_is_not_exported(world: World):
    as_of_an_upgrade()
    now().declare({"repeat_files": True}, by="pat")
    now().prove({FINDS: Finding(True)}, clock.now())
    (declared,) = yaml.safe_load(export(world.organization))["destinations"]
    assert "look_up" not in declared["options"]
    assert declared["options"]["repeat_files"] is True


def test_an_imported_configuration_declares_in_the_name_of_who_imports_it(world: World):
    now().declare({"look_up": True}, by="pat")
    write(
        Destination.objects.all(),
        options=options("crms", base_url=URL, token="t", repeat_files=None),
    )
    file = export(world.organization).encode()
    as_of_an_upgrade()
    transfer.take_in(file, {"BIRCHWOOD_CRMS_TOKEN": "t"}, by="kim")
    assert stands(FINDS) == (How.DECLARED, True, "kim")
    assert stands(KEYS) == (How.DECLARED_AT_UPGRADE, True, "")


# -- The upgrade -----------------------------------------------------------------------------------


class Earlier:
    """A destination as the migration finds it."""

    def __init__(self, **kept: Any) -> None:
        self.kind, self.options, self.capabilities = "crms", dict(now().options), {}
        self.search_of = self.search_refused = ""
        self.search_finds = self.search_filters = False
        self.__dict__.update(kept)

    def save(self, update_fields: list[str]) -> None:
        write(Destination.objects.all(), **{name: getattr(self, name) for name in update_fields})

    def upgrade(self) -> None:
        """Let the migration do with it what it does with a row."""
        (file,) = Path("integrations/migrations").glob("*_capabilities.py")
        migration = import_module(f"integrations.migrations.{file.stem}")
        rows = SimpleNamespace(objects=SimpleNamespace(iterator=lambda: [self]))
        migration.record(SimpleNamespace(get_model=lambda *_: rows), None)


@pytest.mark.parametrize(
    ("kept", "finds", "filters"),
    [
        ({}, (How.DECLARED_AT_UPGRADE, True), (How.UNPROVEN, False)),
        ({"search_finds": True}, (How.PROVED, True), (How.DISPROVED, False)),
        ({"search_finds": True, "search_filters": True}, (How.PROVED, True), (How.PROVED, True)),
        (
            {"search_refused": "It answered a search with HTTP 404."},
            (How.DISPROVED, False),
            (How.UNPROVEN, False),
        ),
    ],
)
@pytest.mark.parametrize("repeat_files", [True, False])
def test_the_upgrade_carries_over_what_is_on_record(
    db: None,
    kept: dict[str, Any],
    finds: tuple[How, bool],
    filters: tuple[How, bool],
    repeat_files: bool,
):
    make_world("crms", base_url=URL, token="t", repeat_files=repeat_files)
    Earlier(search_of=now()._hashes()[FINDS] if kept else "", **kept).upgrade()
    assert stands(FINDS)[:2] == finds
    assert stands(FILTERS)[:2] == filters
    assert stands(LISTS)[0] is How.UNPROVEN
    assert stands(KEYS)[:2] == (How.DECLARED_AT_UPGRADE, repeat_files)
    assert (now().options["look_up"], now().options["repeat_files"]) == (True, repeat_files)


def test_a_proof_of_other_options_is_none_after_the_upgrade_either(db: None):
    make_world("crms", base_url=URL, token="t")
    Earlier(search_of="f" * 64, search_finds=True).upgrade()
    assert stands(FINDS)[:2] == (How.DECLARED_AT_UPGRADE, True)


def test_an_option_that_an_earlier_version_did_not_store_was_yes(world: World):
    Earlier(options={"base_url": URL, "token": "t"}).upgrade()
    assert stands(KEYS)[:2] == stands(FINDS)[:2] == (How.DECLARED_AT_UPGRADE, True)
