"""What a partner in another process gets, and what becomes of what it answers."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from core.database import clock
from integrations.models import Destination
from integrations.transport import ATTACHMENT, SUMMARY
from referrals import delivering
from referrals.delivering.decisions import replaying
from referrals.models import Delivery, PartnerUpdate, Version
from referrals.record.removal import retention
from tests.integrations.sources.partner.partners import SECRET as PARTNER_SECRET
from tests.integrations.sources.partner.partners import partner_of
from tests.world import REFERENCE, World, make_world, plain

pytestmark = [pytest.mark.django_db, pytest.mark.programs]

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NEXT_SECRET = "whsec_b2xkIHNlY3JldHMgYXJlIHJvdGF0ZWQgb3V0IQ=="
RECEIVER = Path(__file__).with_name("receiver.py")


class Partner:
    """The receiver, as the tests see it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{(self._folder / 'port').read_text()}/referrals"

    def answer_with(self, *answers: str) -> None:
        (self._folder / "answers").write_text("\n".join(answers))

    def pushes(self) -> list[dict[str, Any]]:
        file = self._folder / "taken"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def writes_back_to(self, portal: str) -> None:
        (self._folder / "portal").write_text(f"{portal} partner {PARTNER_SECRET}")

    def has_read(self) -> dict[str, Any]:
        read: dict[str, Any] = json.loads((self._folder / "read").read_text())
        return read

    def taken(self) -> list[dict[str, Any]]:
        return [push["body"] for push in self.pushes() if push["status"] == "200"]


@pytest.fixture
def partner(tmp_path: Path) -> Iterator[Partner]:
    process = subprocess.Popen([sys.executable, str(RECEIVER), str(tmp_path), SECRET])
    try:
        until = time.monotonic() + 30
        while not (tmp_path / "port").exists() and time.monotonic() < until:
            time.sleep(0.02)
        yield Partner(tmp_path)
    finally:
        process.kill()
        process.wait()


def pushed_to(partner: Partner, **given: Any) -> World:
    given = {"url": partner.url, "secrets": f"{NEXT_SECRET} {SECRET}", **given}
    return make_world("webhook", ["received", "edited", "closed_any"], **given)


def run_all(world: World) -> Delivery:
    for _ in range(10):
        if not delivering.run(world.delivery.pk):
            break
    return world.delivery


def edit(world: World, number: int) -> None:
    world.send(plain("referral.edited", number=number, reason=f"reason {number}"))


def test_each_match_is_the_next_version_in_order_and_a_revocation_removes(partner: Partner) -> None:
    world = pushed_to(partner)
    world.send(plain())
    edit(world, 2)
    edit(world, 3)
    assert run_all(world).external_id == "P-1"
    retention.revoke(world.referral, clock.now())
    run_all(world)
    first, second, third, last = partner.taken()
    assert [one["data"]["version"] for one in (first, second, third)] == [1, 2, 3]
    assert first["type"] == "referral.put"
    assert first["data"]["reference"] == REFERENCE
    assert first["data"]["trigger"] == "received"
    assert first["data"]["organization"] == {"id": "812", "name": world.organization.name}
    assert first["data"]["record"]["client"]["last_name"]
    assert "reason 3" in third["data"]["note"]
    assert "files" not in first["data"]
    assert last["type"] == "referral.remove"
    assert set(last["data"]) == {"reference", "version", "trigger", "changed_at"}
    assert (last["data"]["version"], last["data"]["trigger"]) == (4, "revocation")
    assert len({push["id"] for push in partner.pushes()}) == 4


def test_a_partner_that_fails_gets_the_same_id_again_when_it_asked_for(partner: Partner) -> None:
    world = pushed_to(partner)
    partner.answer_with("503 120", "429 60", "200")
    world.send(plain())
    for waits in (120, 60):
        before = clock.now()
        delivery = world.run()
        assert delivery.state == Delivery.State.QUEUED
        assert delivery.due_at is not None
        wait = delivery.due_at - before
        assert timedelta(seconds=waits) <= wait < timedelta(seconds=waits + 30)
        Delivery.objects.update(due_at=clock.now())
    assert world.run().state == Delivery.State.IMPORTED
    first, second, third = partner.pushes()
    assert first["id"] == second["id"] == third["id"] == str(Version.objects.get().pk)
    assert first["body"] == second["body"] == third["body"]


@pytest.mark.django_db(transaction=True)
def test_a_partner_reads_and_answers_while_it_still_answers_the_push(
    partner: Partner, live_server: Any
) -> None:
    world = pushed_to(partner)
    partner_of(world)
    partner.writes_back_to(live_server.url)
    world.send(plain())
    assert world.run().state == Delivery.State.IMPORTED
    (push,) = partner.taken()
    read = partner.has_read()
    assert read.pop("partner") == {}
    assert read == push["data"]
    update = PartnerUpdate.objects.get()
    assert update.patch == {"status": "accepted", "note": "We have it."}
    assert update.delivery == world.delivery


def test_an_endpoint_that_is_gone_pauses_it_until_a_person_starts_it_again(
    partner: Partner,
) -> None:
    world = pushed_to(partner)
    partner.answer_with("410")
    world.send(plain())
    assert world.run().reason == Delivery.Reason.CONNECTION
    world.send({**plain(number=2), "referral": {**plain()["referral"], "reference": "3502768697"}})
    for delivery in Delivery.objects.all():
        delivering.run(delivery.pk)
    assert len(partner.pushes()) == 1
    destination = Destination.objects.get()
    assert destination.paused_at
    assert destination.probe_at is None  # it does not come back by itself
    assert "410" in destination.paused
    destination.test_connection()
    for delivery in Delivery.objects.all():
        delivering.run(delivery.pk)
    assert len(partner.taken()) >= 1


def test_what_is_refused_withholds_its_referral_until_an_edit_repairs_it(partner: Partner) -> None:
    world = pushed_to(partner)
    partner.answer_with("200", "422", "200")
    world.send(plain())
    run_all(world)
    world.send(plain("referral.closed", number=2))
    world.send(plain("referral.closed", number=3, reason="another"))
    assert run_all(world).reason == Delivery.Reason.REJECTED
    assert "Reason is too long" in str(world.delivery.message)
    edit(world, 4)
    run_all(world)
    assert [push["data"]["version"] for push in partner.taken()] == [1, 4]
    assert partner.taken()[-1]["data"]["skipped"] == [2, 3]


def test_a_replay_has_the_same_id_and_what_may_not_leave_now_is_refused(partner: Partner) -> None:
    world = pushed_to(partner)
    world.send(plain())
    edit(world, 2)
    run_all(world)
    transport = world.destination.transport()
    assert replaying.replay(Version.objects.all(), transport).queued >= 1
    run_all(world)
    again = [push["id"] for push in partner.pushes()]
    assert len(again) > len(set(again)) == 2
    Destination.objects.update(allowed_fields=["registrant.first_name"])
    done = replaying.replay(Version.objects.filter(number=2), transport)
    assert [one.why for one in done.refused] == [replaying.NOT_ALLOWED]


def test_only_what_is_allowed_is_in_a_push_and_files_by_their_category(partner: Partner) -> None:
    world = pushed_to(partner)
    Destination.objects.update(
        allowed_fields=["registrant.first_name", "status"], allowed_files=[SUMMARY]
    )
    world.send(plain(reason="nobody else may know"))
    run_all(world)
    (push,) = partner.taken()
    document: Any = Version.objects.get().document
    assert document["reason"] == "nobody else may know"
    sent = json.dumps(push)
    for hidden in (document["reason"], document["registrant"]["last_name"], "Birchwood", '"4417"'):
        assert hidden not in sent
    assert push["data"]["record"] == {
        "client": {"first_name": document["registrant"]["first_name"]}
    }
    (summary,) = push["data"]["files"]
    assert summary["category"] == SUMMARY
    assert summary["name"] == f"referral-{REFERENCE}-summary-{summary['sha256'][:8]}.pdf"
    assert Version.objects.get().allowed_fields == ["registrant.first_name", "status"]
    assert ATTACHMENT not in Destination.objects.get().files_allowed()
