"""Something changes between a try whose outcome is unknown and the next one."""

import json
from datetime import timedelta

import pytest

from referrals import delivering
from referrals.models import Delivery, Referral
from tests.crash.laboratory import BY_URL, assert_exactly_one_of_everything, event, nothing_doubled
from tests.crash.test_ambiguous_answers import (
    PassTime,
    impatient,
    pass_time,
    send,
    until_it_rests,
    world,
)
from tests.flow.crms import Crms
from tests.flow.fileserver import FileServer
from tests.world import World, plain

__all__ = ["pass_time", "world"]

UUID = "b5f1d1b2-4c0e-4b0c-9a52-3f8f5b6a7c10"


@pytest.mark.parametrize("mode", ["reset", "reset-after"])
@pytest.mark.parametrize("step", ["create", "summary", "attachment"])
@pytest.mark.parametrize("listed", [True, False])
def test_an_edit_after_an_unknown_outcome_doubles_nothing(
    world: World,
    crms: Crms,
    files: FileServer,
    pass_time: PassTime,
    mode: str,
    step: str,
    listed: bool,
):
    impatient(world, crms, **({} if listed else {"files_field": "nowhere"}))
    crms.fail(step, mode)
    send(world, files)
    delivering.run(world.delivery.pk)
    world.send(plain("referral.edited", number=2, form_answers=[{"label": "New", "value": "word"}]))
    delivery = until_it_rests(pass_time)
    assert nothing_doubled(crms.referrals())
    if delivery.state == "imported":
        assert_exactly_one_of_everything(crms)
    else:
        assert delivery.reason == "unconfirmed"


def naming(references: list[str]) -> dict[str, object]:
    """Return a message that says that these ids name one referral, and nothing more."""
    header = {
        "resourceType": "MessageHeader",
        "id": "naming",
        "eventCoding": {"code": "notify-update-service-request"},
        "focus": [{"reference": "ServiceRequest/one"}],
    }
    request = {
        "resourceType": "ServiceRequest",
        "id": "one",
        "identifier": [{"value": value} for value in references],
    }
    entries = [{"resource": resource} for resource in (header, request)]
    return {"resourceType": "Bundle", "type": "message", "entry": entries}


@pytest.mark.parametrize("mode", ["reset", "reset-after"])
def test_a_better_reference_that_is_learned_after_an_unknown_outcome_doubles_nothing(
    world: World, crms: Crms, files: FileServer, pass_time: PassTime, mode: str
):
    impatient(world, crms)
    crms.fail("create", mode)
    first = json.loads(event(files.put("/files/phq9.png", BY_URL)))
    first["referral"]["reference"] = UUID
    world.send(first)
    delivering.run(world.delivery.pk)
    world.send(json.dumps(naming([UUID, "3502768696"])).encode(), "fhir")
    assert Referral.objects.get().reference == "3502768696"
    delivery = until_it_rests(pass_time)
    assert delivery.state == "imported"
    assert len(crms.referrals()) == 1


def test_files_that_never_come_do_not_cost_the_referral_its_lease(
    world: World, crms: Crms, files: FileServer, settings, monkeypatch
):
    settings.LEASE_TIME = timedelta(seconds=5)  # 1.5 of it is for files: 7.5 s, not 4 times 3
    settings.FETCH_SECONDS = 3
    attachments = [
        {"id": f"a{n}", "filename": f"{n}.png", "url": files.put(f"/files/{n}.png", b"x")}
        for n in range(4)
    ]
    world.send(plain(attachments=attachments))
    monkeypatch.setattr(files, "silent", True)
    delivering.run(world.delivery.pk)
    delivery = Delivery.objects.get()
    assert (delivery.state, len(delivery.missing_files)) == ("imported", 4)


@pytest.mark.parametrize("mode", ["503", "reset-after"])
def test_staff_are_notified_when_a_half_imported_referral_is_revoked(
    world: World, crms: Crms, files: FileServer, mode: str
):
    impatient(world, crms)
    crms.fail("summary", mode)
    send(world, files)
    delivering.run(world.delivery.pk)
    assert len(crms.referrals()) == 1
    world.send(plain("referral.revoked", number=2))
    delivery = Delivery.objects.get()
    assert delivery.due_at is None
    assert delivery.has_uncleared_error
    assert "delete it" in delivery.message
