"""Notes on a referral: for colleagues, encrypted, in no log, gone with the person's data."""

import logging

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from access.roles import LIAISON, SUPPORT
from core.database import clock
from core.models import AuditEvent
from integrations.models import Organization
from referrals.intake import identity
from referrals.models import Note, Referral
from referrals.record import notes
from referrals.record.removal import retention
from tests.core.test_logging import Lines
from tests.people import client_of, person
from tests.rows import as_stored
from tests.world import REFERENCE, World, plain

OTHER = "0f5c2a2e-6b1d-4d1e-9f5e-111111111111"
WORDS = "Mireille's sister calls back"


@pytest.fixture
def referral(world: World) -> Referral:
    world.send(plain())
    return world.referral


@pytest.fixture
def support(world: World) -> Client:
    return client_of(SUPPORT, world.organization, name="ana")


def write(client: Client, referral: Referral, text: str = WORDS) -> str:
    url = reverse("admin:referrals_referral_note", args=[referral.pk])
    return client.post(url, {"text": text}, follow=True).content.decode()


def test_a_note_stands_in_the_story_with_who_wrote_it(support: Client, referral: Referral):
    page = write(support, referral)
    assert "ana wrote a note" in page
    assert "Mireille&#x27;s sister calls back" in page


def test_a_note_is_encrypted_and_in_no_log_trail_or_name(support: Client, referral: Referral):
    lines = Lines()
    logging.getLogger().addHandler(lines)
    try:
        write(support, referral)
    finally:
        logging.getLogger().removeHandler(lines)
    note = Note.objects.get()
    assert b"sister" not in as_stored(note, "text")
    trail = "".join(f"{one} {one.detail}" for one in AuditEvent.objects.all())
    assert "sister" not in lines.text + trail + str(note)
    assert AuditEvent.objects.filter(action="write note").count() == 1


@pytest.mark.parametrize("text", ["", " \n ", "x" * 2_001, "a\0b"])
def test_what_is_no_note_is_not_kept(support: Client, referral: Referral, text: str):
    page = write(support, referral, text)
    assert "warning" in page
    assert not Note.objects.exists()


def test_who_may_not_decide_or_see_it_writes_none(world: World, referral: Referral):
    elsewhere = Organization.objects.create(caredove_id="9", name="Elsewhere")
    for client in (
        client_of(SUPPORT, elsewhere, name="foreign"),
        client_of(LIAISON, world.organization),
        client_of("", world.organization),
    ):
        write(client, referral)
    assert not Note.objects.exists()


@pytest.mark.parametrize("why", ["revoked", "expired"])
def test_notes_go_with_the_persons_data_and_none_come_after(
    world: World, referral: Referral, why: str
):
    ana = person(SUPPORT, world.organization, name="ana")
    assert notes.add(referral, WORDS, ana)
    retention.purge(referral, clock.now(), why=why)
    assert not Note.objects.exists()
    assert not notes.add(referral, WORDS, ana)
    assert not Note.objects.exists()


def test_notes_follow_a_referral_that_turns_out_to_be_another(world: World, referral: Referral):
    ana = person(SUPPORT, world.organization, name="ana")
    world.send(plain(number=2, reference=OTHER))
    for one in Referral.objects.all():
        assert notes.add(one, WORDS, ana)
    with transaction.atomic():
        identity.resolve(world.source, [REFERENCE, OTHER], world.organization, clock.now())
    survivor = Referral.objects.get(merged_into=None)
    assert survivor.notes.count() == 2
    assert not notes.add(Referral.objects.exclude(pk=survivor.pk).get(), WORDS, ana)
