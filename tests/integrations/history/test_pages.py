"""The history of a row: without secrets, of the person's organizations, and put back from there."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from access.roles import ADMINISTRATOR, LIAISON, SUPPORT
from core.models import AuditEvent
from integrations.models import Destination, Organization, ServiceListing, Source
from tests.integrations.history.conftest import NOW, OLD
from tests.people import client_of
from tests.world import World


def history(row: Any) -> str:
    opts = row._meta
    return reverse(f"admin:{opts.app_label}_{opts.model_name}_history", args=[row.pk])


def version(row: Any, record: Any) -> str:
    return f"{history(row)}{record.pk}/"


def posted(page: Any, note: str = "") -> dict[str, Any]:
    return {"seen": page.context["form"].initial["seen"], "note": note}


@pytest.fixture
def foreign(db: None) -> ServiceListing:
    maple = Organization.objects.create(caredove_id="900", name="Maple")
    return maple.listings.create(caredove_id="77", name="Theirs")


def test_the_history_states_that_a_secret_changed_and_not_what_it_was(
    admin_client: Client, world: World
) -> None:
    page = admin_client.get(history(world.destination)).content.decode()

    assert "a secret" in page
    assert "another secret" in page
    assert OLD not in page
    assert NOW not in page


def test_a_version_is_looked_at_and_put_back_by_name(world: World) -> None:
    client = client_of(ADMINISTRATOR)
    url = version(world.destination, Destination.history.earliest())

    page = client.get(url)
    assert "500" in page.content.decode()
    assert OLD not in page.content.decode()
    client.post(url, posted(page, "Wrong button"))

    assert Destination.objects.get().name == "Birchwood CRMS"
    newest = Destination.history.latest()
    assert newest.history_user.get_username() == "administrator"
    assert newest.history_change_reason == "Wrong button"
    assert AuditEvent.objects.get(action="put back").object_id == str(world.destination.pk)


def test_what_changed_after_the_page_was_shown_is_shown_first(world: World) -> None:
    client = client_of(LIAISON, world.organization)
    world.listing.name = "Second name"
    world.listing.save()
    url = version(world.listing, ServiceListing.history.earliest())
    page = client.get(url)
    world.listing.name = "Third name"
    world.listing.save()

    answer = client.post(url, posted(page))

    assert "Somebody changed it meanwhile" in answer.content.decode()
    assert ServiceListing.objects.get().name == "Third name"


def test_who_may_not_change_it_looks_and_does_not_put_back(world: World) -> None:
    url = version(world.destination, Destination.history.earliest())
    for role in (LIAISON, SUPPORT):
        client = client_of(role, world.organization)
        page = client.get(url)
        assert "Put this version back" not in page.content.decode()
        assert client.post(url, posted(page)).status_code == 403
    assert Destination.objects.get().name == "Birchwood CRMS (new)"


@pytest.mark.parametrize("role", [LIAISON, SUPPORT])
@pytest.mark.parametrize("deleted", [False, True])
def test_the_history_of_a_foreign_organization_is_not_there(
    world: World, foreign: ServiceListing, role: str, deleted: bool
) -> None:
    client = client_of(role, world.organization)
    urls = [history(foreign), version(foreign, ServiceListing.history.filter(id=foreign.pk).get())]
    urls += [history(foreign.organization)]
    if deleted:
        foreign.organization.delete()

    assert {client.get(url).status_code for url in urls} == {404}


def test_the_history_of_an_own_deleted_row_is_still_there(world: World) -> None:
    url = history(world.listing)
    world.listing.delete()

    assert client_of(LIAISON, world.organization).get(url).status_code == 200


def test_sources_have_no_history_for_members(world: World) -> None:
    client = client_of(SUPPORT, world.organization)

    assert client.get(history(world.source)).status_code in (403, 404)
    assert client.get(version(world.source, Source.history.get())).status_code == 403


@pytest.mark.parametrize("odd", ["0", "x", "99999999"])
def test_a_version_that_does_not_exist_is_not_found(
    admin_client: Client, world: World, odd: str
) -> None:
    assert admin_client.get(f"{history(world.listing)}{odd}/").status_code == 404
