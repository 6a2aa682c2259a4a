"""A legal hold: nothing of the referral is deleted, whatever asks for it."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import transaction
from django.db.models import F, Q
from django.test import Client
from django.urls import reverse

from core.database import clock
from core.models import AuditEvent
from integrations.destinations.demo.transport import DemoTransport
from referrals import delivering, sentences
from referrals.intake import identity
from referrals.models import InboundEvent, LegalHold, Referral, ReferralFile, RetentionPeriod
from referrals.record.removal import holds, retention
from tests.world import REFERENCE, World, plain

pytestmark = pytest.mark.postgres

OTHER_ID = "0f5c2a2e-6b1d-4d1e-9f5e-111111111111"


@pytest.fixture
def old(world: World) -> World:
    """A referral with a file whose retention period was over a month ago."""
    RetentionPeriod.objects.create(organization=world.organization, days=30)
    world.send(plain(attachments=[{"id": "a1", "filename": "a.txt", "data": "aGVsbG8="}]))
    world.run()
    Referral.objects.update(changed_at=F("changed_at") - timedelta(days=60))
    return world


def is_whole(world: World) -> bool:
    events = InboundEvent.objects.filter(referral=world.referral)
    bodies = events.filter(body__isnull=False).count() == events.count()
    return world.referral.snapshot != {} and ReferralFile.objects.count() == 1 and bodies


def test_what_is_on_hold_outlasts_its_retention_period_until_it_is_released(old: World):
    assert holds.place(old.referral, "Case 7", "ada")
    assert retention.purge_expired() == 0
    assert is_whole(old)
    assert not holds.place(old.referral, "Case 8", "ada")  # one at a time
    assert retention.release(old.referral, "ada")
    assert not retention.release(old.referral, "ada")
    assert retention.purge_expired() == 1
    assert not LegalHold.objects.exists()
    actions = AuditEvent.objects.order_by("pk").values_list("action", flat=True)
    assert list(actions) == ["place legal hold", "release legal hold", "delete data"]
    assert "Case" not in str(list(AuditEvent.objects.values()))


def test_what_is_revoked_on_hold_stays_here_goes_nowhere_and_is_deleted_when_released(old: World):
    holds.place(old.referral, "Case 7", "ada")
    for number, code in ((2, "referral.revoked"), (3, "referral.edited")):
        event = old.send(plain(code, number=number))
        assert event.outcome == "revoked"
        assert is_whole(old)
    assert old.referral.is_revoked
    assert (old.delivery.message, old.delivery.has_uncleared_error) == (sentences.IS_THERE(), True)
    delivering.clear_error(old.delivery)
    assert retention.purge_expired() == 0
    assert retention.release(old.referral, "ada")
    assert old.referral.snapshot == {}
    assert old.referral.is_revoked
    assert not ReferralFile.objects.exists()
    assert not InboundEvent.objects.filter(body__isnull=False).exists()


def test_an_import_that_runs_while_its_referral_on_hold_is_revoked_is_reported(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    world.send(plain())
    holds.place(world.referral, "Case 7", "ada")
    deliver = DemoTransport.deliver

    def revoked_meanwhile(self: Any, parcel: Any) -> Any:
        receipt = deliver(self, parcel)
        world.send(plain("referral.revoked", number=2))
        return receipt

    monkeypatch.setattr(DemoTransport, "deliver", revoked_meanwhile)
    delivery = world.run()
    assert (delivery.state, delivery.message) == ("imported", sentences.IS_THERE())
    assert delivery.has_uncleared_error
    assert world.referral.snapshot != {}


def test_what_was_not_sent_before_a_revocation_on_hold_is_never_sent(world: World):
    world.send(plain())
    holds.place(world.referral, "Case 7", "ada")
    world.send(plain("referral.revoked", number=2))
    delivery = world.run()
    assert (delivery.state, delivery.closed_why) == ("dismissed", sentences.REVOKED())
    assert not delivery.steps.exists()


def test_a_hold_on_a_part_is_one_on_the_whole(old: World):
    old.send(plain(number=2, reference=OTHER_ID))
    part = old.referral_of(OTHER_ID)
    holds.place(part, "Case 7", "ada")
    with transaction.atomic():
        identity.resolve(old.source, [REFERENCE, OTHER_ID], old.organization, clock.now())
    whole = Referral.objects.get(merged_into=None)
    Referral.objects.update(changed_at=clock.now() - timedelta(days=60))
    assert holds.of(whole)
    assert retention.purge_expired() == 0
    assert retention.release(whole, "ada")


def test_a_hold_that_is_placed_while_a_purge_begins_is_kept(old: World, monkeypatch):
    purge_one = retention._purge_one

    def just_before(*given: Any) -> bool:
        holds.place(old.referral, "Case 7", "ada")
        return purge_one(*given)

    monkeypatch.setattr(retention, "_purge_one", just_before)
    assert retention.purge_expired() == 0
    # Also where the statement that chose the referral could not see it yet.
    monkeypatch.setattr(holds, "on_hold", lambda: Q(pk__in=[]))
    assert retention.purge_expired() == 0
    assert is_whole(old)


def test_nobody_is_erased_on_hold(old: World):
    holds.place(old.referral, "Case 7", "ada")
    with pytest.raises(retention.OnHold):
        retention.erase(old.referral, "ada")
    assert is_whole(old)


# -- On the screen ---------------------------------------------------------------------------------


def person(*permissions: str, **given: Any) -> Client:
    user = User.objects.create_user("ada", is_staff=True, **given)
    for name in permissions:
        app, codename = name.split(".")
        found = Permission.objects.filter(content_type__app_label=app, codename=codename)
        user.user_permissions.add(*found)
    client = Client()
    client.force_login(user)
    return client


def test_a_hold_is_placed_shown_and_released_on_the_page(old: World):
    see_all = ("referrals.view_referral", "access.see_all_organizations")
    client = person(*see_all, "referrals.place_legal_hold")
    page = reverse("admin:referrals_referral_change", args=[old.referral.pk])
    hold, release = (
        reverse(f"admin:referrals_referral_{what}", args=[old.referral.pk])
        for what in ("hold", "release")
    )
    assert b"Place a legal hold" in client.get(page).content
    assert client.post(hold, {"reason": ""}).status_code == 302
    assert not LegalHold.objects.exists()
    client.post(hold, {"reason": "Case <7>"})
    shown = client.get(page).content.decode()
    assert "Case &lt;7&gt;" in shown
    assert "Release the legal hold" in shown
    listed = reverse("admin:referrals_referral_changelist")
    assert b"on-hold" in client.get(listed).content
    assert old.referral.reference in client.get(f"{listed}?hold=yes").content.decode()
    client.post(release)
    assert not holds.active().exists()
    assert old.referral.reference not in client.get(f"{listed}?hold=yes").content.decode()
    assert b"on-hold" not in client.get(listed).content


def test_a_hold_is_placed_and_released_by_who_may_alone(old: World):
    client = person("referrals.view_referral", "access.see_all_organizations")
    page = reverse("admin:referrals_referral_change", args=[old.referral.pk])
    assert b"Place a legal hold" not in client.get(page).content
    holds.place(old.referral, "Case 7", "ada")
    shown = client.get(page).content.decode()
    assert "Case 7" in shown
    assert "Release the legal hold" not in shown
    for what in ("hold", "release"):
        url = reverse(f"admin:referrals_referral_{what}", args=[old.referral.pk])
        assert client.post(url, {"reason": "x"}).status_code == 403
        assert client.get(url).status_code == 405
    assert holds.active().count() == 1
