"""The pages of configuration: forms, credentials shown once, and no secret anywhere else."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from access.roles import LIAISON
from core.database import clock
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
from sandbox import running_sandbox
from tests.forms import form_on
from tests.people import client_of
from tests.world import World, make_world

TOKEN = "the-token-nobody-sees"


@pytest.fixture
def world(db: None) -> World:
    return make_world("crms", history=True, base_url="http://127.0.0.1:9", token=TOKEN)


def change_url(row: Any) -> str:
    return reverse(f"admin:integrations_{row._meta.model_name}_change", args=[row.pk])


# -- Organizations and listings ------------------------------------------------------------------


def test_a_plan_that_is_too_low_is_stated_plainly(admin_client: Client, world: World) -> None:
    url = change_url(world.organization)
    data = form_on(admin_client.get(url)) | {"plan": "essential"}

    page = admin_client.post(url, {**data, "_continue": "1"}, follow=True)

    importing = f"{world.organization} is on the Essential plan; importing needs Advanced CBO or"
    words = f"Off: {importing} higher."
    assert f"Importing: {words}" in [str(message) for message in page.context["messages"]]
    assert words in page.content.decode()


def test_a_time_zone_that_does_not_exist_is_refused(admin_client: Client, world: World) -> None:
    url = change_url(world.organization)
    data = form_on(admin_client.get(url)) | {"time_zone": "America/Tronto"}

    page = admin_client.post(url, data)

    assert "is not a time zone" in page.content.decode()


def test_a_listing_stays_with_its_organization(admin_client: Client, world: World) -> None:
    other = Organization.objects.create(caredove_id="9", name="Nine")
    url = change_url(world.listing)
    data = form_on(admin_client.get(url)) | {"organization": other.pk, "name": "Renamed"}

    admin_client.post(url, data)

    listing = ServiceListing.objects.get(pk=world.listing.pk)
    assert (listing.name, listing.organization) == ("Renamed", world.organization)


# -- Destinations --------------------------------------------------------------------------------


def test_the_kind_is_chosen_before_its_options_are_asked(
    admin_client: Client, world: World
) -> None:
    url = reverse("admin:integrations_destination_add")

    first = admin_client.get(url).content.decode()
    second = admin_client.get(url, {"kind": "demo"}).content.decode()

    assert "CRMS" in first
    assert "Demo (delivers nothing)" in first
    assert 'name="options-behaviour"' in second
    assert 'name="options-base_url"' not in second


def test_a_destination_is_added_with_its_options(admin_client: Client, world: World) -> None:
    url = reverse("admin:integrations_destination_add") + "?kind=crms"
    data = form_on(admin_client.get(url)) | {
        "organization": world.organization.pk,
        "name": "Second CRMS",
        "options-base_url": "https://crms.example",
        "options-token": "abc",
    }

    admin_client.post(url, data)

    added = Destination.objects.get(name="Second CRMS")
    assert added.kind == "crms"
    assert added.options["base_url"] == "https://crms.example"
    assert added.options["token"] == "abc"
    assert added.options["read_seconds"] == 30


def test_limits_are_set_and_taken_away(admin_client: Client, world: World) -> None:
    url = change_url(world.destination)
    data = form_on(admin_client.get(url))
    admin_client.post(url, data | {"at_once": "2", "per_minute": "30"})
    limited = Destination.objects.get(pk=world.destination.pk)
    assert (limited.at_once, limited.per_minute) == (2, 30)
    assert limited.limits == "at most 2 at the same time and 30 a minute"
    admin_client.post(url, data | {"at_once": "", "per_minute": ""})
    assert Destination.objects.get(pk=world.destination.pk).limits == ""


@pytest.mark.parametrize("limit", ["0", "-1", "many"])
def test_a_limit_that_is_none_is_refused(admin_client: Client, world: World, limit: str) -> None:
    url = change_url(world.destination)
    page = admin_client.post(url, form_on(admin_client.get(url)) | {"at_once": limit})
    assert list(page.context["adminform"].form.errors) == ["at_once"]


def test_a_destination_that_is_paused_after_failures_shows_it(
    admin_client: Client, world: World
) -> None:
    Destination.objects.update(
        failures=5, paused_code="HTTP 503", paused_until=clock.now() + timedelta(minutes=5)
    )
    page = admin_client.get(change_url(world.destination)).content.decode()
    assert "failed 5 referrals in a row, the last one with HTTP 503. It is paused until" in page


def test_a_wrong_option_is_named_at_its_field_and_nothing_is_stored(
    admin_client: Client, world: World
) -> None:
    url = change_url(world.destination)
    data = form_on(admin_client.get(url)) | {"options-base_url": "http://crms.example"}

    page = admin_client.post(url, data)

    errors = page.context["adminform"].form.errors
    assert list(errors) == ["options-base_url"]
    assert len(errors["options-base_url"]) == 1
    assert "Use https:// here" in page.content.decode()
    assert Destination.objects.get().options["base_url"] == "http://127.0.0.1:9"


def test_a_name_that_is_taken_is_refused(admin_client: Client, world: World) -> None:
    url = reverse("admin:integrations_destination_add") + "?kind=demo"
    data = form_on(admin_client.get(url)) | {
        "organization": world.organization.pk,
        "name": world.destination.name,
    }

    page = admin_client.post(url, data)

    assert page.status_code == 200
    assert page.context["adminform"].form.errors
    assert Destination.objects.count() == 1


def test_a_secret_left_empty_stays(admin_client: Client, world: World) -> None:
    url = change_url(world.destination)
    data = form_on(admin_client.get(url)) | {"options-read_seconds": "20"}
    assert data["options-token"] == [""]

    admin_client.post(url, data)

    options = Destination.objects.get().options
    assert (options["token"], options["read_seconds"]) == (TOKEN, 20)


def test_a_good_test_opens_a_paused_connection(admin_client: Client, world: World) -> None:
    with running_sandbox(token=TOKEN) as sandbox:
        destination = world.destination
        destination.options["base_url"] = sandbox.url
        destination.save()
        destination.pause(
            "CRMS refuses the credentials.", destination.organization.history.latest().history_date
        )
        paused = admin_client.get(change_url(destination)).content.decode()

        page = admin_client.post(
            reverse("admin:integrations_destination_test", args=[destination.pk]), follow=True
        )

    assert "Paused: CRMS refuses the credentials." in paused
    (message,) = page.context["messages"]
    assert "accepted the credentials. The connection is open again" in str(message)
    assert Destination.objects.get().paused_at is None
    event = AuditEvent.objects.get(action="test connection")
    assert event.detail == {"good": True}


def test_a_bad_test_gives_the_reason_and_keeps_the_pause(
    admin_client: Client, world: World
) -> None:
    world.destination.pause("It said 401.", world.destination.history.latest().history_date)

    page = admin_client.post(
        reverse("admin:integrations_destination_test", args=[world.destination.pk]), follow=True
    )

    (message,) = page.context["messages"]
    assert "could not be reached" in str(message)
    assert Destination.objects.get().paused_at is not None


def test_a_test_is_not_made_by_following_a_link(admin_client: Client, world: World) -> None:
    url = reverse("admin:integrations_destination_test", args=[world.destination.pk])

    assert admin_client.get(url).status_code == 405


# -- Sources and their credentials ---------------------------------------------------------------


def add_credential(client: Client, source: Source, scheme: str) -> str:
    url = reverse("admin:integrations_source_add_credential", args=[source.pk, scheme])
    response = client.post(url)
    assert "no-store" in response["Cache-Control"]
    *_, secret = re.findall(r"<code>(.*?)</code>", response.content.decode())
    return secret


def test_a_basic_credential_is_shown_once_and_kept_as_a_hash(
    admin_client: Client, world: World
) -> None:
    secret = add_credential(admin_client, world.source, "basic")

    credential = SourceCredential.objects.get()
    assert verify_secret(secret, credential.secret_hash)
    assert len(secret) >= 43
    assert secret not in admin_client.get(change_url(world.source)).content.decode()
    assert AuditEvent.objects.get(action="add credential").object_id == str(credential.pk)


def test_a_signing_secret_is_shown_once_and_kept_encrypted(
    admin_client: Client, world: World
) -> None:
    secret = add_credential(admin_client, world.source, "signature")

    assert secret.startswith("whsec_")
    assert SourceCredential.objects.get().signing_secret == secret
    assert secret not in admin_client.get(change_url(world.source)).content.decode()


def test_asking_for_a_credential_makes_none(admin_client: Client, world: World) -> None:
    url = reverse("admin:integrations_source_add_credential", args=[world.source.pk, "signature"])

    page = admin_client.get(url).content.decode()

    assert "not believed on HTTP Basic alone" in page
    assert not SourceCredential.objects.exists()


def test_a_credential_is_switched_off(admin_client: Client, world: World) -> None:
    add_credential(admin_client, world.source, "basic")
    url = change_url(world.source)
    data = form_on(admin_client.get(url))
    del data["credentials-0-active"]

    admin_client.post(url, data)

    assert not SourceCredential.objects.get().active
    assert AuditEvent.objects.filter(action="switch credential off").exists()


def test_fetch_credentials_are_kept_until_they_are_forgotten(
    admin_client: Client, world: World
) -> None:
    url = change_url(world.source)
    data = form_on(admin_client.get(url)) | {
        "fetch_username": "portal",
        "fetch_password": "first-password",
        "attachment_hosts": "files.example.org\nmore.example.org",
    }
    admin_client.post(url, data)
    again = form_on(admin_client.get(url))
    assert again["fetch_password"] == [""]
    admin_client.post(url, again)
    source = Source.objects.get()
    assert source.fetch_credentials() == ("portal", "first-password")
    assert source.attachment_hosts == ["files.example.org", "more.example.org"]

    admin_client.post(url, {**again, "forget": "on"})

    assert Source.objects.get().fetch_password is None


def test_a_token_and_a_user_name_exclude_each_other(admin_client: Client, world: World) -> None:
    url = change_url(world.source)
    data = form_on(admin_client.get(url)) | {"fetch_username": "portal", "fetch_token": "t"}

    assert "not both" in admin_client.post(url, data).content.decode()


def test_a_host_with_a_path_is_refused(admin_client: Client, world: World) -> None:
    url = change_url(world.source)
    data = form_on(admin_client.get(url)) | {"attachment_hosts": "https://files.example.org"}

    assert "is not a host name" in admin_client.post(url, data).content.decode()


# -- Trigger configs -----------------------------------------------------------------------------


def test_trigger_configs_are_made_and_changed_on_the_screen_that_connects_listings(
    admin_client: Client, world: World
) -> None:
    screen = reverse("admin:connect_listing", args=[world.listing.pk])
    add = reverse("admin:integrations_triggerconfig_add")

    assert admin_client.get(change_url(world.config)).headers["Location"] == (
        f"{screen}?destination={world.destination.pk}"
    )
    assert admin_client.get(f"{add}?listing={world.listing.pk}").headers["Location"] == screen
    assert admin_client.get(add).headers["Location"] == reverse("admin:connect_listing")


# -- Secrets -------------------------------------------------------------------------------------


def test_no_page_and_no_log_shows_a_secret(admin_client: Client, world: World) -> None:
    source = change_url(world.source)
    basic = add_credential(admin_client, world.source, "basic")
    signing = add_credential(admin_client, world.source, "signature")
    for password in ("secret-one", "secret-two"):
        data = form_on(admin_client.get(source))
        admin_client.post(source, data | {"fetch_password": password, "fetch_username": "portal"})
    destination = change_url(world.destination)
    for token in ("secret-three", "secret-four"):
        data = form_on(admin_client.get(destination)) | {"options-read_seconds": str(len(token))}
        admin_client.post(destination, data | {"options-token": token})
    pages = [
        source,
        destination,
        reverse("admin:integrations_source_history", args=[world.source.pk]),
        reverse("admin:integrations_destination_history", args=[world.destination.pk]),
        reverse("admin:integrations_destination_changelist"),
        reverse("admin:integrations_source_changelist"),
    ]
    seen = "".join(admin_client.get(page).content.decode() for page in pages)
    seen += "".join(
        f"{entry.change_message}{entry.object_repr}" for entry in LogEntry.objects.all()
    )
    seen += "".join(str(event.detail) for event in AuditEvent.objects.all())

    assert "Seconds for an answer" in seen
    assert Destination.objects.get().options["token"] == "secret-four"
    for secret in (
        basic,
        signing,
        TOKEN,
        "secret-one",
        "secret-two",
        "secret-three",
        "secret-four",
    ):
        assert secret not in seen


def test_history_reports_what_was_changed(admin_client: Client, world: World) -> None:
    url = change_url(world.destination)
    data = form_on(admin_client.get(url))
    admin_client.post(url, data | {"options-read_seconds": "20", "options-token": "new"})

    page = admin_client.get(
        reverse("admin:integrations_destination_history", args=[world.destination.pk])
    ).content.decode()

    assert "Seconds for an answer:</span> <del>30</del>" in page
    assert "<ins>another secret</ins>" in page


def test_an_old_version_is_not_shown_as_a_form(admin_client: Client, world: World) -> None:
    version = world.destination.history.latest().history_id
    url = reverse(
        "admin:integrations_destination_simple_history", args=[world.destination.pk, version]
    )

    assert "options-base_url" not in admin_client.get(url).content.decode()
    assert admin_client.post(url, {"name": "x"}).status_code == 200
    assert Destination.objects.get().name == world.destination.name


# -- Who may ---------------------------------------------------------------------------------------


@pytest.fixture
def liaison_client(world: World) -> Client:
    return client_of(LIAISON, world.organization)


def test_a_liaison_connects_listings_and_leaves_systems_alone(
    liaison_client: Client, world: World
) -> None:
    assert liaison_client.get(change_url(world.config), follow=True).status_code == 200
    page = liaison_client.get(change_url(world.destination)).content.decode()
    test = liaison_client.post(
        reverse("admin:integrations_destination_test", args=[world.destination.pk])
    )
    add = liaison_client.post(
        reverse("admin:integrations_source_add_credential", args=[world.source.pk, "basic"])
    )

    assert "http://127.0.0.1:9" in page
    assert TOKEN not in page
    assert "Test connection" not in page
    assert (test.status_code, add.status_code) == (403, 404)
    assert liaison_client.get(change_url(world.source)).status_code == 403


def test_every_list_is_quick(
    admin_client: Client, world: World, django_assert_max_num_queries: Any
) -> None:
    for number in range(30):
        listing = ServiceListing.objects.create(
            organization=world.organization, caredove_id=f"L{number}", name=f"Listing {number}"
        )
        TriggerConfig.objects.create(
            listing=listing,
            destination=world.destination,
            on=["received"],
            mapping=world.config.mapping,
        )
    for model in ("organization", "servicelisting", "source", "destination", "triggerconfig"):
        with django_assert_max_num_queries(15):
            page = admin_client.get(reverse(f"admin:integrations_{model}_changelist"))
        assert page.status_code == 200
