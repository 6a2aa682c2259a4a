"""Why is this referral (not) in the destination: a short chain of checks and one sentence.

The same answer through the workplace, the API and `manage.py explain`.
"""

from collections.abc import Iterator

from integrations import sources
from referrals import identity, warned
from referrals.advice import Actor
from referrals.explain.answer import Cause, Check, Explanation, Light, Stop, ended
from referrals.explain.asker import EVERYBODY, Asker
from referrals.explain.before_import import ABSENT, before_import, of_unknown
from referrals.explain.of_import import ImportChecks
from referrals.gates import QUESTIONS
from referrals.models import Delivery, Referral

__all__ = [
    "ABSENT",
    "EVERYBODY",
    "QUESTIONS",
    "Asker",
    "Cause",
    "Check",
    "Explanation",
    "Light",
    "explain",
    "explain_referral",
]

State = Delivery.State
# With several destinations the chain follows the import that stands worst.
WORST_FIRST = [
    State.NEEDS_ATTENTION,
    State.WAITING,
    State.QUEUED,
    State.RUNNING,
    State.DISMISSED,
    State.IMPORTED,
]
WITHHELD = "What was said is withheld from your role."


def explain(
    reference: str, asker: Asker = EVERYBODY, *, source_kind: str | None = None
) -> Explanation:
    """Return why the referral with any of its ids is, or is not, where it should be.

    `source_kind`: the id is one of this kind of source; otherwise, of any kind. A referral that the
    asker may not hear of is for them like one that never came.
    """
    # What cannot be shown names nothing, and PostgreSQL does not even compare a NUL.
    reference = "".join(c if c.isprintable() else "\ufffd" for c in reference.strip())
    kinds = sources.kinds() if source_kind is None else [source_kind]
    named = identity.known_by(reference, list(kinds))
    referral = next(filter(asker.may_hear_of, named), None)
    if referral is None:
        return _of_nothing(reference, asker)
    return explain_referral(referral, asker, asked=reference)


def explain_referral(
    referral: Referral, asker: Asker = EVERYBODY, *, asked: str = ""
) -> Explanation:
    """Return the same for a referral at hand; of one that is part of another, for that one."""
    if referral.united_with:
        return explain_referral(referral.united_with, asker, asked=asked or referral.reference)
    deliveries = _deliveries(referral, asker)
    passed: list[Check] = []
    try:
        for check in _chain(referral, deliveries, asker, asked or referral.reference):
            passed.append(check)  # noqa: PERF402 - what was passed before a stop counts
    except Stop as stop:
        return _stopped(referral, deliveries, passed, stop, asker)
    return Explanation(
        referral.reference,
        True,
        Cause.IMPORTED,
        " ".join(
            f"It is in {delivery.destination} as {delivery.external_id}." for delivery in deliveries
        ),
        Actor.NOBODY,
        tuple(passed),
        deliveries,
        referral,
        withheld=not asker.reads_people,
        warnings=tuple(warned.of_referral(referral)),
    )


def _of_nothing(reference: str, asker: Asker) -> Explanation:
    stop = of_unknown(reference, asker.events)
    checks, sentence = ended([], stop)
    return Explanation(
        reference, False, stop.cause, sentence, stop.advice.actor, checks, place=stop.place
    )


def _stopped(
    referral: Referral,
    deliveries: tuple[Delivery, ...],
    passed: list[Check],
    stop: Stop,
    asker: Asker,
) -> Explanation:
    checks, sentence = ended(passed, stop)
    return Explanation(
        referral.reference,
        bool(deliveries) and all(delivery.state == State.IMPORTED for delivery in deliveries),
        stop.cause,
        sentence,
        stop.advice.actor,
        checks,
        deliveries,
        referral,
        stop.place,
        withheld=not asker.reads_people,
        warnings=tuple(warned.of_referral(referral)),
    )


def _chain(
    referral: Referral, deliveries: tuple[Delivery, ...], asker: Asker, asked: str
) -> Iterator[Check]:
    yield from before_import(referral, deliveries, asked)
    said = _theirs if asker.reads_people else _ours
    yield from ImportChecks(min(deliveries, key=_standing), said).run()


def _theirs(words: str, _: str) -> str:
    return words


def _ours(_: str, own: str) -> str:
    return f"{own} {WITHHELD}"


def _deliveries(referral: Referral, asker: Asker) -> tuple[Delivery, ...]:
    deliveries = referral.deliveries.filter(asker.deliveries).select_related(
        "referral__organization",
        "referral__listing",
        "destination__organization",
        "trigger_config__mapping",
        "closed_by",
        "error_cleared_by",
    )
    return tuple(deliveries.order_by("opened_at"))


def _standing(delivery: Delivery) -> tuple[int, bool]:
    return WORST_FIRST.index(State(delivery.state)), not delivery.has_uncleared_error
