"""The preview: the form as it stands, with an invented referral, a real one, or a masked one."""

import json

import pytest
from django.test import Client
from django.urls import reverse

from core.models import AuditEvent
from integrations.models import Destination, Organization, ServiceListing, TriggerConfig
from mapping.editing import exchange
from mapping.models import Mapping, MappingTest
from tests.mapping.editor import opened, with_rule
from tests.people import client_of
from tests.world import World, example, make_world

pytestmark = pytest.mark.django_db

REAL = {"subject": "reference", "reference": "3502768696"}
NEWEST = {"subject": "newest"}


@pytest.fixture
def world() -> World:
    world = make_world("crms", base_url="https://crms.example", token="secret-token")
    world.send(example("event-plain.json"))
    return world


@pytest.fixture
def mapping(world: World) -> Mapping:
    shipped = Mapping.objects.get(shipped=True, destination_kind="crms")
    mapping = exchange.copy_mapping(shipped, world.organization, "Ours")
    world.config.mapping = mapping
    world.config.save()
    return mapping


@pytest.fixture
def liaison(mapping: Mapping) -> Client:
    return client_of("Liaison", mapping.organization)


def preview(client: Client, mapping: Mapping, page: str = "", **posted: object) -> str:
    """The panel beside the editor, for the form as it is saved, with these fields changed."""
    form = {**opened(client, mapping), **posted}
    url = reverse(f"admin:mapping_preview{page}", args=[mapping.pk])
    response = client.post(url, form, headers={"X-Requested-With": "mapping-editor"})
    assert response.status_code == 200
    return response.content.decode()


def test_it_shows_the_form_as_it_stands_and_saves_nothing(
    liaison: Client, mapping: Mapping
) -> None:
    before = exchange.export_mapping(mapping)
    form = with_rule(opened(liaison, mapping), "client.city", "Registrant – Street")
    page = preview(liaison, mapping, **form, subject="sample:complete")
    assert page.count("118 Birch St, Unit 4") >= 2
    assert exchange.export_mapping(mapping) == before


def test_a_liaison_sees_a_real_referral_masked(liaison: Client, mapping: Mapping) -> None:
    page = preview(liaison, mapping, **REAL)
    assert "Masked copy of 3502768696" in page
    assert "Xxxxxxxx-Xxxxxx" in page
    for word in ("Mireille", "Tremblay", "1991-06", "705-555-0142", "mireille@example.org"):
        assert word not in page
    assert AuditEvent.objects.get(action="preview mapping").detail["masked"] is True


def test_support_sees_the_real_one_and_it_is_written_down(world: World, mapping: Mapping) -> None:
    support = client_of("Support", world.organization)
    assert "Tremblay-Okafor" in preview(support, mapping, **NEWEST)
    event = AuditEvent.objects.get(action="preview mapping")
    assert (event.object_id, event.detail["masked"]) == (str(world.referral.pk), False)


def test_a_referral_of_another_organization_is_not_there(world: World) -> None:
    elsewhere = Organization.objects.create(caredove_id="9", name="Elsewhere")
    shipped = Mapping.objects.get(shipped=True, destination_kind="crms")
    theirs = exchange.copy_mapping(shipped, elsewhere, "Theirs")
    stranger = client_of("Liaison", elsewhere)
    for chosen in (REAL, NEWEST):
        assert "There is no such referral" in preview(stranger, theirs, **chosen)
    assert "There is no such referral" in preview(stranger, shipped, **REAL)
    assert not AuditEvent.objects.filter(action="preview mapping").exists()


def test_the_mapping_of_another_organization_is_not_there(mapping: Mapping) -> None:
    stranger = client_of("Liaison", Organization.objects.create(caredove_id="9", name="Elsewhere"))
    for page in ("", "_summary", "_keep"):
        url = reverse(f"admin:mapping_preview{page}", args=[mapping.pk])
        assert stranger.post(url).status_code == 404


def test_what_would_be_sent_is_shown_as_the_destination_gets_it(
    liaison: Client, world: World, mapping: Mapping
) -> None:
    names = {"client.first_name": "client.given_name"}
    world.destination.options = {**world.destination.options, "field_names": names}
    world.destination.save()
    url = reverse("admin:mapping_preview", args=[mapping.pk])
    response = liaison.post(url, {**opened(liaison, mapping), "subject": "sample:minimal"})
    body = json.loads(response.context["body"])
    assert body["client"]["given_name"] == "Jo"
    assert body["external_reference"] == "3500000021"
    assert "secret-token" not in response.content.decode()


@pytest.mark.parametrize("connected", [True, False], ids=["connected too", "not connected"])
def test_a_mapping_that_two_organizations_share_shows_nothing_of_the_other_ones_destination(
    world: World, connected: bool
) -> None:
    shared = Mapping.objects.get(shipped=True, destination_kind="crms")
    rename_first_name(world.destination, "their_name_for_it")
    elsewhere = Organization.objects.create(caredove_id="9", name="Elsewhere")
    if connected:
        ours = Destination.objects.create(
            organization=elsewhere, name="Ours", kind="crms", options=world.destination.options
        )
        rename_first_name(ours, "our_name_for_it")
        listing = ServiceListing.objects.create(
            organization=elsewhere, caredove_id="91", name="Listing"
        )
        TriggerConfig.objects.create(
            listing=listing, destination=ours, mapping=shared, on=["received"]
        )
    page = preview(client_of("Liaison", elsewhere), shared, subject="sample:minimal")
    assert "their_name_for_it" not in page
    assert ("our_name_for_it" in page) is connected


def rename_first_name(destination: Destination, name: str) -> None:
    names = {"client.first_name": f"client.{name}"}
    destination.options = {**destination.options, "field_names": names}
    destination.save()


def test_an_error_is_stated_and_the_rest_still_shows(liaison: Client, mapping: Mapping) -> None:
    form = with_rule(opened(liaison, mapping), "client.city", "Town hall")
    page = preview(liaison, mapping, **form)
    assert "There is no source field “Town hall”." in page
    assert "Mireille" in page


def test_the_summary_is_that_of_what_is_previewed(
    liaison: Client, mapping: Mapping, monkeypatch: pytest.MonkeyPatch
) -> None:
    rendered = []
    monkeypatch.setattr(
        "referrals.summary.pdf._rendered", lambda page, _: rendered.append(page) or b""
    )
    url = reverse("admin:mapping_preview_summary", args=[mapping.pk])
    response = liaison.post(url, REAL)
    assert response["Content-Type"] == "application/pdf"
    assert "Xxxxxxxx" in rendered[0]
    assert "Mireille" not in rendered[0]
    assert liaison.post(url, {**REAL, "reference": "1"}).status_code == 404


def test_nothing_is_shown_for_a_link(liaison: Client, mapping: Mapping) -> None:
    for page in ("", "_summary", "_keep"):
        url = reverse(f"admin:mapping_preview{page}", args=[mapping.pk])
        assert liaison.get(url).status_code == 405


# -- Keeping it as a test case -----------------------------------------------------------------


def test_a_sample_is_kept_as_a_test_case(liaison: Client, mapping: Mapping) -> None:
    answer = preview(liaison, mapping, "_keep", subject="sample:minimal", test_name="Small")
    assert answer == "“Small” is kept. It runs at each save."
    case = MappingTest.objects.get()
    assert case.document["registrant"]["first_name"] == "Jo"
    assert case.expected["client.first_name"] == "Jo"
    assert "referral_note" not in case.expected


def test_the_note_is_kept_by_who_asks_for_it(liaison: Client, mapping: Mapping) -> None:
    preview(liaison, mapping, "_keep", subject="sample:minimal", test_name="Small", test_note="1")
    assert "Received" in MappingTest.objects.get().expected["referral_note"]


def test_of_a_real_referral_a_masked_copy_is_kept_whoever_asks(
    world: World, mapping: Mapping
) -> None:
    administrator = client_of("Administrator")
    assert "Tremblay" in preview(administrator, mapping, **REAL)
    preview(administrator, mapping, "_keep", **REAL, test_name="Like a real one")
    case = MappingTest.objects.get()
    kept = json.dumps([case.document, case.expected, case.origin])
    assert "Tremblay" not in kept
    assert "3502768696" not in kept
    assert case.expected["client.last_name"] == "Xxxxxxxx-Xxxxxx"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("posted", "words"),
    [
        ({"test_name": ""}, "required"),
        ({"test_name": "Small"}, "of this name already"),
        ({"test_name": "Other", **REAL, "reference": "1"}, "no such referral"),
    ],
)
def test_what_cannot_be_kept_is_reported(
    liaison: Client, mapping: Mapping, posted: dict[str, str], words: str
) -> None:
    preview(liaison, mapping, "_keep", test_name="Small")
    assert words in preview(liaison, mapping, "_keep", **posted)
    assert MappingTest.objects.count() == 1


def test_a_broken_form_is_not_kept(liaison: Client, mapping: Mapping) -> None:
    form = with_rule(opened(liaison, mapping), "client.city", "Town hall")
    assert "fix them" in preview(liaison, mapping, "_keep", **form, test_name="Bad")
    assert not MappingTest.objects.exists()


def test_who_may_not_change_the_mapping_keeps_nothing(world: World, mapping: Mapping) -> None:
    url = reverse("admin:mapping_preview_keep", args=[mapping.pk])
    assert client_of("Support", world.organization).post(url).status_code == 403


def test_what_may_not_leave_is_neither_shown_nor_offered(world: World, mapping: Mapping) -> None:
    support = client_of("Support", world.organization)
    world.destination.allowed_fields = ["registrant.first_name", "answer:housing"]
    world.destination.save()
    page = preview(support, mapping, **NEWEST)
    assert "Mireille" in page
    for word in ("Tremblay", "1991-06", "705-555-0142", "mireille@example.org"):
        assert word not in page
    editor = support.get(reverse("admin:mapping_mapping_change", args=[mapping.pk]))
    offered = {one["label"] for one in editor.context["source_fields"]}
    assert "First name" in offered
    assert not offered & {"Last name", "Main phone", "Reason for referral"}
