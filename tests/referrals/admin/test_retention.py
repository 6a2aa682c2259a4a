"""Administrators set how long data is kept; what would be deleted at once is asked for."""

from datetime import timedelta

import pytest
from django.db.models import F
from django.test import Client
from django.urls import reverse

from access.roles import ADMINISTRATOR
from core.models import AuditEvent
from referrals.models import Referral, RetentionPeriod
from tests.people import client_of
from tests.world import World, plain

ADD = reverse("admin:referrals_retentionperiod_add")


@pytest.fixture
def administrator(db: None) -> Client:
    return client_of(ADMINISTRATOR)


@pytest.fixture
def old_referral(world: World) -> World:
    world.send(plain())
    world.run()
    Referral.objects.update(changed_at=F("changed_at") - timedelta(days=100))
    return world


def fill_in(client: Client, world: World, days: str, **more: str) -> str:
    given = {"organization": str(world.organization.pk), "days": days, **more}
    page: str = client.post(ADD, given, follow=True).content.decode()
    return page


def test_a_period_is_set_and_written_down(administrator: Client, old_referral: World):
    fill_in(administrator, old_referral, "365")
    assert RetentionPeriod.objects.get().days == 365
    event = AuditEvent.objects.get(object_type="referrals.retentionperiod")
    assert (event.username, event.action) == ("administrator", "add")


def test_a_period_that_is_over_for_some_already_is_asked_for(
    administrator: Client, old_referral: World
):
    page = fill_in(administrator, old_referral, "90")
    assert "The last message on 1 referral is longer ago. What it says would be deleted" in page
    assert not RetentionPeriod.objects.exists()
    fill_in(administrator, old_referral, "90", delete_now="on")
    assert RetentionPeriod.objects.get().days == 90


def test_a_shorter_period_is_asked_for_too(administrator: Client, old_referral: World):
    period = RetentionPeriod.objects.create(organization=old_referral.organization, days=365)
    change = reverse("admin:referrals_retentionperiod_change", args=[period.pk])
    page = administrator.post(change, {"days": "90"}).content.decode()
    assert "The last message on 1 referral is longer ago." in page
    administrator.post(change, {"days": "90", "delete_now": "on"})
    period.refresh_from_db()
    assert period.days == 90


@pytest.mark.parametrize("days", ["0", "29", "-1", "many", "36501", ""])
def test_a_period_that_makes_no_sense_is_refused(
    administrator: Client, old_referral: World, days: str
):
    fill_in(administrator, old_referral, days, delete_now="on")
    assert not RetentionPeriod.objects.exists()
