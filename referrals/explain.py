"""Why is this referral (not) in the destination: a short chain of checks and one sentence.

The same answer through the admin, the API and `manage.py explain`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from integrations.models import TriggerConfig
from integrations.triggers import TRIGGER_LABELS
from referrals import identity, snapshot
from referrals.advice import Actor, Advice, advice
from referrals.models import ImportJob, InboundEvent, Referral
from referrals.retention import REVOKED

State, Reason = ImportJob.State, ImportJob.Reason


class Light(StrEnum):
    GREEN = "green"
    AMBER = "amber"  # not there yet, and nobody has to act
    RED = "red"
    NOT_REACHED = "not reached"


@dataclass(frozen=True, slots=True)
class Check:
    """One link of the chain; `sentence` may quote the destination."""

    question: str
    light: Light
    sentence: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Explanation:
    """The answer. `imported`: the referral is in every destination that it should be in."""

    reference: str
    imported: bool
    sentence: str = field(repr=False)
    actor: Actor
    checks: tuple[Check, ...]
    jobs: tuple[ImportJob, ...] = ()
    referral: Referral | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the answer as the API gives it."""
        return {
            "reference": self.reference,
            "imported": self.imported,
            "sentence": self.sentence,
            "whose_turn": str(self.actor),
            "checks": [
                {"question": check.question, "light": str(check.light), "sentence": check.sentence}
                for check in self.checks
            ],
            "imports": [_job_as_dict(job) for job in self.jobs],
        }


def _job_as_dict(job: ImportJob) -> dict[str, Any]:
    return {
        "destination": job.destination.name,
        "state": job.state,
        "reason": job.reason or None,
        "message": job.message or None,
        "external_id": job.external_id,
        "imported_at": job.imported_at,
        "due_at": job.due_at,
        "missing_files": [
            {"filename": name, "problem": why} for name, why in job.missing_files.items()
        ],
    }


EVENT = "Do we have it from Caredove?"
ORGANIZATION = "Is the organization active, on a sufficient plan?"
LISTING = "Is the listing connected?"
TRIGGER = "Did a trigger match?"
DETAILS = "Are its details here?"
CONNECTION = "Is the connection open?"
MAPPED = "Can it be mapped?"
ANSWER = "Did the destination take it?"
FILES = "Are all files there?"
QUESTIONS = (EVENT, ORGANIZATION, LISTING, TRIGGER, DETAILS, CONNECTION, MAPPED, ANSWER, FILES)

NO_LISTING = "No message has said yet which listing it is for."
BY_ITSELF = "It goes on by itself when one does."
ABSENT = (
    "No event with this reference has arrived. Check the number; if it is right, the listing may "
    "not be integrated in Caredove, the referral may be older than the integration, or Caredove "
    "could not reach Dovetail and will send again."
)


class _Stop(Exception):
    """The chain ends at this check."""

    def __init__(self, check: Check, actor: Actor, what: str) -> None:
        super().__init__(check.question)
        self.check, self.actor, self.what = check, actor, what


def explain(reference: str, source_kind: str = "caredove") -> Explanation:
    """Return why the referral with any of its ids is, or is not, where it should be."""
    reference = reference.strip()
    referral = identity.find(source_kind, [reference])
    if referral is None:
        return _ended(reference, [], _unopened(reference) or _red(EVENT, ABSENT, Actor.SUPPORT))
    return explain_referral(referral)


def explain_referral(referral: Referral) -> Explanation:
    """Return the same for a referral at hand."""
    passed: list[Check] = []
    jobs = _jobs(referral)
    try:
        for check in _chain(referral, jobs):
            passed.append(check)  # noqa: PERF402 - what was passed before a stop counts
    except _Stop as stop:
        return _ended(referral.reference, passed, stop, jobs, referral)
    return Explanation(
        referral.reference, True, _where(jobs), Actor.NOBODY, tuple(passed), jobs, referral
    )


def _chain(referral: Referral, jobs: tuple[ImportJob, ...]) -> Iterator[Check]:
    """With several destinations the chain follows the one that stands worst."""
    yield from _before_jobs(referral, jobs)
    yield from _of_job(min(jobs, key=_standing))


def _jobs(referral: Referral) -> tuple[ImportJob, ...]:
    jobs = referral.jobs.select_related("destination__organization", "trigger_config__mapping")
    return tuple(jobs.order_by("opened_at"))


def _standing(job: ImportJob) -> int:
    order = [
        State.NEEDS_ATTENTION,
        State.WAITING,
        State.QUEUED,
        State.RUNNING,
        State.DISMISSED,
        State.IMPORTED,
    ]
    return order.index(State(job.state))


def _where(jobs: tuple[ImportJob, ...]) -> str:
    return " ".join(f"It is in {job.destination} as {job.external_id}." for job in jobs)


def _ended(
    reference: str,
    passed: list[Check],
    stop: _Stop,
    jobs: tuple[ImportJob, ...] = (),
    referral: Referral | None = None,
) -> Explanation:
    reached = [*passed, stop.check]
    rest = [Check(q, Light.NOT_REACHED) for q in QUESTIONS[len(reached) :]]
    sentence = f"{stop.check.sentence} {stop.what}".strip()
    imported = bool(jobs) and all(job.state == State.IMPORTED for job in jobs)
    return Explanation(reference, imported, sentence, stop.actor, (*reached, *rest), jobs, referral)


def _red(question: str, sentence: str, actor: Actor, what: str = "") -> _Stop:
    return _Stop(Check(question, Light.RED, sentence), actor, what)


def _amber(question: str, sentence: str, what: str = "") -> _Stop:
    return _Stop(Check(question, Light.AMBER, sentence), Actor.NOBODY, what)


# -- up to the job -----------------------------------------------------------------------------


def _before_jobs(referral: Referral, jobs: tuple[ImportJob, ...]) -> Iterator[Check]:
    yield _event(referral)
    if jobs:
        # The gates were open when the import started; what matters now is the import.
        yield Check(ORGANIZATION, Light.GREEN, str(referral.organization or ""))
        yield Check(LISTING, Light.GREEN, str(referral.listing or ""))
        yield Check(TRIGGER, Light.GREEN, _triggers(jobs))
        return
    yield _organization(referral)
    configs = list(
        TriggerConfig.objects.filter(listing=referral.listing).select_related("destination")
    )
    yield _listing(referral, configs)
    raise _trigger(referral, [config for config in configs if config.enabled])


def _event(referral: Referral) -> Check:
    if referral.purged_at:
        raise _purged(referral)
    events = list(referral.events.order_by("received_at"))
    opened = [event for event in events if event.state == InboundEvent.State.OPENED]
    if not opened and (unopened := _unopened(referral.reference)):
        raise unopened
    count = len(opened)
    return Check(EVENT, Light.GREEN, f"{count} event{'' if count == 1 else 's'} received.")


def _unopened(reference: str, question: str = EVENT) -> _Stop | None:
    """An event that is stored and not opened: nothing has been merged from it yet."""
    events = InboundEvent.objects.filter(reference=reference)
    if events.filter(state=InboundEvent.State.QUARANTINED).exists():
        return _red(
            question,
            "Its event arrived and could not be opened.",
            Actor.DEVELOPERS,
            "Tell the developers; the event is kept.",
        )
    if events.filter(state=InboundEvent.State.RECEIVED).exists():
        return _amber(
            question,
            "Its newest event has arrived and has not been opened yet.",
            "If that lasts longer than a minute, the dispatcher is not running.",
        )
    return None


def _purged(referral: Referral) -> _Stop:
    why = "Caredove revoked it" if referral.purged_why == REVOKED else "It was purged"
    in_destination = [job for job in _jobs(referral) if job.external_id]
    if in_destination and referral.purged_why == REVOKED:
        where = ", ".join(f"{job.destination} as {job.external_id}" for job in in_destination)
        return _red(
            EVENT,
            f"{why}; its data was deleted here. It is still in {where}.",
            Actor.SUPPORT,
            "Remove it there.",
        )
    return _amber(EVENT, f"{why}; its data was deleted, and it is not imported.")


def _organization(referral: Referral) -> Check:
    organization = referral.organization
    waits = referral.events.filter(outcome=InboundEvent.Outcome.NO_LISTING).exists()
    if organization is None and waits:
        raise _amber(ORGANIZATION, NO_LISTING, BY_ITSELF)
    if organization is None:
        raise _red(
            ORGANIZATION,
            _last_reason(referral) or "Its organization is not set up here.",
            Actor.ADMINISTRATOR,
            "Set the organization and the listing up, then have the referral saved in Caredove.",
        )
    if not organization.active:
        raise _red(
            ORGANIZATION, f"{organization} is suspended.", Actor.ADMINISTRATOR, "Activate it."
        )
    if not organization.may_import():
        raise _red(
            ORGANIZATION,
            f"{organization} is on the {organization.get_plan_display()} plan; importing needs "
            "Advanced CBO or higher.",
            Actor.ADMINISTRATOR,
            "Ask Caredove about the plan.",
        )
    return Check(ORGANIZATION, Light.GREEN, f"{organization}: {organization.get_plan_display()}.")


def _listing(referral: Referral, configs: list[TriggerConfig]) -> Check:
    connect = "Connect the listing, then have the referral saved in Caredove."
    if referral.listing is None:
        named = referral.listing_caredove_id
        if not named:
            raise _amber(LISTING, NO_LISTING, BY_ITSELF)
        raise _red(LISTING, f"Listing {named} is not set up here.", Actor.LIAISON, connect)
    if not configs:
        raise _red(
            LISTING,
            f"Listing {referral.listing} is not connected to a destination.",
            Actor.LIAISON,
            connect,
        )
    if not any(config.enabled for config in configs):
        raise _red(
            LISTING,
            f"The trigger config of listing {referral.listing} is off.",
            Actor.LIAISON,
            "Switch it on, then have the referral saved in Caredove.",
        )
    return Check(LISTING, Light.GREEN, f"{referral.listing} is connected.")


def _trigger(referral: Referral, configs: list[TriggerConfig]) -> _Stop:
    if pending := _unopened(referral.reference, TRIGGER):
        return pending
    chosen = "; ".join(config.labels() for config in configs)
    happened = sorted({key for event in referral.events.all() for key in event.triggers})
    so_far = ", ".join(TRIGGER_LABELS.get(key, key) for key in happened) or "nothing of that"
    if routed := referral.events.filter(outcome=InboundEvent.Outcome.ROUTED).first():
        return _red(
            TRIGGER, routed.reason, Actor.LIAISON, "Include routed requests if they are wanted."
        )
    return _amber(
        TRIGGER,
        f"Listing {referral.listing} is imported on: {chosen}. What happened so far: {so_far}.",
        "It goes by itself when one of those happens in Caredove.",
    )


def _triggers(jobs: tuple[ImportJob, ...]) -> str:
    keys = dict.fromkeys(key for job in jobs for key in job.triggers)
    return ", ".join(TRIGGER_LABELS.get(key, key) for key in keys)


def _last_reason(referral: Referral) -> str:
    last = referral.events.exclude(reason="").order_by("-received_at").first()
    return last.reason if last else ""


# -- the job -----------------------------------------------------------------------------------


def _of_job(job: ImportJob) -> Iterator[Check]:
    now = advice(job)
    if job.state == State.DISMISSED:
        raise _red(DETAILS, f"A person dismissed the import. {job.closed_why}", now.actor)
    yield _details(job, now)
    yield _connection(job, now)
    yield _mapped(job, now)
    yield _answer(job, now)
    yield _files(job, now)


def _details(job: ImportJob, now: Advice) -> Check:
    if job.state == State.WAITING:
        raise _amber(DETAILS, "Only part of the referral has come so far.", now.what)
    if job.external_id is None and not snapshot.has_details(snapshot.view(job.referral.snapshot)):
        raise _red(DETAILS, "The referral does not say whom it is about.", Actor.REFERRAL_STAFF)
    return Check(DETAILS, Light.GREEN)


def _connection(job: ImportJob, now: Advice) -> Check:
    destination = job.destination
    if destination.held_at and job.external_id is None:
        sentence = f"{destination} is held: {destination.held_reason}"
        raise _red(CONNECTION, sentence, Actor.ADMINISTRATOR, now.what)
    if not destination.organization.may_import() and job.external_id is None:
        raise _red(
            CONNECTION,
            f"{destination.organization} is suspended, or its plan does not include importing.",
            Actor.ADMINISTRATOR,
        )
    return Check(CONNECTION, Light.GREEN, f"{destination} is open.")


def _mapped(job: ImportJob, now: Advice) -> Check:
    if job.state == State.NEEDS_ATTENTION and job.reason == Reason.MISCONFIGURED:
        raise _red(MAPPED, job.message, now.actor, now.what)
    return Check(MAPPED, Light.GREEN)


def _answer(job: ImportJob, now: Advice) -> Check:
    if job.external_id:
        return Check(ANSWER, Light.GREEN, f"{job.destination} took it as {job.external_id}.")
    last = job.attempts.order_by("-number").first()
    said = job.message or (last.message if last else "")
    if job.state == State.NEEDS_ATTENTION:
        tired = "All automatic tries are used up. " if job.reason == Reason.GAVE_UP else ""
        raise _red(ANSWER, f"{tired}{said}", now.actor, now.what)
    if job.state == State.RUNNING:
        raise _amber(ANSWER, "It is being sent at this moment.")
    when = _due(job)
    if job.tries:
        raise _amber(ANSWER, f"{said} It is tried again at {when}.", now.what)
    raise _amber(ANSWER, f"It is queued for {when}.", now.what)


def _due(job: ImportJob) -> str:
    """The due time as people of the organization write it."""
    zone = job.destination.organization.zone
    return f"{job.due_at.astimezone(zone):%Y-%m-%d %H:%M}" if job.due_at else "no time"


def _files(job: ImportJob, now: Advice) -> Check:
    if not job.missing_files:
        return Check(FILES, Light.GREEN)
    missing = "; ".join(f"{name} ({why.rstrip('.')})" for name, why in job.missing_files.items())
    where = f"It is in {job.destination} as {job.external_id}, but files are missing: {missing}."
    if job.due_at or job.state in (State.QUEUED, State.RUNNING):
        raise _amber(FILES, where, "They are tried again by themselves.")
    if not job.has_uncleared_error:
        return Check(FILES, Light.GREEN, f"{where} A person has seen to it.")
    raise _red(FILES, where, now.actor, now.what)
