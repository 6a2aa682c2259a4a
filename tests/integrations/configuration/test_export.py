"""One organization's configuration as a file, and that it brings the same about elsewhere."""

from io import StringIO
from typing import Any

import pytest
import yaml
from django.core.management import CommandError, call_command
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integrations import configuration, destinations
from integrations.configuration.exporting import NotExported, export
from integrations.configuration.reading import read
from integrations.models import Destination, Organization, ServiceListing, Source, TriggerConfig
from mapping.editing.exchange import copy_mapping, install_shipped
from mapping.models import Mapping
from tests.world import World, make_world, options

TOKEN = "the-token-of-staging"


@pytest.fixture
def world(db: None) -> World:
    """A world that uses everything that a file can say."""
    world = make_world("crms", base_url="http://127.0.0.1:9009", token=TOKEN, note_limit=700)
    world.organization.name = "Centre d’accueil – “Été” & co: 100 %"
    world.organization.save()
    world.organization.listings.create(
        caredove_id="0412", name="no", category="Santé: adultes", active=False
    )
    own = copy_mapping(world.config.mapping, world.organization, "Écran – 1")
    shared = copy_mapping(world.config.mapping, None, "for all")
    copy_mapping(world.config.mapping, None, "of others")
    TriggerConfig.objects.filter(pk=world.config.pk).update(mapping=own, enabled=False)
    demo = Destination.objects.create(
        organization=world.organization,
        name="Try-out",
        kind="demo",
        options=options("demo"),
        at_once=2,
        per_minute=30,
    )
    second = Destination.objects.create(
        organization=world.organization, name="Birchwood-CRMS", kind="crms",
        options={**world.destination.options, "token": TOKEN},
    )  # fmt: skip
    for destination, mapping in ((second, shared), (demo, _default("demo"))):
        TriggerConfig.objects.create(
            listing=world.listing, destination=destination, on=["booked"], mapping=mapping
        )
    _own_source(world.organization)
    return world


def _default(kind: str) -> Mapping:
    shipped = destinations.default_mapping(kind)
    assert shipped is not None
    return install_shipped(kind, shipped)


def _own_source(organization: Organization) -> Source:
    source = Source.objects.create(
        name="Birchwood’s own",
        fetch_username="portal",
        fetch_password=TOKEN,
        attachment_hosts=["files.example.org"],
        referral_url="https://caredove.example/referrals/{reference}",
        listings_url="https://caredove.example/api/native_v1",
        listings_username="birchwood",
        listings_password=TOKEN,
    )
    source.organizations.add(organization)
    return source


def empty_the_portal() -> None:
    for model in (TriggerConfig, Destination, Source, ServiceListing, Organization):
        model.objects.all().delete()
    Mapping.objects.filter(shipped=False).delete()


def parsed(text: str) -> Any:
    return read(text.encode()).value


def test_exported_applied_to_an_empty_portal_and_exported_again_it_is_the_same(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = export(world.organization)
    for line in text.splitlines():
        if line.startswith("#   "):
            monkeypatch.setenv(line.split()[1], "a-secret-of-production")
    empty_the_portal()

    configuration.apply(text.encode())

    assert export(Organization.objects.get()) == text
    assert Destination.objects.filter(kind="crms").count() == 2
    assert configuration.apply(text.encode()).nothing_changed


def test_no_secret_is_exported_and_each_placeholder_is_named(world: World) -> None:
    text = export(world.organization)

    assert TOKEN not in text
    assert parsed(text)["destinations"][1]["options"]["token"] == "env:BIRCHWOOD_CRMS_TOKEN_2"
    named = [line.split()[1] for line in text.splitlines() if line.startswith("#   ")]
    assert named == [
        "BIRCHWOODS_OWN_FETCH_PASSWORD",
        "BIRCHWOODS_OWN_LISTING_API_PASSWORD",
        "BIRCHWOOD_CRMS_TOKEN",
        "BIRCHWOOD_CRMS_TOKEN_2",
    ]


def test_what_belongs_to_others_is_left_out(world: World) -> None:
    maple = Organization.objects.create(caredove_id="900", name="Maple")
    maple.listings.create(caredove_id="77", name="Theirs")
    both = Source.objects.create(name="for both")
    both.organizations.add(maple, world.organization)

    exported = parsed(export(world.organization))

    assert [one["id"] for one in exported["organizations"]] == ["812"]
    assert [one["name"] for one in exported["sources"]] == ["Birchwood’s own"]
    assert {one["name"] for one in exported["mappings"]} == {"Écran – 1", "for all"}
    assert "Theirs" not in export(world.organization)


def test_an_organization_that_has_nothing_yet_is_exported(db: None) -> None:
    maple = Organization.objects.create(caredove_id="900", name="Maple")

    text = export(maple)

    assert configuration.apply(text.encode()).nothing_changed
    assert "Secrets to fill in" not in text


def test_mappings_that_a_file_cannot_distinguish_are_named(world: World) -> None:
    shared = Mapping.objects.get(name="for all")
    copy_mapping(shared, world.organization, "for all")

    with pytest.raises(NotExported) as refused:
        export(world.organization)

    assert "cannot tell from another one of the same name, “for all”" in refused.value.message


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(name=st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=40))
def test_any_name_survives(name: str, db: None) -> None:
    defaults = {"name": name.strip() or "x"}
    organization, _ = Organization.objects.update_or_create(caredove_id="no", defaults=defaults)

    exported = parsed(export(organization))["organizations"][0]

    assert (exported["id"], exported["name"]) == ("no", organization.name)


def test_the_command_writes_what_apply_config_takes(world: World) -> None:
    out = StringIO()

    call_command("export_config", "812", stdout=out)

    assert out.getvalue() == export(Organization.objects.get())
    assert yaml.safe_load(out.getvalue())
    with pytest.raises(CommandError, match=r"no organization “813”\. Known: 812"):
        call_command("export_config", "813")
