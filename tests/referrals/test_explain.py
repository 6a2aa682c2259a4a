"""Why is it not in CRMS: every cause has its own sentence, and says whose turn it is."""

import io
import json

import pytest
from django.core.management import call_command

from core import clock
from integrations.models import Destination, Organization, TriggerConfig
from referrals.advice import Actor
from referrals.explain import QUESTIONS, Explanation, Light, explain
from referrals.models import ImportJob, InboundEvent
from tests.world import REFERENCE, World, options, plain


def answer() -> Explanation:
    return explain(REFERENCE)


def stopped_at(explanation: Explanation) -> str:
    """The question of the first check that is not green."""
    return next(c.question for c in explanation.checks if c.light is not Light.GREEN)


def set_job(**fields: object) -> None:
    ImportJob.objects.update(**{"due_at": None, **fields})


def test_imported(world: World):
    world.send(plain())
    world.run()
    told = answer()
    assert told.imported
    assert told.sentence == f"It is in Birchwood CRMS as DEMO-{REFERENCE}-referral."
    assert told.actor is Actor.NOBODY
    assert [check.question for check in told.checks] == list(QUESTIONS)
    assert {check.light for check in told.checks} == {Light.GREEN}


def test_never_received(world: World):
    told = answer()
    assert not told.imported
    assert "No event with this reference has arrived" in told.sentence
    assert "could not reach Dovetail" in told.sentence
    assert {check.light for check in told.checks[1:]} == {Light.NOT_REACHED}


def test_any_id_of_the_referral_will_do(world: World):
    world.send(plain())
    assert explain(f"  {REFERENCE} ").jobs


def unopened(world: World) -> None:
    world.send(plain("message.from_provider"))
    world.receive(plain(number=2))


def just_arrived(world: World) -> None:
    world.receive(plain())


def quarantined(world: World) -> None:
    world.receive(plain())
    InboundEvent.objects.update(state="quarantined")


def revoked(world: World) -> None:
    world.send(plain("referral.revoked"))


def revoked_after_import(world: World) -> None:
    world.send(plain())
    world.run()
    world.send(plain("referral.revoked", number=2))


def unknown_organization(world: World) -> None:
    world.send(plain() | {"organization": {"id": "1"}, "service_listing": {"id": "9"}})


def suspended(world: World) -> None:
    Organization.objects.update(active=False)
    world.send(plain())


def plan_too_low(world: World) -> None:
    Organization.objects.update(plan="essential")
    world.send(plain())


def unknown_listing(world: World) -> None:
    world.send(plain() | {"service_listing": {"id": "9"}})


def no_listing(world: World) -> None:
    world.send(plain() | {"service_listing": None})


def no_place(world: World) -> None:
    world.send(plain() | {"service_listing": None, "organization": None})


def not_connected(world: World) -> None:
    TriggerConfig.objects.all().delete()
    world.send(plain())


def switched_off(world: World) -> None:
    TriggerConfig.objects.update(enabled=False)
    world.send(plain())


def no_trigger(world: World) -> None:
    world.send(plain("message.from_provider"))


def routed(world: World) -> None:
    world.send(plain(routed=True))


def waiting(world: World) -> None:
    world.send(plain(registrant=None))


def held(world: World) -> None:
    world.send(plain())
    world.destination.hold("CRMS refuses the token.", clock.now())


def suspended_later(world: World) -> None:
    world.send(plain())
    Organization.objects.update(active=False)


def mapping_broken(world: World) -> None:
    world.config.mapping.rules.create(position=99, target="nowhere", sources=["reference"])
    world.send(plain())
    world.run()


def rejected(world: World) -> None:
    behave(world, "reject")


def trying_again(world: World) -> None:
    behave(world, "try_again")


def misconfigured(world: World) -> None:
    behave(world, "misconfigured")


def unconfirmed(world: World) -> None:
    behave(world, "unconfirmed")


def gave_up(world: World) -> None:
    world.send(plain())
    set_job(state="needs_attention", reason="gave_up", message="CRMS did not answer.")


def a_bug(world: World) -> None:
    world.send(plain())
    set_job(state="needs_attention", reason="bug", message="Dovetail made a mistake.")


def killed_workers(world: World) -> None:
    world.send(plain())
    set_job(state="needs_attention", reason="quarantined", message="It stopped its worker.")


def queued(world: World) -> None:
    world.send(plain())


def running(world: World) -> None:
    from referrals.importing.claiming import claim

    world.send(plain())
    claim(world.job.pk)


def dismissed(world: World) -> None:
    from referrals import importing

    world.send(plain())
    importing.dismiss(world.job, "A duplicate.")


def file_refused(world: World) -> None:
    behave(world, "refuse_files")


def behave(world: World, behaviour: str) -> None:
    Destination.objects.update(options=options("demo", behaviour=behaviour))
    world.send(plain())
    world.run()


CAUSES = [
    (just_arrived, "Do we have it from Caredove?", "the dispatcher is not running", Actor.NOBODY),
    (quarantined, "Do we have it from Caredove?", "could not be opened", Actor.DEVELOPERS),
    (revoked, "Do we have it from Caredove?", "Caredove revoked it", Actor.NOBODY),
    (revoked_after_import, "Do we have it from Caredove?", "Remove it there", Actor.SUPPORT),
    (unknown_organization, "organization", "Caredove id 1", Actor.ADMINISTRATOR),
    (suspended, "organization", "is suspended", Actor.ADMINISTRATOR),
    (plan_too_low, "organization", "on the Essential plan", Actor.ADMINISTRATOR),
    (unknown_listing, "listing", "Listing 9 is not set up here", Actor.LIAISON),
    (no_listing, "listing", "which listing it is for", Actor.NOBODY),
    (no_place, "organization", "which listing it is for", Actor.NOBODY),
    (not_connected, "listing", "is not connected to a destination", Actor.LIAISON),
    (switched_off, "listing", "is off", Actor.LIAISON),
    (unopened, "trigger", "has not been opened yet", Actor.NOBODY),
    (no_trigger, "trigger", "so far: Message from Provider", Actor.NOBODY),
    (routed, "trigger", "routed", Actor.LIAISON),
    (waiting, "details", "Only part of the referral", Actor.NOBODY),
    (dismissed, "details", "A duplicate.", Actor.NOBODY),
    (held, "connection", "CRMS refuses the token.", Actor.ADMINISTRATOR),
    (suspended_later, "connection", "suspended", Actor.ADMINISTRATOR),
    (misconfigured, "connection", "does not accept these credentials", Actor.ADMINISTRATOR),
    (mapping_broken, "mapped", "nowhere", Actor.LIAISON),
    (rejected, "take it", "“Name is required”", Actor.REFERRAL_STAFF),
    (trying_again, "take it", "It is tried again at", Actor.NOBODY),
    (unconfirmed, "take it", "Look in the destination", Actor.SUPPORT),
    (gave_up, "take it", "Press Retry", Actor.SUPPORT),
    (killed_workers, "take it", "stopped its worker", Actor.DEVELOPERS),
    (a_bug, "take it", "Dovetail made a mistake", Actor.DEVELOPERS),
    (queued, "take it", "It is queued for", Actor.NOBODY),
    (running, "take it", "being sent at this moment", Actor.NOBODY),
    (file_refused, "files", "takes no files", Actor.SUPPORT),
]


@pytest.mark.parametrize(
    ("cause", "question", "says", "actor"), CAUSES, ids=[cause[0].__name__ for cause in CAUSES]
)
def test_each_cause_is_told_apart(world: World, cause, question: str, says: str, actor: Actor):
    cause(world)
    told = answer()
    assert question in stopped_at(told)
    assert says in told.sentence
    assert told.actor is actor
    assert [check.question for check in told.checks] == list(QUESTIONS)


def test_the_command_gives_the_same_answer(world: World):
    world.send(plain("message.from_provider"))
    out = io.StringIO()
    call_command("explain", REFERENCE, stdout=out)
    assert answer().sentence in out.getvalue()
    out = io.StringIO()
    call_command("explain", REFERENCE, "--json", stdout=out)
    assert json.loads(out.getvalue())["sentence"] == answer().sentence
