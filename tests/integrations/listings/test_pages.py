"""The pages that import listings: for whom, of which organization, and never by surprise."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from access.roles import ADMINISTRATOR, LIAISON, SUPPORT
from core.models import AuditEvent
from integrations.configuration import ConfigurationError, transfer
from integrations.configuration.exporting import export
from integrations.listings import asking
from integrations.listings.offers import Unreadable
from integrations.models import Organization, ServiceListing, Source
from integrations.sources.caredove import listings as api
from tests.forms import form_on
from tests.integrations.listings.caredove import PASSWORD, ListingServer, listed
from tests.people import client_of
from tests.world import World

IMPORT = reverse("admin:integrations_servicelisting_import")


@pytest.fixture
def other(db: None) -> Organization:
    return Organization.objects.create(caredove_id="900", name="Maple")


def page_of(organization: Organization) -> str:
    return f"{IMPORT}?organization={organization.pk}"


def upload(client: Client, world: World, text: str, name: str = "listings.csv") -> Any:
    file = SimpleUploadedFile(name, text.encode())
    return client.post(page_of(world.organization), {"file": file})


def ask(client: Client, world: World) -> Any:
    asked = {"ask": "1", "source": str(world.source.pk)}
    return client.post(page_of(world.organization), asked)


def confirm(client: Client, preview: Any, world: World, **chosen: Any) -> Any:
    chosen_data = {"offer": preview.context["signed"], **chosen}
    return client.post(page_of(world.organization), chosen_data, follow=True)


def messages(page: Any) -> str:
    return " ".join(str(message) for message in page.context["messages"])


def test_a_liaison_asks_caredove_looks_and_confirms(world: World, caredove: ListingServer) -> None:
    caredove.listings["812"] = [listed(4417, "Counselling"), listed(4418, "Équipe jeunesse")]
    world.organization.listings.create(caredove_id="4400", name="Closed last year")
    client = client_of(LIAISON, world.organization)

    preview = ask(client, world)

    assert preview.status_code == 200
    assert PASSWORD not in preview.content.decode()
    assert ServiceListing.objects.count() == 2
    page = confirm(client, preview, world, take=["4417", "4418"], end=["4400"])
    assert "1 added, 1 changed, 1 marked as not listed any more" in messages(page)
    assert ServiceListing.objects.get(caredove_id="4418").name == "Équipe jeunesse"
    event = AuditEvent.objects.get(action="import listings")
    assert (event.object_id, event.detail["added"]) == (str(world.organization.pk), 1)


def test_a_file_is_previewed_likewise(world: World) -> None:
    client = client_of(LIAISON, world.organization)

    preview = upload(client, world, "id;name\n4417;Adult Counselling - Milltown\n5;Évaluation\n")
    page = confirm(client, preview, world, take=["5"])

    assert "1 added, 0 changed" in messages(page)


def test_what_caredove_answers_wrongly_is_stated_and_changes_nothing(
    world: World, caredove: ListingServer
) -> None:
    caredove.answer = 401, b""

    page = ask(client_of(LIAISON, world.organization), world)

    assert "does not accept the user name and password" in page.content.decode()


def test_what_was_changed_meanwhile_is_shown_again_first(world: World) -> None:
    client = client_of(LIAISON, world.organization)
    preview = upload(client, world, "id,name\n4417,From the file\n")
    ServiceListing.objects.update(name="Changed by somebody else")

    page = confirm(client, preview, world, take=["4417"])

    assert "Somebody changed these listings meanwhile" in page.content.decode()
    assert ServiceListing.objects.get().name == "Changed by somebody else"


def test_a_preview_is_worth_nothing_to_anybody_else_or_elsewhere(
    world: World, other: Organization
) -> None:
    mine = client_of(LIAISON, world.organization, other)
    preview = upload(mine, world, "id,name\n5,New\n")
    chosen_data = {"offer": preview.context["signed"], "take": ["5"]}
    for client, organization in (
        (mine, other),
        (client_of(LIAISON, world.organization, name="second"), world.organization),
    ):
        page = client.post(page_of(organization), chosen_data, follow=True)
        assert "That preview is too old" in messages(page)
    assert ServiceListing.objects.count() == 1


def test_a_foreign_organization_is_not_there(world: World, other: Organization) -> None:
    client = client_of(LIAISON, world.organization)

    page = client.get(page_of(other))
    assert page.url == page_of(world.organization)  # the only one that can be meant
    export = reverse("admin:integrations_servicelisting_export")
    assert client.get(f"{export}?organization={other.pk}").status_code == 302


def test_who_has_several_organizations_chooses_one_first(world: World, other: Organization) -> None:
    page = client_of(ADMINISTRATOR).get(IMPORT)

    assert "Maple" in page.content.decode()
    assert page.context["title"] == "Import service listings"


def test_support_looks_and_does_not_import(world: World) -> None:
    client = client_of(SUPPORT, world.organization)
    listings = client.get(reverse("admin:integrations_servicelisting_changelist"))

    assert "Import listings" not in listings.content.decode()
    assert client.get(page_of(world.organization)).status_code == 403


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_the_listings_can_be_taken_out_as_a_file(world: World, kind: str) -> None:
    client = client_of(SUPPORT, world.organization)
    export = reverse("admin:integrations_servicelisting_export")

    file = client.get(f"{export}?organization={world.organization.pk}&format={kind}")

    assert file["Content-Disposition"] == f'attachment; filename="listings-812.{kind}"'
    again = SimpleUploadedFile(f"listings.{kind}", file.content)
    preview = client_of(LIAISON, world.organization).post(
        page_of(world.organization), {"file": again}
    )
    assert "there is nothing to do" in preview.content.decode()


STORED_FOR = "https://caredove.example/api/native_v1"
MOVED = [
    "https://elsewhere.example/api/native_v1",
    "https://caredove.example.elsewhere.example/api/native_v1",
    "https://caredove.example:8443/api/native_v1",
    "https://caredove.example@elsewhere.example/api/native_v1",
    "http://caredove.example/api/native_v1",
]


@pytest.fixture
def source(world: World) -> Source:
    world.source.listings_url, world.source.listings_username = STORED_FOR, "us"
    world.source.listings_password = PASSWORD
    world.source.organizations.add(world.organization)
    world.source.save()
    return world.source


def move(client: Client, source: Source, address: str, **more: str) -> str:
    url = reverse("admin:integrations_source_change", args=[source.pk])
    data = form_on(client.get(url)) | {"listings_url": address, **more}
    page: str = client.post(url, data).content.decode()
    source.refresh_from_db()
    return page


@pytest.mark.parametrize("address", MOVED)
def test_a_password_is_kept_for_the_address_that_it_was_entered_for(
    admin_client: Client, source: Source, address: str
) -> None:
    page = move(admin_client, source, address)

    assert PASSWORD not in page
    assert (source.listings_url, source.listings_password) == (STORED_FOR, PASSWORD)


def test_a_password_that_went_by_tls_is_not_sent_in_clear(
    admin_client: Client, source: Source
) -> None:
    secure, clear = "https://127.0.0.1:9/api", "http://127.0.0.1:9/api"  # both may be asked
    move(admin_client, source, secure, listings_password=PASSWORD)
    assert source.listings_url == secure
    assert "Enter it again" in move(admin_client, source, clear)
    assert source.listings_url == secure


def test_the_page_states_that_a_password_was_for_another_address(
    admin_client: Client, source: Source
) -> None:
    assert "Enter it again: it was for another address." in move(admin_client, source, MOVED[0])


def test_a_password_stays_for_another_path_and_goes_along_when_it_is_entered_again(
    admin_client: Client, source: Source
) -> None:
    move(admin_client, source, f"{STORED_FOR}/v2")
    assert (source.listings_url, source.listings_password) == (f"{STORED_FOR}/v2", PASSWORD)
    move(admin_client, source, MOVED[0], listings_password="another")
    assert (source.listings_url, source.listings_password) == (MOVED[0], "another")


@pytest.mark.parametrize("address", MOVED)
def test_a_file_that_is_taken_in_does_not_take_the_password_to_another_address(
    world: World, source: Source, address: str
) -> None:
    text = export(world.organization).replace(STORED_FOR, address)

    with pytest.raises(ConfigurationError) as refused:
        transfer.take_in(text.encode(), {})

    assert "fill in the secret" in refused.value.problems[0].message
    source.refresh_from_db()
    assert (source.listings_url, source.listings_password) == (STORED_FOR, PASSWORD)


def test_a_file_that_is_taken_in_keeps_the_password_for_another_path(
    world: World, source: Source
) -> None:
    text = export(world.organization).replace(STORED_FOR, f"{STORED_FOR}/v2")

    transfer.take_in(text.encode(), {})

    source.refresh_from_db()
    assert (source.listings_url, source.listings_password) == (f"{STORED_FOR}/v2", PASSWORD)


@pytest.mark.parametrize("link", MOVED)
def test_the_next_page_is_asked_for_at_the_same_address_alone(source: Source, link: str) -> None:
    pages = api._Pages(asking.api_of(source), source.organizations.get().caredove_id)
    with pytest.raises(Unreadable, match="another address"):
        pages._within(link)
