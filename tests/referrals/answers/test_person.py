"""One person within an organization: what is stored of them, and its erasure."""

import json
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from django.core.management import CommandError, call_command

from core.models import AuditEvent
from integrations.models import Organization
from referrals import sentences
from referrals.models import InboundEvent, ReferralFile
from referrals.record import notes
from referrals.record.removal import holds
from tests.people import person
from tests.world import REFERENCE, World, plain

pytestmark = pytest.mark.django_db

FILE = {"id": "a1", "filename": "../../etc/a.txt", "data": "aGVsbG8="}
OKAFOR = {"first_name": "Mireille", "last_name": "Tremblay-Okafor"}


@pytest.fixture
def known(world: World) -> World:
    world.send(plain(attachments=[FILE], registrant=OKAFOR))
    world.run()
    return world


def of(world: World, *more: str) -> list[str]:
    return [REFERENCE, "--organization", world.organization.caredove_id, *more]


def exported(world: World, path: Path) -> dict[str, bytes]:
    call_command("export_person", *of(world, "--output", str(path)))
    assert path.stat().st_mode & 0o777 == 0o600
    with ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_a_person_gets_all_that_is_stored_and_where_it_has_gone(known: World, tmp_path: Path):
    found = exported(known, tmp_path / "person.zip")
    folder = f"1-{REFERENCE}"
    assert all(name.startswith(f"{folder}/") and ".." not in name for name in found)
    name = OKAFOR["last_name"]
    assert name in json.dumps(json.loads(found[f"{folder}/referral.json"]), ensure_ascii=False)
    assert name.encode() in found[f"{folder}/messages/001.json"]
    assert b"hello" in found.values()
    assert any(content.startswith(b"%PDF") for content in found.values())
    (delivery,) = json.loads(found[f"{folder}/deliveries.json"])
    assert delivery["id_there"] == known.delivery.external_id
    assert str(known.destination) in found[f"{folder}/sent.csv"].decode("utf-8-sig")
    assert AuditEvent.objects.filter(action="export person").count() == 1
    with pytest.raises(CommandError, match="is there already"):
        exported(known, tmp_path / "person.zip")


def test_a_person_of_another_organization_is_neither_exported_nor_erased(
    known: World, tmp_path: Path
):
    Organization.objects.create(caredove_id="900", name="Elsewhere")
    for command, more in (
        ("export_person", ["--output", str(tmp_path / "person.zip")]),
        ("erase_person", ["--yes"]),
    ):
        for named in ([REFERENCE, "--organization", "900"], ["7", *of(known)[1:]]):
            with pytest.raises(CommandError, match="has no referral"):
                call_command(command, *named, *more)
    assert not list(tmp_path.iterdir())
    assert known.referral.snapshot != {}


def test_who_is_erased_is_gone_here_and_does_not_come_back(
    known: World, tmp_path: Path, django_capture_on_commit_callbacks: Any
):
    with pytest.raises(CommandError, match="Add --yes"):
        call_command("erase_person", *of(known))
    assert known.referral.snapshot != {}
    with django_capture_on_commit_callbacks(execute=True):
        call_command("erase_person", *of(known, "--yes"))
    for _ in range(2):
        assert known.referral.snapshot == {}
        assert known.referral.get_purged_why_display() == "the person asked for it"
        assert not InboundEvent.objects.filter(body__isnull=False).exists()
        assert not ReferralFile.objects.exists()
        # Where it has gone, a person has to delete it.
        assert known.delivery.message == sentences.ERASED_IS_THERE()
        assert known.delivery.has_uncleared_error
        event = known.send(plain("referral.edited", number=2))  # what comes later
        assert (event.outcome, event.reason) == ("revoked", sentences.EVENT_ERASED())
    known.send(plain("referral.revoked", number=3))
    assert known.delivery.message == sentences.ERASED_IS_THERE()
    found = exported(known, tmp_path / "person.zip")
    assert b"hello" not in found.values()
    assert AuditEvent.objects.filter(action="erase data").count() == 1


def test_nothing_of_several_is_erased_when_one_is_on_hold(known: World):
    holds.place(known.referral, "Case 7", person(name="ada"))
    notes.add(known.referral, "Call back.", person(name="bob"))
    with pytest.raises(CommandError, match=f"on a legal hold: {REFERENCE}"):
        call_command("erase_person", *of(known, "--yes"))
    assert known.referral.snapshot != {}
