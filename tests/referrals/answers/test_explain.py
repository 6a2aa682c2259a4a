"""Why is it not in CRMS: every cause is told apart, and everybody is told the same."""

import io
import json
from base64 import b64encode
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from django.core.management import call_command
from django.core.serializers.json import DjangoJSONEncoder
from django.test import Client

from access.roles import LIAISON, SUPPORT
from core.database import clock
from integrations.models import Destination, Organization, TriggerConfig
from integrations.sources.auth import hash_secret
from referrals import sentences
from referrals.answers.explain import (
    QUESTIONS,
    Cause,
    Explanation,
    Light,
    asker,
    explain,
    explain_referral,
)
from referrals.models import Delivery, InboundEvent, Referral
from sandbox import running_sandbox
from tests.people import person
from tests.referrals.causes import CASES, TOKEN, Case, Scene, scene
from tests.rows import write
from tests.world import REFERENCE, World, plain

every_case = pytest.mark.parametrize(
    "case", CASES, ids=[case.come_about.__name__ for case in CASES]
)


@pytest.fixture
def it(db: None) -> Iterator[Scene]:
    with running_sandbox(token=TOKEN, hang_seconds=0.1, drip_seconds=0) as crms:
        yield scene(crms)


def stopped_at(explanation: Explanation) -> str:
    """The question of the first check that is not green; none when all are."""
    return next((c.question for c in explanation.checks if c.light is not Light.GREEN), "")


def lights(explanation: Explanation) -> list[tuple[str, Light]]:
    return [(check.question, check.light) for check in explanation.checks]


def test_every_cause_has_a_case():
    assert {case.cause for case in CASES} | {Cause.NOBODY_NAMED, Cause.IGNORED_CODE} == set(Cause)


@pytest.mark.slow
@every_case
def test_each_cause_is_distinguished_and_everybody_is_reported_the_same(it: Scene, case: Case):
    case.come_about(it)

    explained = explain(REFERENCE)

    assert explained.cause is case.cause
    assert case.says in explained.sentence
    assert explained.actor is case.actor
    assert case.stops_at in stopped_at(explained)
    assert bool(case.stops_at) == bool(stopped_at(explained))
    assert [check.question for check in explained.checks] == list(QUESTIONS)
    the_command_agrees(explained)
    the_api_agrees(it, explained)
    a_liaison_sees_the_same_chain_without_words_of_others(it, explained)
    a_stranger_sees_an_unknown_reference()


def the_command_agrees(explained: Explanation) -> None:
    out = io.StringIO()
    call_command("explain", REFERENCE, "--json", stdout=out)
    assert at_once(json.loads(out.getvalue())) == as_json(explained)


def the_api_agrees(it: Scene, explained: Explanation) -> None:
    it.source.organizations.clear()
    it.source.credentials.create(key="key", secret_hash=hash_secret("secret"))
    basic = "Basic " + b64encode(b"key:secret").decode()
    response = Client().get(f"/api/v1/referrals/{REFERENCE}", headers={"Authorization": basic})
    if explained.cause is Cause.UNKNOWN_REFERENCE:
        assert (response.status_code, response.json()["detail"]) == (404, explained.sentence)
    else:
        assert at_once(response.json()) == as_json(explained)


def a_liaison_sees_the_same_chain_without_words_of_others(
    it: Scene, explained: Explanation
) -> None:
    if (
        explained.referral is None
        or explained.referral.organization is None
        or explained.cause is Cause.MOVED
    ):
        return  # what was another organization's is not theirs to see
    liaison = person(LIAISON, explained.referral.organization)
    seen = explain(REFERENCE, asker=asker.person(liaison))
    assert seen.withheld
    assert (lights(seen), seen.actor, seen.cause) == (
        lights(explained),
        explained.actor,
        explained.cause,
    )
    shown = json.dumps(as_json(seen), ensure_ascii=False, default=str)
    for secret in ("Mireille", "Date of birth", "Postal code", "The token", "already exists"):
        assert secret not in shown


def a_stranger_sees_an_unknown_reference() -> None:
    elsewhere = Organization.objects.create(caredove_id="901", name="Somewhere else")
    seen = explain(REFERENCE, asker=asker.person(person(SUPPORT, elsewhere, name="stranger")))
    nothing = explain("0000000000", asker=asker.person(person(SUPPORT, name="nobody")))
    assert as_json(seen) == as_json(nothing) | {"reference": REFERENCE}


def as_json(explained: Explanation) -> dict[str, Any]:
    """The explanation as it goes over the wire."""
    return at_once(json.loads(json.dumps(explained.as_dict(), cls=DjangoJSONEncoder)))


def at_once(answer: dict[str, Any]) -> dict[str, Any]:
    """The answer with its times as instants: they may be written in any time zone."""
    for delivery in answer["imports"]:
        for name in ("imported_at", "due_at"):
            delivery[name] = delivery[name] and datetime.fromisoformat(delivery[name]).replace(
                microsecond=0
            )
    return answer


def test_only_an_event_that_is_recorded_and_ignored_has_come(world: World):
    world.send(plain("referral.recorded"))
    InboundEvent.objects.update(outcome="ignored", reason="“x” needs nothing done here.")
    explained = explain(REFERENCE)
    assert explained.cause is Cause.IGNORED_CODE
    assert "needs nothing done here. Nothing else has come yet." in explained.sentence


def test_a_referral_that_names_nobody(world: World):
    world.send(plain())
    write(Referral.objects.all(), snapshot={"reason": ["2026-03-11T10:00:00.000000Z", 0, "x"]})
    explained = explain(REFERENCE)
    assert explained.cause is Cause.NOBODY_NAMED
    assert "Enter the person's name in Caredove" in explained.sentence


def test_an_unknown_reference_states_what_an_absence_can_mean(world: World):
    explained = explain("0000000000")
    assert explained.sentence == sentences.ABSENT()
    for meaning in ("Check the number", "not be integrated", "older than", "could not reach"):
        assert meaning in explained.sentence
    assert {check.light for check in explained.checks[1:]} == {Light.NOT_REACHED}


def test_any_id_of_the_referral_will_do_and_is_named(world: World):
    world.send(plain())
    world.referral.aliases.create(source_kind="caredove", value="b5f1d1b2")
    explained = explain("  b5f1d1b2 ")
    assert explained.reference == REFERENCE
    assert explained.checks[0].sentence == (
        f"1 event received for {REFERENCE}. b5f1d1b2 is another id of it."
    )


def test_a_referral_that_became_part_of_another_is_explained_as_that_one(world: World):
    world.send(plain())
    part = Referral.objects.create(
        reference="b5f1d1b2",
        created_at=world.referral.created_at,
        changed_at=world.referral.created_at,
        merged_into=world.referral,
    )
    explained = explain_referral(part)
    assert explained.referral == world.referral
    assert "b5f1d1b2 is another id of it." in explained.checks[0].sentence


def test_the_worst_import_is_explained(world: World):
    world.send(plain())
    world.run()
    archive = Destination.objects.create(
        organization=world.organization, name="Archive", kind="demo"
    )
    Delivery.objects.create(
        referral=world.referral,
        destination=archive,
        opened_at=clock.now(),
        state="needs_attention",
        reason="gave_up",
        message="The archive did not answer.",
    )
    explained = explain(REFERENCE)
    assert "The archive did not answer." in explained.sentence
    assert not explained.imported


def test_the_command_states_it_in_lines(world: World):
    world.send(plain("message.from_provider"))
    out = io.StringIO()
    call_command("explain", REFERENCE, stdout=out)
    assert explain(REFERENCE).sentence in out.getvalue()


def test_what_would_stop_it_next_is_shown_as_well(it: Scene):
    """Whoever activates the organization sees at once that the listing is off, too."""
    TriggerConfig.objects.update(enabled=False)
    Organization.objects.update(active=False)
    it.send(plain())

    shown = explain(REFERENCE)

    received, organization, listing, trigger, *_ = shown.checks
    assert [one.light for one in (received, organization, listing, trigger)] == [
        Light.GREEN,
        Light.RED,
        Light.RED,
        Light.NOT_REACHED,
    ]
    assert "is off" in listing.sentence
    assert shown.cause is Cause.SUSPENDED
    assert "is off" not in shown.sentence
