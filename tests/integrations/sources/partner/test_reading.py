"""A partner reads what it was sent, and nothing else."""

import base64
from typing import Any

import pytest

from core.database import clock
from integrations.models import Destination, Source, SourceCredential
from integrations.transport import ATTACHMENT, SUMMARY, Action, Down, Exchange, Rejected
from referrals.models import Referral, ReferralFile, SendingOrder, Version
from referrals.record import versions
from referrals.record.removal import retention
from tests.integrations.sources.partner.partners import (
    AT_LOOPBACK,
    ONE,
    ROOT,
    SECRET,
    ask,
    deliver,
    hashed,
    partner_of,
)
from tests.referrals.api.sender import basic, get, post
from tests.world import REFERENCE, World, make_world, plain

pytestmark = pytest.mark.django_db

LETTER = base64.b64encode(b"%PDF-1.4\n" + b"x" * 300 + b"\n%%EOF\n").decode()


@pytest.fixture
def world() -> World:
    made = make_world("webhook", ["received", "edited"], **AT_LOOPBACK)
    partner_of(made)
    return made


def edit(world: World, number: int, **referral: Any) -> None:
    world.send(plain("referral.edited", number=number, **referral))


def listed(after: str = "", limit: int = 100) -> Any:
    answer = ask(f"{ROOT}?after={after}&limit={limit}")
    assert answer.status_code == 200
    return answer.json()


def test_it_reads_the_latest_delivered_version_and_never_a_newer_one(world: World) -> None:
    world.send(plain(reason="the first"))
    assert ask().status_code == 404
    assert listed() == {"referrals": [], "next": "0", "more": False}
    deliver(world)
    edit(world, 2, reason="the second")
    shown = ask()
    assert shown.status_code == 200
    assert shown["Cache-Control"] == "no-store"
    assert (shown.json()["version"], shown.json()["partner"]) == (1, {})
    assert "the first" in shown.json()["note"]
    deliver(world)
    again = ask()
    assert again.json()["version"] == 2
    assert "the second" in again.json()["note"]
    assert again["ETag"] != shown["ETag"]
    assert not again["ETag"].startswith("W/")
    row = {"reference": REFERENCE, "version": 2, "action": "put"}
    assert [{**one, "changed_at": ""} for one in listed()["referrals"]] == [
        {**row, "changed_at": ""}
    ]


def test_the_list_goes_on_where_it_ended_and_skips_none(world: World) -> None:
    references = [str(3502768690 + number) for number in range(5)]
    for number, reference in enumerate(references, start=1):
        world.send(plain(number=number, reference=reference))
        deliver(world)
    edit(world, 9, reference=references[0])  # the first comes last, then
    deliver(world)
    found, after = [], ""
    while True:
        answer = listed(after, limit=2)
        found += [one["reference"] for one in answer["referrals"]]
        after = answer["next"]
        if not answer["more"]:
            break
    assert found == [*references[1:], references[0]]
    assert listed(after) == {"referrals": [], "next": after, "more": False}


def test_a_partner_misses_nothing_after_the_portal_was_restored(world: World) -> None:
    world.send(plain())
    deliver(world)
    after = listed()["next"]
    SendingOrder.objects.update(last=3)  # as a backup had it
    world.send(plain(number=2, reference="3502768699"))
    deliver(world)
    assert [one["reference"] for one in listed(after)["referrals"]] == ["3502768699"]


@pytest.mark.parametrize("query", ["limit=0", "limit=501", "limit=x", "after=x", "after=-1"])
def test_a_list_that_cannot_be_is_refused_with_the_field(world: World, query: str) -> None:
    answer = ask(f"{ROOT}?{query}")
    assert answer.status_code == 422
    assert answer["Content-Type"] == "application/problem+json"
    assert [one["field"] for one in answer.json()["errors"]] == [query.partition("=")[0]]


def test_a_credential_is_good_for_its_kind_alone(world: World) -> None:
    SourceCredential.objects.create(source=world.source, key="caredove", secret_hash=hashed())
    world.send(plain())
    deliver(world)
    for path in (ROOT, ONE, f"{ONE}/files/summary"):
        assert ask(path, who="caredove").status_code == 401
    theirs = basic("partner", SECRET)
    assert post(plain(number=5), Authorization=theirs).status_code == 401
    assert post(b"{}", "/fhir/$process-message", Authorization=theirs).status_code == 401
    assert get(f"/api/v1/referrals/{REFERENCE}", theirs).status_code == 401
    bearer = {"Authorization": f"Bearer partner:{SECRET}"}
    assert ask(**bearer).status_code == 200
    assert ask(Authorization="Bearer partner:wrong").status_code == 401
    assert post(plain(number=5), **bearer).status_code == 401


def test_what_was_delivered_elsewhere_cannot_be_reported_from_what_does_not_exist(
    world: World,
) -> None:
    other = Destination.objects.create(
        organization=world.organization,
        name="Other",
        kind="webhook",
        options=world.destination.options,
    )
    Source.objects.filter(name="partner").update(destination=other)
    world.send(plain())
    deliver(world)
    nobody = ask(f"{ROOT}/1234567890")
    for path in (ONE, f"{ONE}/files/summary"):
        answer = ask(path)
        assert (answer.status_code, answer.json()) == (404, nobody.json())
    assert listed()["referrals"] == []
    Source.objects.filter(name="partner").update(destination=None)
    assert ask().status_code == 403
    assert ask(ROOT).status_code == 403


def test_it_may_read_while_it_answers_the_push(world: World) -> None:
    Destination.objects.update(allowed_files=[SUMMARY, ATTACHMENT])
    seen: dict[str, Any] = {}

    def partner(parcel: Any) -> str:
        seen["referral"] = ask().json()
        (file,) = seen["referral"]["files"]
        seen["file"] = ask(file["url"].partition("/api/")[1] + file["url"].partition("/api/")[2])
        seen["listed"] = listed()["referrals"]
        return "P-1"

    world.send(plain())
    deliver(world, side_effect=partner)
    assert seen["referral"]["version"] == 1
    assert len(seen["listed"]) == 1
    file = seen["file"]
    assert file.status_code == 200
    assert b"".join(file.streaming_content).startswith(b"%PDF")
    assert file["Content-Disposition"].startswith("attachment")
    assert "sandbox" in file["Content-Security-Policy"]


def test_a_refused_version_stays_readable_and_one_of_which_nothing_was_sent_is_none(
    world: World,
) -> None:
    world.send(plain())
    deliver(world, side_effect=Down("no", cause="no connection", remedy="look"))
    assert ask().status_code == 404
    assert listed()["referrals"] == []
    assert Version.objects.get().data is None
    Destination.objects.get().release()
    deliver(world, side_effect=Rejected("no", Exchange("HTTP 422")))
    assert ask().status_code == 200


def test_what_is_gone_here_is_gone_at_once(world: World) -> None:
    world.send(plain())
    deliver(world)
    referral = Referral.objects.get()
    retention.purge(referral, clock.now())
    assert ask().status_code == 410
    assert [one["action"] for one in listed()["referrals"]] == ["put"]
    world.send(plain("referral.edited", number=4))
    assert ask().status_code == 410  # what it was sent is gone, though the referral begins anew


def test_what_was_removed_is_gone_and_listed_as_removed(world: World) -> None:
    world.send(plain())
    deliver(world)
    retention.revoke(Referral.objects.get(), clock.now())
    assert ask().status_code == 410
    deliver(world)
    assert ask().status_code == 410
    assert [one["action"] for one in listed()["referrals"]] == [Action.REMOVE]


def test_a_removal_that_was_not_sent_yet_hides_it_too(world: World) -> None:
    world.send(plain())
    delivery = deliver(world)
    versions.remove(delivery, clock.now(), Version.Why.MOVED)
    assert ask().status_code == 410
    assert not Version.objects.filter(data__isnull=False).exists()


def test_what_may_not_leave_any_more_is_gone(world: World) -> None:
    Destination.objects.update(allowed_files=[SUMMARY])
    world.send(plain())
    deliver(world)
    assert ask(f"{ONE}/files/summary").status_code == 200
    assert ask(f"{ONE}/files/other").status_code == 404
    Destination.objects.update(allowed_files=[])
    assert ask(f"{ONE}/files/summary").status_code == 410
    Destination.objects.update(allowed_fields=["registrant.first_name"])
    assert ask().status_code == 410


@pytest.mark.parametrize("becomes", [ReferralFile.State.WITHDRAWN, "other bytes"])
def test_a_file_that_was_withdrawn_or_replaced_is_gone(world: World, becomes: str) -> None:
    Destination.objects.update(allowed_files=[ATTACHMENT])
    letter = {"id": "f1", "filename": "letter.pdf", "content_type": "application/pdf"}
    letter["data"] = LETTER
    world.send(plain(attachments=[letter]))
    deliver(world)
    (file,) = ask().json()["files"]
    path = f"{ONE}/files/{file['id']}"
    assert ask(path).status_code == 200
    changed = {"sha256": "0" * 64} if becomes == "other bytes" else {"state": becomes}
    ReferralFile.objects.update(**changed)
    assert ask(path).status_code == 410
