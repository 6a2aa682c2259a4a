"""Every screen that a destination appears on takes a kind of which nothing is mapped."""

from typing import Any

import pytest
import yaml
from django.test import Client
from django.urls import reverse

from access.roles import ADMINISTRATOR
from integrations import configuration
from integrations.models import Destination, TriggerConfig
from mapping.models import Mapping
from tests.mapping.editor import opened
from tests.people import client_of
from tests.world import World, make_world, plain

pytestmark = pytest.mark.django_db

OPTIONS: dict[str, Any] = {
    "smtp_host": "mail.partner.example",
    "sender": "Birchwood <referrals@birchwood.example>",
    "recipients": ["intake@partner.example"],
    "passphrase": "maple-river-lantern-otter",
}


@pytest.fixture
def world() -> World:
    world = make_world("email", **OPTIONS)
    world.send(plain())
    return world


@pytest.fixture
def administrator(world: World) -> Client:
    return client_of(ADMINISTRATOR, world.organization)


def test_a_listing_is_connected_and_tried_without_a_word_of_fields(
    world: World, administrator: Client
):
    url = reverse("admin:connect_listing", args=[world.listing.pk])
    form = {
        "destination": world.destination.pk,
        "on": ["received", "closed_any"],
        "mapping": world.config.mapping_id,
        "enabled": "on",
    }
    tried = administrator.post(
        f"{url}?destination={world.destination.pk}", {**form, "_dry_run": "1"}
    )
    assert tried.status_code == 200
    administrator.post(f"{url}?destination={world.destination.pk}", {**form, "_save": "Save"})
    world.config.refresh_from_db()
    assert world.config.on == ["received", "closed_any"]


def test_a_destination_that_is_sent_to_by_hand_only_is_not_offered(
    world: World, administrator: Client
):
    world.config.delete()
    world.destination.options["passphrase"] = ""
    world.destination.save()
    page = administrator.get(reverse("admin:connect_listing", args=[world.listing.pk]))
    assert list(page.context["form"].fields["destination"].queryset) == []


def test_its_mapping_and_preview_open(world: World, administrator: Client):
    mapping = Mapping.objects.create(
        name="Ours", destination_kind="email", organization=world.organization
    )
    editor = reverse("admin:mapping_mapping_change", args=[mapping.pk])
    assert administrator.get(editor).status_code == 200
    url = reverse("admin:mapping_preview", args=[mapping.pk])
    headers = {"X-Requested-With": "mapping-editor"}
    shown = administrator.post(url, opened(administrator, mapping), headers=headers)
    assert shown.status_code == 200


def test_why_where_and_health_speak_of_it(world: World, administrator: Client):
    for url in (
        reverse("admin:index"),
        reverse("admin:referrals_referral_change", args=[world.referral.pk]),
        reverse("admin:referrals_referral_whereabouts", args=[world.referral.pk]),
        reverse("admin:referrals_sent_to", args=[world.destination.pk]),
        reverse("admin:referrals_delivery_change", args=[world.delivery.pk]),
        reverse("admin:integrations_destination_change", args=[world.destination.pk]),
        f"{reverse('admin:why')}?q={world.referral.reference}",
    ):
        answer = administrator.get(url)
        assert answer.status_code == 200, url
        assert OPTIONS["passphrase"] not in answer.content.decode()


def test_an_administrator_adds_one_in_the_admin(world: World, administrator: Client):
    url = f"{reverse('admin:integrations_destination_add')}?kind=email"
    form = {
        "organization": world.organization.pk,
        "name": "Milltown Housing",
        "allowed_fields": "all",
        "options-smtp_host": "mail.else.example",
        "options-sender": "us@birchwood.example",
        "options-recipients": "a@else.example\r\nb@else.example",
    }
    refused = administrator.post(url, {**form, "options-recipients": "nobody"})
    assert "is not an e-mail address" in refused.content.decode()
    administrator.post(url, form)
    made = Destination.objects.get(name="Milltown Housing")
    assert made.options["recipients"] == "a@else.example\nb@else.example"
    assert made.options["security"] == "starttls"


def file_of(**options: Any) -> bytes:
    destination = {
        "name": "Milltown Housing",
        "kind": "email",
        "options": {**OPTIONS, "passphrase": "env:PARTNER_PASSPHRASE", **options},
    }
    trigger = {
        "listing": "4417",
        "destination": "Milltown Housing",
        "on": ["received"],
        "mapping": "default",
    }
    organization = {
        "id": "812",
        "name": "Birchwood",
        "listings": [{"id": "4417", "name": "Adult Counselling"}],
    }
    content = {
        "organizations": [organization],
        "destinations": [{"organization": "812", **destination}],
        "triggers": [trigger],
    }
    return yaml.safe_dump(content).encode()


def test_a_configuration_file_sets_it_up_and_refuses_triggers_without_the_passphrase(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv("PARTNER_PASSPHRASE", "maple-river-lantern-otter")
    with pytest.raises(configuration.ConfigurationError) as caught:
        configuration.apply(file_of(passphrase=""))
    assert "by hand only" in str(caught.value)
    assert not Destination.objects.exists()
    configuration.apply(file_of(fields=["registrant.first_name"], files=["referral_summary"]))
    destination = Destination.objects.get()
    assert destination.options["passphrase"] == "maple-river-lantern-otter"
    assert destination.allowed_fields == ["registrant.first_name"]
    assert TriggerConfig.objects.get().destination == destination
