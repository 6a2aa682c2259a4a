"""A configuration from another portal: looked at, filled in, taken in; by administrators only."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from access.roles import ADMINISTRATOR, LIAISON, SUPPORT
from core.models import AuditEvent
from integrations.configuration.exporting import export
from integrations.models import Destination, Organization, Source, TriggerConfig
from tests.people import client_of
from tests.world import World, make_world

IMPORT = reverse("admin:configuration_import")
STAGING, PRODUCTION = "the-token-of-staging", "the-token-of-production"
TOKEN = "secret-BIRCHWOOD_CRMS_TOKEN"


@pytest.fixture
def world(db: None) -> World:
    return make_world("crms", history=True, base_url="http://127.0.0.1:9009", token=STAGING)


@pytest.fixture
def administrator(world: World) -> Client:
    return client_of(ADMINISTRATOR)


def upload(client: Client, text: str) -> Any:
    return client.post(IMPORT, {"file": SimpleUploadedFile("c.yaml", text.encode())})


def confirm(client: Client, page: Any, **secrets: str) -> Any:
    chosen = {"sealed": page.context["sealed"], "digest": page.context["digest"]}
    return client.post(IMPORT, {**chosen, **secrets}, follow=True)


def lines_of(page: Any) -> list[str]:
    return [f"{one.sort} {one.name} {one.done}" for one in page.context["preview"].changes]


def problems(page: Any) -> str:
    return " ".join(page.context["problems"])


def test_an_empty_portal_gets_everything_with_its_own_secrets(
    world: World, administrator: Client
) -> None:
    text = administrator.get(
        reverse("admin:configuration_export", args=[world.organization.pk])
    ).content.decode()
    Organization.objects.all().delete()

    page = upload(administrator, text)

    assert lines_of(page) == [
        "Organization Birchwood Community Mental Health added",
        "Service listing Adult Counselling - Milltown added",
        "Destination Birchwood CRMS added",
        "Trigger config Adult Counselling - Milltown to Birchwood CRMS added",
    ]
    assert not Organization.objects.exists()
    confirm(administrator, page, **{TOKEN: PRODUCTION})
    assert Destination.objects.get().options["token"] == PRODUCTION
    assert TriggerConfig.objects.get().listing.organization.caredove_id == "812"
    assert AuditEvent.objects.filter(action="import configuration").count() == 1


def test_a_secret_that_is_stored_here_may_be_left_empty(
    world: World, administrator: Client
) -> None:
    text = export(world.organization).replace("note_limit: 8000", "note_limit: 500")

    page = upload(administrator, text)
    (change,) = page.context["preview"].changes
    assert [str(one) for one in change.differences] == ["Longest referral note: 8000 → 500"]
    confirm(administrator, page)

    options = Destination.objects.get().options
    assert (options["note_limit"], options["token"]) == (500, STAGING)


def test_a_stored_secret_does_not_follow_to_another_address(
    world: World, administrator: Client
) -> None:
    text = export(world.organization).replace("http://127.0.0.1:9009", "https://evil.example")

    assert "Enter the token again" in problems(upload(administrator, text))


def test_a_secret_that_is_missing_is_asked_for(world: World, administrator: Client) -> None:
    text = export(world.organization)
    Organization.objects.all().delete()

    page = confirm(administrator, upload(administrator, text))

    assert "Nothing is saved yet" in page.content.decode()
    assert not Organization.objects.exists()


def test_the_environment_of_the_server_is_out_of_reach(
    world: World, administrator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BIRCHWOOD_CRMS_TOKEN", "out-of-the-environment")
    text = export(world.organization)

    confirm(administrator, upload(administrator, text), **{TOKEN: "env:SECRET_KEY"})
    confirm(administrator, upload(administrator, text))

    assert Destination.objects.get().options["token"] == STAGING


def test_a_secret_in_the_file_is_not_shown_again(world: World, administrator: Client) -> None:
    text = export(world.organization).replace("env:BIRCHWOOD_CRMS_TOKEN", "written-into-it")

    page = upload(administrator, text)

    assert "another secret" in page.content.decode()
    assert "written-into-it" not in page.content.decode()
    confirm(administrator, page)
    assert Destination.objects.get().options["token"] == "written-into-it"


def test_what_was_changed_meanwhile_is_shown_again_first(
    world: World, administrator: Client
) -> None:
    text = export(world.organization)
    page = upload(administrator, text)
    world.listing.name = "Changed by somebody"
    world.listing.save()

    again = confirm(administrator, page)

    assert "Somebody changed the configuration meanwhile" in again.content.decode()
    assert lines_of(again) == ["Service listing Adult Counselling - Milltown changed"]


@pytest.mark.parametrize(
    ("was", "now", "chosen"),
    [
        ("organizations:\n", "nothing: 1\norganizations:\n", "this key is not known"),
        ("organization: '812'", "organization: '900'", "destinations[0].organization: this is not"),
        ("- listing: '4417'", "- listing: '77'", "this listing is not one of “812”"),
        ("sources: []", "sources: [{name: caredove, organizations: ['812']}]", "is not that of"),
        ("sources: []", "sources: [{name: new, organizations: []}]", "with organization “812” al"),
        ("- id: '4417'", "- id: '77'", "this listing belongs to organization “900”"),
        ("- id: '812'", "- {id: '900', name: Maple}\n- id: '812'", "one organization is expected"),
        ("triggers:", "triggers: &x", "triggers"),
        ("kind: crms", "kind: [", "cannot be read"),
    ],
)
def test_a_file_that_reaches_further_is_refused_with_the_line(
    world: World, administrator: Client, was: str, now: str, chosen: str
) -> None:
    maple = Organization.objects.create(caredove_id="900", name="Maple")
    maple.listings.create(caredove_id="77", name="Theirs")
    text = export(world.organization)
    assert was in text

    page = upload(administrator, text.replace(was, now, 1))

    assert page.status_code == 200
    assert "preview" not in page.context or chosen == "triggers"
    if chosen not in ("triggers", "cannot be read"):
        assert chosen in problems(page)
    assert Source.objects.get().organizations.count() == 0


@pytest.mark.parametrize("role", [LIAISON, SUPPORT])
def test_nobody_else_takes_configurations_out_or_in(world: World, role: str) -> None:
    client = client_of(role, world.organization)

    assert client.get(IMPORT).status_code == 403
    assert upload(client, export(world.organization)).status_code == 403
    exporting = reverse("admin:configuration_export", args=[world.organization.pk])
    assert client.get(exporting).status_code == 403


def test_a_preview_is_worth_nothing_to_somebody_else(world: World, administrator: Client) -> None:
    page = upload(administrator, export(world.organization))
    other = client_of(ADMINISTRATOR, name="second")

    answer = confirm(other, page)

    assert "That preview is too old" in str(next(iter(answer.context["messages"])))


def test_a_file_that_declares_what_only_the_upgrade_had_stored_is_a_change(
    world: World, administrator: Client
) -> None:
    text = export(world.organization)
    stored = {"yes": True, "by": None, "at": "2026-11-29T12:00:00+00:00"}
    Destination.objects.update(capabilities={"search_finds": {"declared": stored}})

    page = upload(administrator, text)

    assert lines_of(page) == ["Destination Birchwood CRMS changed"]
    assert "declared by this file" in page.content.decode()
    confirm(administrator, page)
    found = Destination.objects.get().capabilities["search_finds"]["declared"]
    assert found["by"]
