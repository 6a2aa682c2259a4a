"""Why is this referral (not) in the destination: a short chain of checks and one sentence.

The same answer through the workplace, the API and `manage.py explain`.
"""

from collections.abc import Iterator

from django.db.models import Prefetch

from core.database import clock
from core.text.sentences import join
from integrations import sources
from referrals import sentences
from referrals.advice import Actor
from referrals.answers.explain.answer import (
    NEWEST,
    READ_AT,
    Cause,
    Check,
    Explanation,
    Import,
    Light,
    Stop,
    ended,
    there,
)
from referrals.answers.explain.asker import EVERYBODY, Asker
from referrals.answers.explain.before_import import before_import, of_unknown
from referrals.answers.explain.of_import import ImportChecks
from referrals.gates import QUESTIONS
from referrals.intake import identity
from referrals.models import Attempt, Delivery, Referral
from referrals.record import warned

__all__ = [
    "EVERYBODY",
    "QUESTIONS",
    "Asker",
    "Cause",
    "Check",
    "Explanation",
    "Import",
    "Light",
    "explain",
    "explain_referral",
    "find",
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


def explain(
    reference: str, asker: Asker = EVERYBODY, *, source_kind: str | None = None
) -> Explanation:
    """Return why the referral with any of its ids is, or is not, where it should be.

    `source_kind`: the id is one of this kind of source; otherwise, of any kind. A referral that the
    asker may not hear of is for them like one that never came.
    """
    reference = _printable(reference)
    referral = find(reference, asker, source_kind=source_kind)
    if referral is None:
        return _of_nothing(reference, asker)
    return explain_referral(referral, asker, asked=reference)


def find(
    reference: str, asker: Asker = EVERYBODY, *, source_kind: str | None = None
) -> Referral | None:
    """Return the referral with any of its ids of which the asker may hear, or None.

    Of one that is part of another, that one.
    """
    kinds = sources.kinds() if source_kind is None else [source_kind]
    named = identity.known_by(_printable(reference), list(kinds))
    found = next(filter(asker.may_hear_of, named), None)
    return found and (found.merged_into or found)


def _printable(reference: str) -> str:
    # What cannot be shown names nothing, and PostgreSQL does not even compare a NUL.
    return "".join(c if c.isprintable() else "\ufffd" for c in reference.strip())


def explain_referral(
    referral: Referral, asker: Asker = EVERYBODY, *, asked: str = "", attempts: int = 0
) -> Explanation:
    """Return the same for a referral at hand; of one that is part of another, for that one.

    With `attempts`, so many of each import come along, in the same query as the last one.
    """
    if referral.merged_into:
        return explain_referral(
            referral.merged_into, asker, asked=asked or referral.reference, attempts=attempts
        )
    imports = _imports(referral, asker, attempts)
    passed: list[Check] = []
    try:
        for check in _chain(referral, imports, asker, asked or referral.reference):
            passed.append(check)  # noqa: PERF402 - what was passed before a stop counts
    except Stop as stop:
        return _stopped(referral, imports, passed, stop, asker)
    return Explanation(
        referral.reference,
        True,
        Cause.IMPORTED,
        join(sentences.IS_IN(where=there(one.delivery)) for one in imports),
        Actor.NOBODY,
        tuple(passed),
        imports,
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
    imports: tuple[Import, ...],
    passed: list[Check],
    stop: Stop,
    asker: Asker,
) -> Explanation:
    checks, sentence = ended(passed, stop)
    return Explanation(
        referral.reference,
        bool(imports) and all(one.delivery.state == State.IMPORTED for one in imports),
        stop.cause,
        sentence,
        stop.advice.actor,
        checks,
        imports,
        referral,
        stop.place,
        withheld=not asker.reads_people,
        warnings=tuple(warned.of_referral(referral)),
    )


def _chain(
    referral: Referral, imports: tuple[Import, ...], asker: Asker, asked: str
) -> Iterator[Check]:
    yield from before_import(referral, [one.delivery for one in imports], asked)
    text = _theirs if asker.reads_people else _ours
    yield from ImportChecks(min(imports, key=_standing), text).run()


def _theirs(words: str, _: str) -> str:
    return words


def _ours(_: str, own: str) -> str:
    return join([own, sentences.WITHHELD()])


def _imports(referral: Referral, asker: Asker, attempts: int) -> tuple[Import, ...]:
    deliveries = referral.deliveries.filter(asker.deliveries).select_related(
        "destination__organization",
        "trigger_config__mapping",
        "closed_by",
        "error_cleared_by",
    )
    if attempts:
        newest = Attempt.objects.order_by("-number")[:attempts]
        deliveries = deliveries.prefetch_related(Prefetch("attempts", newest, to_attr=NEWEST))
    found = list(deliveries.annotate(**{READ_AT: clock.Now()}).order_by("opened_at"))
    for delivery in found:
        delivery.referral = referral  # with what is known of it already
    return tuple(map(Import, found))


def _standing(one: Import) -> tuple[int, bool]:
    delivery = one.delivery
    return WORST_FIRST.index(State(delivery.state)), not delivery.has_uncleared_error
