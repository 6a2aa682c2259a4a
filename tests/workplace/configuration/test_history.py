"""The history of an organization's whole configuration: in order, filtered, and whose it is."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from access.roles import ADMINISTRATOR, LIAISON, SUPPORT
from integrations.models import Organization, TriggerConfig
from mapping.editing.exchange import copy_mapping, put_back
from tests.people import client_of
from tests.world import World, make_world

OLD, NEW = "the-old-token", "the-new-token"


@pytest.fixture
def world(db: None) -> World:
    return make_world("crms", history=True, base_url="http://127.0.0.1:9", token=OLD)


def page_of(client: Client, organization: Organization, **wanted: Any) -> Any:
    return client.get(reverse("admin:configuration_history", args=[organization.pk]), wanted)


def lines_of(page: Any) -> list[str]:
    return [f"{one.sort} {one.name} {one.done}" for one, _ in page.context["changes"]]


def by(user: User, row: Any, **changed: Any) -> None:
    for name, value in changed.items():
        setattr(row, name, value)
    row._history_user = user
    row.save()


def test_everything_is_reported_newest_first_without_a_secret(world: World) -> None:
    client = client_of(ADMINISTRATOR)
    user = User.objects.get()
    by(user, world.listing, name="Renamed")
    by(user, world.destination, options={**world.destination.options, "token": NEW})
    by(user, world.config, enabled=False)
    world.config.delete()

    page = page_of(client, world.organization)

    assert lines_of(page)[:4] == [
        "Trigger config Renamed to Birchwood CRMS deleted",
        "Trigger config Renamed to Birchwood CRMS changed",
        "Destination Birchwood CRMS changed",
        "Service listing Renamed changed",
    ]
    text = page.content.decode()
    assert "<del>Adult Counselling - Milltown</del>" in text
    assert "another secret" in text
    assert OLD not in text
    assert NEW not in text


def test_a_deleted_listing_is_still_reported_with_what_it_led_to(world: World) -> None:
    client = client_of(LIAISON, world.organization)
    world.listing.delete()

    assert lines_of(page_of(client, world.organization))[:2] == [
        "Service listing Adult Counselling - Milltown deleted",
        "Trigger config a deleted listing to Birchwood CRMS deleted",
    ] or set(lines_of(page_of(client, world.organization))[:2]) == {
        "Service listing Adult Counselling - Milltown deleted",
        "Trigger config a deleted listing to Birchwood CRMS deleted",
    }


def test_a_mapping_is_reported_by_its_versions(world: World) -> None:
    user = User.objects.create_user("mireille")
    mapping = copy_mapping(world.config.mapping, world.organization, "Own", user)
    first = mapping.versions.get()
    first.content["rules"].reverse()
    put_back(first, user)
    client = client_of(LIAISON, world.organization)

    page = page_of(client, world.organization, what="mapping")

    assert lines_of(page) == ["Mapping Own · CRMS changed", "Mapping Own · CRMS added"]
    assert page.context["changes"][0][0].who == "mireille"
    mapping.delete()
    assert lines_of(page_of(client, world.organization, what="mapping")) == [
        "Mapping Own · CRMS deleted"
    ]


def test_the_changes_are_filtered_by_who_what_and_when(world: World) -> None:
    client, user = client_of(ADMINISTRATOR), User.objects.get()
    by(user, world.listing, name="Renamed")

    def shown(**wanted: Any) -> list[str]:
        return lines_of(page_of(client, world.organization, **wanted))

    assert shown(who=user.pk) == ["Service listing Renamed changed"]
    assert shown(what="destination") == ["Destination Birchwood CRMS added"]
    assert shown(what="servicelisting", until="2020-01-01") == []
    assert len(shown(since="2020-01-01")) == len(shown())
    assert len(shown(since="yesterday", who="nobody")) == len(shown())  # and says what is wrong


def test_nothing_of_another_organization_is_in_it(world: World) -> None:
    maple = Organization.objects.create(caredove_id="900", name="Maple")
    maple.listings.create(caredove_id="77", name="Theirs")
    client = client_of(LIAISON, world.organization)

    assert not any("Theirs" in line for line in lines_of(page_of(client, world.organization)))
    assert page_of(client, maple).status_code == 404
    assert page_of(client_of(), world.organization).status_code == 403


def test_sources_are_reported_to_administrators_only(world: World) -> None:
    everything = lines_of(page_of(client_of(ADMINISTRATOR), world.organization))
    seen = lines_of(page_of(client_of(SUPPORT, world.organization), world.organization))

    assert "Source caredove added" in everything
    assert "Source caredove added" not in seen
    assert set(seen) < set(everything)


def test_a_page_of_it_takes_few_queries(world: World, django_assert_max_num_queries: Any) -> None:
    client = client_of(LIAISON, world.organization)
    for number in range(30):
        world.listing.name = f"Name {number}"
        world.listing.save()
        TriggerConfig.objects.get().save()

    with django_assert_max_num_queries(15):
        page = page_of(client, world.organization, page=2)

    assert page.context["page"].paginator.num_pages == 3
