"""What the pages of the referral side say of a listing that is a service of the directory."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from access import roles
from directory import changes, linking
from directory.models import Directory, Entry, Service, View
from integrations.models import Organization, ServiceListing
from tests.directory import make
from tests.people import client_of

pytestmark = pytest.mark.django_db
MARKER = "Zarathustra"


@pytest.fixture
def organization():
    return Organization.objects.create(caredove_id="812", name="Birchwood")


@pytest.fixture
def listing(organization):
    return ServiceListing.objects.create(
        organization=organization, caredove_id="4417", name="Counselling"
    )


@pytest.fixture
def service(listing):
    for name in View.Name.values:
        View.objects.create(name=name)
    make.directory()
    roles.install_role(roles.DIRECTORY_EDITOR)
    made = make.service("Talk line", description={"en": "Somebody listens."})
    linking.link(listing, made.entry.hsds_id)
    return made


def page_of(client, listing):
    url = reverse("admin:integrations_servicelisting_change", args=[listing.pk])
    response = client.get(url)
    assert response.status_code == 200
    return response.content.decode()


@pytest.mark.parametrize("role", [roles.SUPPORT, roles.LIAISON, roles.ADMINISTRATOR])
def test_the_page_shows_the_public_view_and_nothing_confidential(
    role, organization, listing, service
):
    shelter = make.location(MARKER, secrecy="yes")
    make.address(shelter, address_1={"en": f"{MARKER} Street"})
    make.at(service, shelter, description={"en": MARKER})
    make.phone("705-555-0100", service=service)
    make.phone("705-555-0199", service=service, secrecy="yes", description={"en": MARKER})
    client = client_of(role, organization)
    html = page_of(client, listing)
    for text in ("Talk line", "Somebody listens.", "705-555-0100", "Counselling"):
        assert text in html
    for text in (MARKER, "705-555-0199"):
        assert text not in html
    # Pressed just now, with nothing that takes it in but this page.
    Entry.objects.filter(pk=service.pk).update(secrecy="yes")
    changes.changed([service.pk])
    html = page_of(client, listing)
    assert "Somebody listens." not in html
    assert "do not see this service now" in html


def test_names_that_are_the_same_are_not_pointed_out(organization, listing, service):
    client = client_of(roles.SUPPORT, organization)
    assert "Mappings and summaries keep" in page_of(client, listing)
    Service.objects.filter(pk=service.pk).update(alternate_name={"en": "COUNSELLING"})
    assert "Mappings and summaries keep" not in page_of(client, listing)


@pytest.mark.parametrize("role", [roles.SUPPORT, roles.LIAISON, roles.ADMINISTRATOR])
def test_home_says_when_a_linked_service_closes_or_is_withdrawn(
    role, organization, listing, service
):
    foreign = Organization.objects.create(caredove_id="990", name="Elsewhere")
    theirs = ServiceListing.objects.create(organization=foreign, caredove_id="1", name="Foreign")
    linking.link(theirs, service.entry.hsds_id)
    client = client_of(role, organization)
    heading = "Services that have closed"
    assert heading not in client.get("/admin/").content.decode()
    for status in ("temporarily closed", "inactive", "defunct"):
        Service.objects.filter(pk=service.pk).update(status=status)
        home = client.get("/admin/").content.decode()
        assert heading in home
        assert f"Birchwood: {status}" in home
        assert ("Foreign" in home) == (role == roles.ADMINISTRATOR)
    Service.objects.filter(pk=service.pk).update(status="active")
    Entry.objects.filter(pk=service.pk).update(
        withdrawn_by="staff", withdrawn_at="2026-11-01T00:00:00Z"
    )
    assert "Birchwood: withdrawn" in client.get("/admin/").content.decode()


@pytest.mark.parametrize("role", [roles.SUPPORT, roles.LIAISON, roles.ADMINISTRATOR])
def test_without_a_directory_no_page_asks_for_one(role, organization, listing):
    assert not Directory.objects.exists()
    client = client_of(role, organization)
    with CaptureQueriesContext(connection) as asked:
        client.get("/admin/")
        page_of(client, listing)
    assert [one["sql"] for one in asked if '"directory_' in one["sql"]] == []
