"""A partner answers what it was sent: once, only what it has seen, and heard elsewhere."""

import json
import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.urls import reverse

from access.roles import SUPPORT
from core.database import clock
from integrations import destinations
from integrations.models import Destination, Source, TriggerConfig
from integrations.sources.parsed import Unusable
from integrations.sources.partner import updates
from mapping.editing.exchange import install_shipped
from referrals.answers.timeline import timeline
from referrals.models import Delivery, InboundEvent, PartnerRequest, PartnerUpdate, Referral
from referrals.record.removal import retention
from tests.integrations.sources.partner.partners import (
    AT_LOOPBACK,
    ONE,
    ROOT,
    ask,
    deliver,
    partner_of,
    say,
)
from tests.people import client_of
from tests.world import World, make_world, options, plain

pytestmark = pytest.mark.django_db

PROBLEM = "application/problem+json"


def delivered_world() -> World:
    made = make_world("webhook", ["received", "edited"], **AT_LOOPBACK)
    partner_of(made)
    made.send(plain())
    deliver(made)
    return made


@pytest.fixture
def world() -> World:
    return delivered_world()


def numbers() -> list[Any]:
    return list(PartnerUpdate.objects.order_by("at").values_list("number", flat=True))


def test_what_it_states_adds_up_and_null_takes_it_back(world: World) -> None:
    etag = ask()["ETag"]
    first = say(
        {
            "status": "accepted",
            "status_label": "Accepté",
            "outcome": {"code": "met", "text": "ᐃᓄᒃᑎᑐᑦ 🙂"},
            "record_id": "P-1",
            "note": "First\nline",
        },
        etag,
    )
    assert first.status_code == 200
    assert first["ETag"] not in ("", etag)
    assert first.json()["version"] == 1
    second = say({"status": None, "outcome": {"code": None}, "note": "Second"}, first["ETag"])
    shown = ask()
    assert shown.json() == second.json()
    assert shown["ETag"] == second["ETag"]
    partner = shown.json()["partner"]
    assert "status" not in partner
    assert partner["outcome"] == {"text": "ᐃᓄᒃᑎᑐᑦ 🙂"}
    assert (partner["record_id"], partner["note"]) == ("P-1", "Second")
    assert [one["note"] for one in partner["notes"]] == ["First\nline", "Second"]
    third = say(
        {"outcome": None, "record_id": None}, second["ETag"], content_type="application/json"
    )
    assert not {"outcome", "record_id"} & set(third.json()["partner"])


def test_it_changes_nothing_in_the_referral_and_stands_on_its_story(world: World) -> None:
    def kept() -> list[Any]:
        return list(Referral.objects.values("snapshot", "classifications", "version", "changed_at"))

    before = kept()
    answer = say({"status": "completed", "note": "Six visits."}, ask()["ETag"])
    assert answer.status_code == 200
    assert kept() == before
    event = InboundEvent.objects.get(code=updates.CODE)
    assert (event.triggers, event.state) == (["partner_update"], InboundEvent.State.OPENED)
    assert event.outcome == InboundEvent.Outcome.NO_TRIGGER
    shown = next(one for one in timeline(world.referral, []) if one.row == event)
    assert shown.quoted == "Six visits."
    assert "Status: completed" in shown.facts


def test_the_page_of_the_referral_states_what_the_partner_states(world: World) -> None:
    say({"status": "completed", "note": "<b>Six</b> visits."}, ask()["ETag"])
    url = reverse("admin:referrals_referral_change", args=[world.referral.pk])
    page = client_of(SUPPORT, world.organization).get(url).content.decode()
    assert "What the partner of Birchwood CRMS says" in page
    assert "completed" in page
    assert "&lt;b&gt;Six&lt;/b&gt; visits." in page


def test_a_partner_update_goes_to_other_destinations_and_never_back(world: World) -> None:
    TriggerConfig.objects.update(on=["received", "partner_update"])
    shipped = destinations.default_mapping("demo")
    assert shipped is not None
    other = Destination.objects.create(
        organization=world.organization, name="Other", kind="demo", options=options("demo")
    )
    TriggerConfig.objects.create(
        listing=world.listing,
        destination=other,
        on=["partner_update"],
        mapping=install_shipped("demo", shipped),
    )
    assert say({"status": "accepted"}, ask()["ETag"]).status_code == 200
    opened = Delivery.objects.get(destination=other)
    assert (opened.state, opened.triggers) == (Delivery.State.QUEUED, ["partner_update"])
    assert Delivery.objects.get(destination=world.destination).wanted == 1
    event = InboundEvent.objects.get(code=updates.CODE)
    assert event.outcome == InboundEvent.Outcome.IMPORT_OPENED


def test_of_two_clerks_with_one_etag_one_is_heard(world: World) -> None:
    etag = ask()["ETag"]
    assert say({"status": "accepted"}, etag).status_code == 200
    late = say({"status": "rejected"}, etag)
    assert late.status_code == 412
    assert late["ETag"] == ask()["ETag"]
    assert numbers() == [1]
    assert say({"status": "rejected"}, late["ETag"]).status_code == 200


def test_a_newer_delivered_version_makes_an_etag_stale_and_one_not_delivered_does_not(
    world: World,
) -> None:
    etag = ask()["ETag"]
    world.send(plain("referral.edited", number=2))
    assert ask()["ETag"] == etag
    deliver(world)
    assert say({"status": "accepted"}, etag).status_code == 412


@pytest.mark.parametrize(
    ("if_match", "status"),
    [(None, 428), ("*", 428), ("abc", 412), ('"abc"', 412), ("W/{}", 412), ('"x", {}', 200)],
)
def test_if_match_is_required_and_compared_strongly(
    world: World, if_match: str | None, status: int
) -> None:
    given = if_match and if_match.replace("{}", ask()["ETag"])
    answer = say({"status": "accepted"}, given)
    assert answer.status_code == status
    assert status == 200 or answer["Content-Type"] == PROBLEM
    assert numbers() == ([1] if status == 200 else [])


@pytest.mark.parametrize("updates_allowed", ["none", "unlinked"])
def test_it_may_answer_only_where_that_is_allowed(world: World, updates_allowed: str) -> None:
    etag = ask()["ETag"]
    changed: Any = {"updates": "none"} if updates_allowed == "none" else {"destination": None}
    Source.objects.filter(name="partner").update(**changed)
    assert say({"status": "accepted"}, etag).status_code == 403
    assert numbers() == []


def test_only_its_own_referrals_can_be_answered(world: World) -> None:
    etag = ask()["ETag"]
    assert say({"status": "accepted"}, etag, path=f"{ROOT}/1234567890").status_code == 404
    elsewhere = Destination.objects.create(
        organization=world.organization,
        name="Elsewhere",
        kind="webhook",
        options=world.destination.options,
    )
    Source.objects.filter(name="partner").update(destination=elsewhere)
    assert say({"status": "accepted"}, etag).status_code == 404
    assert numbers() == []


def test_what_was_removed_or_deleted_cannot_be_answered(world: World) -> None:
    etag = ask()["ETag"]
    key = {"Idempotency-Key": "k"}
    assert say({"note": "seen"}, etag, **key).status_code == 200
    retention.revoke(Referral.objects.get(), clock.now())
    for headers in ({}, key):  # answers that were kept go with it
        assert say({"note": "seen"}, etag, **headers).status_code == 410
    assert not PartnerRequest.objects.exists()
    assert [one.patch for one in PartnerUpdate.objects.all()] == [None]
    assert InboundEvent.objects.get(code=updates.CODE).body is None


# -- Idempotency-Key -----------------------------------------------------------------------------


def test_a_retry_of_an_update_whose_answer_was_lost_gets_the_first_answer(world: World) -> None:
    etag = ask()["ETag"]
    update = {"status": "accepted", "note": "Once"}
    first = say(update, etag, **{"Idempotency-Key": "a-b-c"})
    say({"note": "in between"}, first["ETag"])
    again = say(update, etag, **{"Idempotency-Key": "a-b-c"})
    assert (again.status_code, again.json(), again["ETag"]) == (200, first.json(), first["ETag"])
    assert numbers() == [1, 2]
    other = say({"status": "rejected"}, etag, **{"Idempotency-Key": "a-b-c"})
    assert other.status_code == 422
    assert [one["field"] for one in other.json()["errors"]] == ["Idempotency-Key"]


def test_without_a_key_the_same_body_is_another_update(world: World) -> None:
    first = say({"note": "again"}, ask()["ETag"])
    assert say({"note": "again"}, first["ETag"]).status_code == 200
    assert numbers() == [1, 2]


def test_a_key_of_what_took_no_effect_is_free_again(world: World) -> None:
    key = {"Idempotency-Key": "k"}
    assert say({"status": "nonsense"}, ask()["ETag"], **key).status_code == 422
    assert say({"status": "accepted"}, '"stale"', **key).status_code == 412
    assert say({"status": "accepted"}, ask()["ETag"], **key).status_code == 200


def test_a_key_that_is_running_conflicts_and_is_free_when_its_request_died(world: World) -> None:
    key, etag = {"Idempotency-Key": "k"}, ask()["ETag"]
    assert say({"note": "one"}, etag, **key).status_code == 200
    PartnerRequest.objects.update(answer=None)  # as if it still ran
    assert say({"note": "one"}, etag, **key).status_code == 409
    PartnerRequest.objects.update(begun_at=clock.now() - timedelta(seconds=61))
    assert say({"note": "one"}, etag, **key).status_code == 412  # it is looked at anew


def test_an_answer_is_kept_for_two_days(world: World) -> None:
    key, etag = {"Idempotency-Key": "k"}, ask()["ETag"]
    say({"note": "one"}, etag, **key)
    PartnerRequest.objects.update(begun_at=clock.now() - timedelta(hours=47))
    assert say({"note": "one"}, etag, **key).status_code == 200
    PartnerRequest.objects.update(begun_at=clock.now() - timedelta(hours=49))
    assert say({"note": "one"}, etag, **key).status_code == 412


@pytest.mark.scaled_out
@pytest.mark.django_db(transaction=True)
def test_of_two_updates_at_once_one_is_heard() -> None:
    delivered_world()
    etag, statuses = ask()["ETag"], []

    def clerk(status: str) -> None:
        try:
            statuses.append(say({"status": status}, etag).status_code)
        finally:
            connection.close()

    clerks = [threading.Thread(target=clerk, args=(one,)) for one in ("accepted", "rejected")]
    for one in clerks:
        one.start()
    for one in clerks:
        one.join()
    assert sorted(statuses) == [200, 412]
    assert numbers() == [1]


# -- what is refused -----------------------------------------------------------------------------


def test_each_mistake_is_named_by_its_field() -> None:
    wrong: dict[str, Any] = {
        "status": "entered-in-error",
        "status_label": "x" * 201,
        "record_id": 7,
        "note": None,
        "outcome": {"code": "x" * 101, "text": "\ud800", "who": "me"},
        "surname": "Tremblay",
    }
    with pytest.raises(Unusable) as unusable:
        updates.read(json.dumps(wrong).encode())
    fields = [error.field for error in unusable.value.errors]
    assert fields == [
        "status",
        "status_label",
        "record_id",
        "note",
        "outcome.code",
        "outcome.text",
        "outcome.who",
        "surname",
    ]
    assert not any("Tremblay" in error.message for error in unusable.value.errors)


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"null", b"{", b"\xff", b'{"note": " "}', b"[" * 100_000, b'{"status": []}'],
)
def test_what_cannot_be_used_takes_no_effect(world: World, body: bytes) -> None:
    answer = say(body, ask()["ETag"])
    assert answer.status_code == 422
    assert answer["Content-Type"] == PROBLEM
    assert answer.json()["errors"]
    assert numbers() == []


def test_limits_are_inclusive() -> None:
    most = {"status_label": "é" * 200, "record_id": "x" * 200, "note": "n" * 10_000}
    assert updates.read(json.dumps(most).encode()) == most


def test_a_body_that_is_too_long_or_of_another_type_is_refused(world: World) -> None:
    etag = ask()["ETag"]
    assert say(b" " * (256 * 1024 + 1), etag).status_code == 413
    assert say({"note": "x"}, etag, content_type="text/plain").status_code == 415
    assert say({"note": "x"}, etag, path=ONE, who="nobody").status_code == 401
    assert numbers() == []
