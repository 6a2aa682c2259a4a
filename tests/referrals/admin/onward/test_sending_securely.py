""" "Send securely…" on a referral: who may, to whom, what is seen before, and shown once."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from access.roles import ADMINISTRATOR, LIAISON, SUPPORT
from core.database import clock
from core.models import AuditEvent
from referrals.models import Delivery, Version
from referrals.record.removal import retention
from tests.people import client_of, person
from tests.world import World, make_world, plain

pytestmark = pytest.mark.django_db

OPTIONS: dict[str, Any] = {
    "smtp_host": "mail.partner.example",
    "sender": "Birchwood <referrals@birchwood.example>",
    "recipients": ["intake@partner.example", "second@partner.example"],
    "allowed_domains": ["else.example"],
}


def mailed(**given: Any) -> World:
    world = make_world("email", **{**OPTIONS, **given})
    world.config.delete()
    world.send(plain())
    return world


def send_url(world: World) -> str:
    return reverse("admin:referrals_referral_send", args=[world.referral.pk, world.destination.pk])


def page(client: Client, url: str) -> str:
    return client.get(url).content.decode()


CHOSEN = {"fixed": ["intake@partner.example"], "seen": "0"}


def test_whoever_sends_sees_before_what_they_get_and_nothing_is_sent_by_looking():
    world = mailed()
    support = client_of(SUPPORT, world.organization)
    of_referral = reverse("admin:referrals_referral_change", args=[world.referral.pk])
    assert "Send securely…" in page(support, of_referral)
    shown = page(support, send_url(world))
    assert "A referral from Birchwood Community Mental Health" in shown
    assert "Birchwood &lt;referrals@birchwood.example&gt;" in shown
    assert "intake@partner.example, second@partner.example" in shown
    summary = f"{send_url(world)}summary.pdf"
    assert summary in shown
    assert not Delivery.objects.exists()


def test_the_summary_that_is_seen_before_shows_what_may_leave_and_no_more(
    monkeypatch: pytest.MonkeyPatch,
):
    world = mailed()
    world.destination.allowed_fields = ["registrant.first_name"]
    world.destination.save()
    seen: list[Any] = []
    monkeypatch.setattr(
        "referrals.admin.onward.sending.store_summary",
        lambda referral, document: seen.append(document) or _Stop.now(),
    )
    with pytest.raises(_Stop):
        client_of(SUPPORT, world.organization).get(f"{send_url(world)}summary.pdf")
    (document,) = seen
    assert document["registrant"] == {"first_name": "Mireille"}
    world.destination.allowed_files = []
    world.destination.save()
    answer = client_of(SUPPORT, world.organization, name="x").get(f"{send_url(world)}summary.pdf")
    assert answer.status_code == 404


class _Stop(Exception):
    @classmethod
    def now(cls) -> None:
        raise cls


def test_a_passphrase_is_shown_once_to_whoever_sends_and_kept_in_no_page():
    world = mailed()
    support = client_of(SUPPORT, world.organization)
    answer = support.post(send_url(world), CHOSEN)
    version = Version.objects.get()
    passphrase = version.options["passphrase"]
    assert len(passphrase.split("-")) >= 4
    assert passphrase in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]
    assert version.options["recipients"] == ["intake@partner.example"]
    delivery = reverse("admin:referrals_delivery_change", args=[version.delivery_id])
    of_referral = reverse("admin:referrals_referral_change", args=[world.referral.pk])
    for url in (delivery, of_referral, send_url(world)):
        assert passphrase not in page(support, url)
    assert passphrase not in str(list(AuditEvent.objects.values_list("detail", flat=True)))


def test_who_presses_twice_or_reloads_sends_once():
    world = mailed()
    support = client_of(SUPPORT, world.organization)
    support.post(send_url(world), CHOSEN)
    again = support.post(send_url(world), CHOSEN, follow=True).content.decode()
    assert "It was sent there meanwhile" in again
    assert Version.objects.count() == 1
    shown = page(support, send_url(world))
    assert 'name="seen" value="1"' in shown
    support.post(send_url(world), {**CHOSEN, "seen": "1"})
    assert Version.objects.count() == 2, "on purpose it may go again"


def test_with_the_partners_passphrase_none_is_made_or_shown():
    world = mailed(passphrase="maple-river-lantern-otter")
    answer = client_of(SUPPORT, world.organization).post(send_url(world), CHOSEN, follow=True)
    assert "is on its way" in answer.content.decode()
    assert "maple-river" not in answer.content.decode()
    assert Version.objects.get().options["sender_name"] is not None
    assert "passphrase" not in Version.objects.get().options


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({"others": "new@third.example"}, "new@third.example is not of an allowed domain."),
        ({"others": "new@sub.else.example"}, "is not of an allowed domain."),
        ({"others": "nobody"}, "is not an e-mail address."),
        ({"fixed": ["else@partner.example"]}, "Select a valid choice."),
        ({}, "Choose at least one recipient."),
    ],
)
def test_only_recipients_that_are_allowed_can_be_chosen(chosen: dict[str, Any], message: str):
    world = mailed()
    answer = client_of(SUPPORT, world.organization).post(send_url(world), {**chosen, "seen": "0"})
    assert message in answer.content.decode()
    assert not Version.objects.exists()


def test_recipients_are_chosen_among_both_kinds_each_once():
    world = mailed()
    others = "New@else.example\nintake@partner.example"
    world.destination.options["allowed_domains"] += "\npartner.example"
    world.destination.save()
    chosen = {**CHOSEN, "others": others}
    client_of(SUPPORT, world.organization).post(send_url(world), chosen)
    expected = ["intake@partner.example", "New@else.example"]
    assert Version.objects.get().options["recipients"] == expected


def test_it_has_a_permission_of_its_own():
    world = mailed()
    decides = person("", world.organization, name="decides")
    decides.user_permissions.set(
        Permission.objects.filter(codename__in=["decide_delivery", "view_referral"])
    )
    may_not = Client()
    may_not.force_login(decides)
    for client in (may_not, client_of(LIAISON, world.organization)):
        for url in (send_url(world), f"{send_url(world)}summary.pdf"):
            assert client.get(url).status_code in (302, 403)
        assert client.post(send_url(world), CHOSEN).status_code in (302, 403)
    assert not Version.objects.exists()
    for role in (SUPPORT, ADMINISTRATOR):
        one = User.objects.get(pk=person(role, world.organization, name=f"a {role}").pk)
        assert one.has_perm("referrals.send_referral")


@pytest.mark.parametrize("revoked", [True, False])
def test_what_must_not_go_gives_the_reason(revoked: bool):
    world = mailed()
    (retention.revoke if revoked else retention.purge)(world.referral, clock.now())
    support = client_of(SUPPORT, world.organization)
    assert not re.search('value="Send"', page(support, send_url(world)))
    support.post(send_url(world), CHOSEN)
    assert not Version.objects.exists()
