"""From an event to a partner's tables, through the portal."""

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from integrations import destinations
from integrations.destinations.sql.writing import Writer
from integrations.models import Destination, TriggerConfig
from mapping.editing.exchange import install_shipped
from referrals import delivering
from referrals.models import Delivery, Run, Version
from tests.world import REFERENCE, World, make_world, options, plain

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, settings: Any) -> Path:
    settings.EXPORT_ROOT = str(tmp_path)
    return tmp_path


@pytest.fixture
def world() -> World:
    return make_world("sql", on=["received"], url="sqlite:///copy.db")


def there(folder: Path, asked: str) -> list[Any]:
    with closing(sqlite3.connect(folder / "copy.db")) as connection:
        return connection.execute(asked).fetchall()


def carry(world: World) -> None:
    assert delivering.carry_due(world.destination.pk)


def test_a_referral_is_kept_current_and_removed_when_it_is_revoked(
    world: World, folder: Path
) -> None:
    world.send(plain(reason="Low mood"))
    carry(world)
    asked = "SELECT reference, version, client_last_name, listing_id, note FROM dovetail_referral"
    ((reference, version, name, listing, note),) = there(folder, asked)
    assert (reference, version, name, listing) == (REFERENCE, 1, "Tremblay-Okafor", "4417")
    assert "Low mood" in note
    assert there(folder, "SELECT value FROM dovetail_meta WHERE name = 'writer'") == [
        (str(world.destination.pk),)
    ]
    world.send(plain("referral.edited", number=2, registrant={"last_name": "Okafor"}))
    carry(world)
    assert there(folder, asked)[0][1:3] == (2, "Okafor")
    world.send(plain("referral.revoked", number=3))
    carry(world)
    assert there(folder, asked) == []
    assert there(folder, "SELECT reference FROM dovetail_removed") == [(REFERENCE,)]
    assert world.delivery.state == Delivery.State.DISMISSED


def test_what_is_revoked_while_it_is_written_is_removed(
    world: World, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, revoked = Writer.write, plain("referral.revoked", number=2)

    def revoke_and_write(self: Writer, *args: Any) -> None:
        write(self, *args)
        if not world.sent:
            world.sent.append(world.send(revoked))

    monkeypatch.setattr(Writer, "write", revoke_and_write)
    world.send(plain())
    carry(world)
    carry(world)
    assert there(folder, "SELECT * FROM dovetail_referral") == []
    assert there(folder, "SELECT reference FROM dovetail_removed") == [(REFERENCE,)]
    assert not delivering.carry_due(world.destination.pk)


def test_the_home_page_states_how_far_a_copy_is_behind(world: World, admin_client: Client) -> None:
    world.send(plain())
    waiting = Version.objects.get()
    Version.objects.update(asked_at=waiting.asked_at - timedelta(minutes=7, seconds=10))
    assert "behind by 7" in admin_client.get(reverse("admin:index")).content.decode()
    carry(world)
    assert "behind by" not in admin_client.get(reverse("admin:index")).content.decode()


def test_a_field_that_may_not_leave_is_in_no_column(world: World, folder: Path) -> None:
    world.destination.allowed_fields = ["registrant.first_name", "status"]
    world.destination.save()
    world.send(plain(reason="Low mood"))
    carry(world)
    (row,) = there(folder, "SELECT * FROM dovetail_referral")
    assert "Mireille" in row
    assert not any("Okafor" in str(value) or "Low mood" in str(value) for value in row)


@pytest.mark.parametrize("meanwhile", [False, True])
def test_what_stands_beside_a_referral_is_there_where_it_is_named(
    world: World, folder: Path, monkeypatch: pytest.MonkeyPatch, meanwhile: bool
) -> None:
    crms = Destination.objects.create(
        organization=world.organization, name="Inbox", kind="demo", options=options("demo")
    )
    TriggerConfig.objects.create(
        listing=world.listing, destination=crms, on=["received"], mapping=demo_mapping()
    )
    world.destination.allowed_fields = ["all", "events", "deliveries"]
    world.destination.save()
    world.send(plain())
    write = Writer.write

    def settle_and_write(self: Writer, *args: Any) -> None:
        """Let the other delivery end when the first row of the copy was made, but is not there."""
        if meanwhile:
            delivering.run(crms.deliveries.get().pk)
        write(self, *args)

    monkeypatch.setattr(Writer, "write", settle_and_write)
    carry(world)
    asked = "SELECT destination, state, attempts, external_id FROM dovetail_delivery"
    assert there(folder, asked) == [("Inbox", "queued", 0, None)]
    delivering.run(crms.deliveries.get().pk)
    carry(world)  # the copy shows what became of it
    assert there(folder, asked) == [("Inbox", "imported", 1, f"DEMO-{REFERENCE}-referral")]
    world.send(plain("appointment.confirmed", number=2))
    carry(world)
    events = there(folder, "SELECT type FROM dovetail_event ORDER BY received_at")
    assert [code for (code,) in events] == ["referral.received", "appointment.confirmed"]


def test_without_their_names_these_tables_stay_empty(world: World, folder: Path) -> None:
    world.send(plain())
    carry(world)
    for table in ("event", "delivery", "partner_update"):
        assert there(folder, f"SELECT * FROM dovetail_{table}") == [], table


def demo_mapping() -> Any:
    shipped = destinations.default_mapping("demo")
    assert shipped
    return install_shipped("demo", shipped)


def test_one_refused_row_waits_for_a_person_and_the_rest_goes(world: World, folder: Path) -> None:
    world.send(plain(number=1))
    carry(world)
    with closing(sqlite3.connect(folder / "copy.db")) as connection:
        connection.execute(
            "CREATE TRIGGER grown BEFORE INSERT ON dovetail_referral "
            "WHEN NEW.client_first_name = 'Ada' BEGIN SELECT RAISE(ABORT, 'not this one'); END"
        )
    ada = {"first_name": "Ada", "last_name": "Lovelace"}
    world.send(plain(number=2, reference="3502768602", registrant=ada))
    world.send(plain(number=3, reference="3502768603"))
    carry(world)
    states = dict(Delivery.objects.values_list("reference", "state"))
    assert states == {
        REFERENCE: "imported",
        "3502768602": "needs_attention",
        "3502768603": "imported",
    }
    refused = Delivery.objects.get(reference="3502768602")
    assert refused.reason == Delivery.Reason.REJECTED
    assert "not this one" in refused.message
    assert world.destination.paused_at is None
    assert Run.objects.filter(state="done").count() == 2


def test_a_database_of_another_writer_pauses_the_destination(world: World, folder: Path) -> None:
    world.send(plain())
    carry(world)
    with closing(sqlite3.connect(folder / "copy.db")) as connection, connection:
        connection.execute("UPDATE dovetail_meta SET value = '4' WHERE name = 'writer'")
    world.send(plain(number=2, reference="3502768602"))
    carry(world)
    world.destination.refresh_from_db()
    assert "Another destination writes these tables" in world.destination.paused
    assert Version.objects.filter(state="open").count() == 1
