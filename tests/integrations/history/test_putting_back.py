"""An earlier version comes back as a new change; a secret never does."""

from typing import Any

import pytest

from core.compare import Effect
from integrations.history import putting_back
from integrations.history.putting_back import NotPutBack
from integrations.history.sorts import SORTS
from integrations.models import (
    Destination,
    Organization,
    ServiceListing,
    Source,
    SourceCredential,
    TriggerConfig,
)
from integrations.sources.auth import hash_secret
from mapping.editing.exchange import copy_mapping
from tests.integrations.history.conftest import NOW, OLD
from tests.rows import write
from tests.world import World


def oldest(row: Any) -> Any:
    return SORTS[type(row)].records.filter(id=row.pk).earliest()


def refusal(record: Any) -> str:
    with pytest.raises(NotPutBack) as refused:
        putting_back.put_back(record, "")
    with pytest.raises(NotPutBack):
        putting_back.would_change(record)
    return refused.value.message


def lines_of(record: Any) -> list[str]:
    return [str(one) for one in putting_back.would_change(record).differences]


def test_options_come_back_and_the_secret_stays_as_it_is(world: World) -> None:
    record = oldest(world.destination)

    assert lines_of(record) == [
        "Name: Birchwood CRMS (new) → Birchwood CRMS",
        "Longest referral note: 500 → 8000",
    ]
    putting_back.put_back(record, "It was better before")

    destination = Destination.objects.get()
    assert (destination.name, destination.options["note_limit"]) == ("Birchwood CRMS", 8000)
    assert destination.options["token"] == NOW
    newest = Destination.history.first()
    assert newest.history_change_reason == "It was better before"
    assert OLD not in str(newest.options)
    assert lines_of(record) == []


def test_a_token_does_not_follow_the_address_back(world: World) -> None:
    record = oldest(world.destination)
    moved = {**world.destination.options, "base_url": "http://127.0.0.1:10"}
    write(Destination.objects.all(), options=moved)

    assert refusal(record) == "Enter the token again: it was for another address."
    assert Destination.objects.get().options == moved


def test_a_hold_is_no_configuration(world: World) -> None:
    record = oldest(world.destination)
    world.destination.pause("CRMS does not know us.", record.history_date)

    putting_back.put_back(record, "")

    assert Destination.objects.get().paused_reason == "CRMS does not know us."


def test_an_organization_and_a_trigger_config_come_back(world: World) -> None:
    organization, config = world.organization, world.config
    organization.plan, organization.active = "essential", False
    organization.save()
    config.on, config.enabled, config.mapping = ["closed_any"], False, copy_mapping(config.mapping)
    config.save()

    assert lines_of(oldest(organization)) == ["Plan: Essential → Advanced CBO", "Active: no → yes"]
    assert lines_of(oldest(config))[0] == "Triggers: Closed (any) → Received, Edited Status - Ready"
    putting_back.put_back(oldest(organization), "")
    putting_back.put_back(oldest(config), "")

    config.refresh_from_db()
    assert Organization.objects.get().may_import()
    assert (config.on, config.enabled) == (["received", "status_ready"], True)
    assert config.mapping.shipped


def test_a_mapping_that_is_gone_is_named_as_the_reason(world: World) -> None:
    shipped, own = world.config.mapping, copy_mapping(world.config.mapping)
    TriggerConfig.objects.all().delete()
    config = TriggerConfig.objects.create(
        listing=world.listing, destination=world.destination, on=["received"], mapping=own
    )
    config.mapping = shipped
    config.save()
    own.delete()

    assert "deleted by now" in refusal(oldest(config))


def test_the_organizations_of_a_source_come_back_and_its_credentials_stay(world: World) -> None:
    source = world.source
    source.organizations.add(world.organization)
    source.fetch_username, source.fetch_password = "old-user", OLD
    source.attachment_hosts = ["files.example.org"]
    source.save()
    record = Source.history.first()
    record = SORTS[Source].records.get(pk=record.pk)
    source.organizations.clear()
    source.fetch_username, source.fetch_password = "", None
    source.fetch_token, source.attachment_hosts = NOW, []
    source.save()

    assert sorted(lines_of(record)) == [
        "Attachment hosts: (empty) → files.example.org",
        "Organizations: (empty) → Birchwood Community Mental Health",
    ]
    putting_back.put_back(record, "")

    source = Source.objects.get()
    assert list(source.organizations.all()) == [world.organization]
    assert source.attachment_hosts == ["files.example.org"]
    assert (source.fetch_username, source.fetch_password, source.fetch_token) == ("", None, NOW)


def test_a_credential_that_was_switched_off_stays_off(world: World) -> None:
    credential = SourceCredential.objects.create(
        source=world.source, key="leaked", secret_hash=hash_secret("leaked")
    )
    credential.active = False
    credential.save()

    assert "not put back" in refusal(oldest(credential))


def test_a_deleted_listing_and_what_it_led_to_come_back(world: World) -> None:
    listing, config = oldest(world.listing), oldest(world.config)
    world.listing.delete()

    assert putting_back.would_change(listing).effect is Effect.CREATED
    putting_back.put_back(listing, "")
    putting_back.put_back(config, "")

    assert ServiceListing.objects.get().pk == listing.id
    assert TriggerConfig.objects.get().listing_id == listing.id


def test_a_deleted_destination_is_gone_with_its_secret(world: World) -> None:
    record = oldest(world.destination)
    world.destination.delete()

    assert "its secrets are gone with it" in refusal(record)


def test_an_id_that_another_listing_took_meanwhile_is_not_taken_away(world: World) -> None:
    record = oldest(world.listing)
    world.listing.caredove_id = "9999"
    world.listing.save()
    world.organization.listings.create(caredove_id="4417", name="The new one")

    assert "already exists" in refusal(record)
