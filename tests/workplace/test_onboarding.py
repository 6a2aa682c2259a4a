"""A new organization comes to import step by step; each step is seen from what is true."""

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from access.roles import LIAISON, SUPPORT
from core.models import AuditEvent
from integrations.models import (
    Destination,
    Organization,
    ServiceListing,
    Source,
    SourceCredential,
    TriggerConfig,
)
from integrations.sources.auth import verify_secret
from mapping.models import Mapping
from referrals.intake import opening
from referrals.models import InboundEvent
from tests.people import client_of, person
from tests.rows import write
from tests.world import World, make_world, options, plain
from workplace.onboarding.steps import organizations, steps


@pytest.fixture
def new(db: None) -> Organization:
    """An organization for which nothing has been done, beside one for which something has."""
    for number in range(3):
        other = Organization.objects.create(caredove_id=f"88{number}", name=f"Other {number}")
    theirs = Source.objects.create(name="theirs alone")
    theirs.organizations.add(other)
    theirs.credentials.create(scheme="basic", key="theirs", secret_hash="h")
    return Organization.objects.create(caredove_id="812", name="Maison de l’Érable")


@pytest.fixture
def liaison(new: Organization) -> Client:
    return client_of(LIAISON, new)


def page(organization: Organization, name: str = "onboarding", *args: Any) -> str:
    return reverse(f"admin:{name}", args=[organization.pk, *args])


def done(organization: Organization) -> list[str]:
    user = person(name=f"asks-{Organization.objects.count()}-{organization.pk}")
    user.is_superuser = True
    found = organizations(user).get(pk=organization.pk)
    user.delete()
    return [step.key for step in steps(found, user) if step.done]


def connected(organization: Organization, **given: Any) -> TriggerConfig:
    listing = ServiceListing.objects.create(
        organization=organization, caredove_id="4417", name="Accueil"
    )
    destination = Destination.objects.create(
        organization=organization, name="Dossiers", kind="demo", options=options("demo")
    )
    return TriggerConfig.objects.create(
        listing=listing,
        destination=destination,
        on=["received"],
        mapping=Mapping.objects.get(name="default", destination_kind="demo"),
        **given,
    )


# -- The steps -------------------------------------------------------------------------------------


def test_the_steps_are_done_one_after_the_other_as_they_come_true(
    new: Organization, admin_client: Client
) -> None:
    assert done(new) == []

    admin_client.post(page(new, "onboarding_credentials"), {"source": ""})
    assert done(new) == ["credentials"]

    config = connected(new, enabled=False)
    assert done(new) == ["credentials", "listing"]

    admin_client.post(page(new, "onboarding_test"), {"listing": config.listing_id})
    for event in InboundEvent.objects.all():
        opening.open_deliveries(event.pk)
    config.destination.test_connection()
    admin_client.post(page(new, "onboarding_seen"))
    assert done(new) == ["credentials", "test", "destination", "listing", "preview"]

    admin_client.post(page(new, "onboarding_live"), {"config": [config.pk]})
    config.refresh_from_db()
    assert config.enabled
    assert done(new)[-1] == "live"
    assert set(AuditEvent.objects.values_list("action", flat=True)) >= {
        "add credential",
        "send test event",
        "preview seen",
        "go live",
    }


def test_a_test_of_ones_own_is_not_taken_for_an_event_of_caredove(
    new: Organization, admin_client: Client
) -> None:
    config = connected(new)
    source = Source.objects.create(name="caredove")
    world = World(new, config.listing, source, config.destination, config)
    admin_client.post(page(new, "onboarding_credentials"), {"source": ""})
    admin_client.post(page(new, "onboarding_test"), {"listing": config.listing_id})
    for event in InboundEvent.objects.all():
        opening.open_deliveries(event.pk)
    assert "nothing from Caredove yet" in admin_client.get(page(new)).content.decode()

    world.send(plain())

    assert "Caredove has sent events." in admin_client.get(page(new)).content.decode()


def test_each_person_sees_whose_turn_it_is(new: Organization, liaison: Client) -> None:
    shown = liaison.get(page(new)).content.decode()

    assert "Make credentials" not in shown
    assert "It is done by an administrator." in shown
    assert "This needs the credentials first." in shown
    assert "Connect a listing" in shown


def test_a_suspended_organization_cannot_go_live(new: Organization, admin_client: Client) -> None:
    new.active = False
    new.save()

    shown = admin_client.get(page(new))

    assert "is suspended in Dovetail" in shown.content.decode()
    assert not shown.context["steps"][-1].may


def test_the_list_is_quick_and_states_what_comes_next(
    admin_client: Client, new: Organization, django_assert_max_num_queries: Any
) -> None:
    for number in range(30):
        Organization.objects.create(caredove_id=f"O{number}", name=f"Organization {number}")
    with django_assert_max_num_queries(15):
        shown = admin_client.get(reverse("admin:onboarding"))

    assert "Credentials for Caredove" in shown.content.decode()


# -- Credentials --------------------------------------------------


def test_credentials_come_with_everything_that_caredove_needs(
    new: Organization, admin_client: Client
) -> None:
    answer = admin_client.post(page(new, "onboarding_credentials"), {"source": ""})
    shown = answer.content.decode()

    credential = SourceCredential.objects.get(source__organizations=new)
    (secret,) = re.findall(r'<code id="secret">([0-9a-f]+)</code>', shown)
    assert verify_secret(secret, credential.secret_hash)
    assert list(credential.source.organizations.all()) == [new]
    letter = shown[shown.index("<textarea") : shown.index("</textarea>")]
    assert secret not in letter
    assert "http://testserver/api/v1/events" in letter
    assert "http://testserver/fhir/MessageHeader/$process-message" in letter
    assert credential.key in letter
    assert "no-store" in answer.headers["Cache-Control"]
    assert secret not in admin_client.get(page(new, "onboarding_credentials")).content.decode()


def test_a_second_credential_goes_to_the_source_that_there_is(
    new: Organization, admin_client: Client
) -> None:
    admin_client.post(page(new, "onboarding_credentials"), {"source": ""})
    source = Source.objects.get(organizations=new)

    admin_client.post(page(new, "onboarding_credentials"), {"source": source.pk})

    assert source.credentials.count() == 2


def test_the_source_of_somebody_else_gets_no_credential(
    new: Organization, admin_client: Client
) -> None:
    stranger = Organization.objects.create(caredove_id="900", name="Elsewhere")
    theirs = Source.objects.create(name="theirs")
    theirs.organizations.add(stranger)

    answer = admin_client.post(page(new, "onboarding_credentials"), {"source": theirs.pk})

    assert answer.context["form"].errors
    assert not SourceCredential.objects.filter(source=theirs).exists()


def test_two_organizations_of_one_name_have_a_source_each(
    new: Organization, admin_client: Client
) -> None:
    twin = Organization.objects.create(caredove_id="813", name=new.name)
    for organization in (new, twin):
        admin_client.post(page(organization, "onboarding_credentials"), {"source": ""})

    owners = [list(source.organizations.all()) for source in Source.objects.order_by("pk")]
    assert owners[-2:] == [[new], [twin]]


# -- The test event --------------------------------------------------


@pytest.fixture
def world(db: None) -> World:
    world = make_world()
    world.source.credentials.create(scheme="basic", key="k", secret_hash="h")
    return world


def send_test(client: Client, world: World, **given: Any) -> Any:
    url = page(world.organization, "onboarding_test")
    return client.post(url, {"listing": world.listing.pk, **given})


def test_a_test_is_followed_into_the_destination(world: World) -> None:
    client = client_of(LIAISON, world.organization)

    follow = send_test(client, world).headers["Location"]
    first = client.get(follow)
    assert "Not reached" in first.content.decode()
    assert not first.context["ended"]

    opening.open_deliveries(InboundEvent.objects.get().pk)
    world.run()
    last = client.get(follow)

    assert last.context["ended"]
    assert "DEMO-TEST-" in last.content.decode()


def test_a_destination_in_use_gets_a_test_only_with_a_word(world: World) -> None:
    write(
        Destination.objects.all(),
        kind="crms",
        options=options("crms", base_url="https://crms.example", token="t"),
    )
    client = client_of(LIAISON, world.organization)

    refused = send_test(client, world)
    assert "is not a sandbox" in refused.content.decode()
    assert not InboundEvent.objects.exists()

    assert send_test(client, world, sure="on").status_code == 302


def test_a_sandbox_on_this_machine_is_a_stand_in(world: World) -> None:
    write(
        Destination.objects.all(),
        kind="crms",
        options=options("crms", base_url="http://127.0.0.1:9", token="t"),
    )

    assert send_test(client_of(LIAISON, world.organization), world).status_code == 302


def test_without_a_source_nothing_is_sent(world: World) -> None:
    SourceCredential.objects.all().delete()

    answer = send_test(client_of(LIAISON, world.organization), world)

    assert "Make credentials first" in answer.content.decode()
    assert not InboundEvent.objects.exists()


# -- Who may --------------------------------------------------


def test_another_organization_is_not_there(world: World, admin_client: Client) -> None:
    stranger = Organization.objects.create(caredove_id="900", name="Elsewhere")
    client = client_of(LIAISON, stranger)
    token = send_test(admin_client, world).headers["Location"].rstrip("/").rpartition("/")[2]

    assert world.organization.name not in client.get(reverse("admin:onboarding")).content.decode()
    assert client.get(page(world.organization)).status_code == 404
    assert send_test(client, world).status_code == 404
    assert client.post(page(world.organization, "onboarding_seen")).status_code == 404
    assert client.get(page(stranger, "onboarding_follow", token)).status_code == 404
    their_listing = client.post(page(stranger, "onboarding_test"), {"listing": world.listing.pk})
    assert their_listing.context["form"].errors


def test_support_looks_and_does_nothing(world: World) -> None:
    support = client_of(SUPPORT, world.organization)

    assert support.get(page(world.organization)).status_code == 200
    assert send_test(support, world).status_code == 403
    for name in ("onboarding_seen", "onboarding_live", "onboarding_credentials"):
        assert support.post(page(world.organization, name)).status_code == 403


def test_a_liaison_makes_no_credentials(new: Organization, liaison: Client) -> None:
    assert liaison.get(page(new, "onboarding_credentials")).status_code == 403
    assert liaison.post(page(new, "onboarding_credentials"), {"source": ""}).status_code == 403
    assert not SourceCredential.objects.filter(source__organizations=new).exists()


def test_what_has_been_imported_has_tested_the_destination_and_shown_what_is_sent(
    db: None,
) -> None:
    world = make_world()
    world.send(plain())
    world.run()
    Destination.objects.update(checked_at=None)

    assert {"destination", "preview"} <= set(done(world.organization))
