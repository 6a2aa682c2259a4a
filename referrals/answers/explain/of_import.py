"""The checks of one import: is it wanted, can it be sent, was it taken, and its files."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from functools import cached_property

from django.utils.formats import date_format

from core.text.sentences import join
from integrations.transport import Doubt, ErrorKind
from referrals import delivering, gates, sentences
from referrals.advice import Actor, Advice
from referrals.answers.explain.answer import (
    Cause,
    Check,
    Import,
    Light,
    Stop,
    amber,
    red,
    shut,
    there,
)
from referrals.gates import ANSWER, CONNECTION, DETAILS, FILES, MAPPED, WANTED
from referrals.models import Attempt, Delivery
from referrals.record import snapshot, warned

State, Reason, Outcome = Delivery.State, Delivery.Reason, Attempt.Outcome

SUBJECT_MISSING = "subject_missing"
RECENT = 20  # events
CAUSE_OF_DOUBT: dict[str, Cause] = {
    Doubt.NO_ID: Cause.NO_READABLE_ID,
    Doubt.DUPLICATE: Cause.DUPLICATE_THERE,
    Doubt.GONE: Cause.GONE_THERE,
    Doubt.NOT_SEARCHABLE: Cause.NOT_SEARCHABLE,
    Doubt.UNCLEAR_SEARCH: Cause.UNCLEAR_SEARCH,
    Doubt.UNPROVEN: Cause.UNPROVEN,
}
CAUSE_OF_WAITING: dict[str, Cause] = {
    ErrorKind.THROTTLED: Cause.ASKED_TO_WAIT,
    ErrorKind.FAILING: Cause.SERVER_ERROR,
}
OF_THE_MAPPING = (gates.MAPPING_ERROR, gates.CONNECTION_REMOVED)
LATE = timedelta(minutes=2)  # after its due time: somebody should have taken it by then
TRIED_BY_ITSELF = Advice(Actor.NOBODY, "They will be sent again automatically.")
START_DISPATCHER = Advice(
    Actor.ADMINISTRATOR, "The dispatcher is not running, or cannot keep up. Check it."
)


class ImportChecks:
    """The chain of one import.

    `quoted` takes what somebody else has said, which may be personal, and our own words for it; it
    returns those that the asker may read.
    """

    def __init__(self, one: Import, quoted: Callable[[str, str], str]) -> None:
        self.delivery = one.delivery
        self.quoted = quoted
        self.last, self.advice, self.now = one.last, one.advice, one.now

    def run(self) -> Iterator[Check]:
        """Yield what was passed; raises Stop where it ends."""
        yield self._wanted()
        yield self._details()
        yield self._connection()
        yield self._mapped()
        yield self._answer()
        yield self._files()

    @cached_property
    def facts(self) -> gates.Facts:
        """What the gates judge of the import."""
        delivery, referral = self.delivery, self.delivery.referral
        destination = delivery.destination
        moved = referral.organization_id != destination.organization_id
        return gates.Facts(
            now=self.now - LATE,
            referral=referral,
            delivery=delivery,
            destination=destination,
            has_moved=moved and delivery.external_id is None,
            names_somebody=snapshot.has_details(snapshot.view(referral.snapshot)),
            names_somebody_else=delivery.state == State.WAITING and self._names_somebody_else(),
        )

    def _names_somebody_else(self) -> bool:
        """Whether a message of late held another person's details."""
        events = self.delivery.referral.events.order_by("-received_at")[:RECENT]
        return any(warned.has_cause(event, SUBJECT_MISSING) for event in events)

    def _check(self, *asked: gates.Gate) -> None:
        """Raise Stop where one of the gates is shut."""
        if closed := gates.shut_by_question(self.facts, *asked):
            raise shut(*closed)

    def _red(self, question: str, cause: Cause, sentence: str) -> Stop:
        return red(question, cause, sentence, self.advice, self.delivery)

    def _wanted(self) -> Check:
        delivery = self.delivery
        if merged := gates.MERGED.shut(self.facts):
            raise shut(merged, light=Light.RED)
        if delivery.state == State.DISMISSED:
            by = delivery.closed_by or "Dovetail"
            because = sentences.DISMISSED_BECAUSE(by=by, why=delivery.closed_why)
            sentence = self.quoted(because, sentences.DISMISSED(by=by))
            raise self._red(WANTED, Cause.DISMISSED, sentence)
        self._check(gates.MOVED)
        return Check(WANTED, Light.GREEN)

    def _details(self) -> Check:
        self._check(gates.WAITING, gates.NOBODY_NAMED)
        return Check(DETAILS, Light.GREEN)

    def _connection(self) -> Check:
        delivery, destination = self.delivery, self.delivery.destination
        if delivery.external_id:
            return Check(CONNECTION, Light.GREEN)
        found = gates.shut_by_question(self.facts, *gates.OF_THE_CONNECTION, *OF_THE_MAPPING)
        closed = [replace(one, sentence=self.quoted(one.sentence, one.unquoted)) for one in found]
        if not closed or closed[0].gate in OF_THE_MAPPING:
            return Check(CONNECTION, Light.GREEN, sentences.OPEN(destination=destination))
        stop = shut(*closed)
        if closed[0].gate is gates.PAUSED and delivery.reason == Reason.CONNECTION:
            stop.cause, stop.advice = Cause.CREDENTIALS_REFUSED, self.advice
        raise stop

    def _mapped(self) -> Check:
        # These words are Dovetail's own, and name a rule or a field: the liaison needs them.
        self._check(*OF_THE_MAPPING)
        return Check(MAPPED, Light.GREEN)

    # -- what the destination said -------------------------------------------------------------

    def _answer(self) -> Check:
        delivery = self.delivery
        if delivery.external_id:
            taken = sentences.TAKEN(destination=delivery.destination, id=delivery.external_id)
            return Check(ANSWER, Light.GREEN, taken)
        if delivery.state == State.NEEDS_ATTENTION:
            sentence = join([self._tired(), self._message(), self._seen()])
            raise self._red(ANSWER, self._cause(), sentence)
        if delivery.state == State.RUNNING:
            raise amber(ANSWER, Cause.RUNNING, sentences.BEING_SENT(), place=delivery)
        self._check_turn()
        if delivery.due_at and delivery.due_at < self.now - LATE:
            asks = delivering.asking().exists()
            if host := gates.NEW_HOST.shut(replace(self.facts, host_asks=asks)):
                raise shut(host)
            sentence = sentences.OVERDUE(time=self._due())
            raise red(ANSWER, Cause.OVERDUE, sentence, START_DISPATCHER, delivery)
        if delivery.tries or delivery.steps.exists():
            sentence = join([self._message(), sentences.TRIED_AGAIN(time=self._due())])
            raise amber(ANSWER, self._cause_of_waiting(), sentence, self.advice, delivery)
        if delivery.restore_id:
            sentence = sentences.RESTORED_SEARCHED_AT(time=self._due())
            raise amber(ANSWER, Cause.BEING_LOOKED_FOR, sentence, self.advice, delivery)
        sentence = sentences.QUEUED(time=self._due())
        raise amber(ANSWER, Cause.QUEUED, sentence, self.advice, delivery)

    def _check_turn(self) -> None:
        """Raise Stop where it could go, and its destination is paused or has had enough for now."""
        delivery, destination, now = self.delivery, self.delivery.destination, self.now
        if delivery.due_at is None or delivery.due_at > now:
            return
        self._check(gates.RECOVERING)
        waits = bool(destination.limits) and destination.is_moving(now - LATE)
        if turn := gates.LIMITED.shut(replace(self.facts, waits_for_turn=waits)):
            raise shut(turn)

    def _message(self) -> str:
        delivery, last = self.delivery, self.last
        outcome = delivery.get_reason_display() or (last.get_outcome_display() if last else "")
        ours = sentences.OUTCOME(outcome=outcome)
        if last and last.code:
            ours = sentences.OUTCOME_WITH_CODE(outcome=outcome, code=last.code)
        return self.quoted(delivery.message or (last.message if last else ""), ours)

    def _tired(self) -> str:
        gave_up = self.delivery.reason == Reason.RETRIES_EXHAUSTED
        return sentences.TRIES_USED_UP() if gave_up else ""

    def _seen(self) -> str:
        delivery = self.delivery
        if delivery.error_cleared_at is None:
            return ""
        return sentences.CLEARED(by=delivery.error_cleared_by or "Dovetail")

    def _cause(self) -> Cause:
        doubt = self.last.doubt if self.last else ""
        match self.delivery.reason:
            case Reason.UNCONFIRMED:
                return CAUSE_OF_DOUBT.get(doubt, Cause.UNCONFIRMED)
            case Reason.SINGLED_OUT:
                return Cause.SINGLED_OUT
            case Reason.REJECTED:
                return Cause.REJECTED
            case Reason.RETRIES_EXHAUSTED:
                return Cause.RETRIES_EXHAUSTED
            case Reason.QUARANTINED:
                return Cause.QUARANTINED
            case Reason.WITHDRAWN:
                return Cause.WITHDRAWN
            case _:
                return Cause.BUG

    def _cause_of_waiting(self) -> Cause:
        last = self.last
        if last is None or last.outcome in (Outcome.UNCONFIRMED, Outcome.LOST, Outcome.BUG):
            return Cause.BEING_LOOKED_FOR
        return CAUSE_OF_WAITING.get(last.kind, Cause.NO_ANSWER)

    def _due(self) -> str:
        """The due time as people of the organization write it."""
        due, zone = self.delivery.due_at, self.delivery.destination.organization.zone
        if due is None:
            return sentences.NO_TIME()
        return date_format(due.astimezone(zone), "DATETIME_FORMAT")

    # -- its files -----------------------------------------------------------------------------

    def _files(self) -> Check:
        delivery = self.delivery
        if delivery.needs_correction and delivery.has_uncleared_error:
            raise self._red(FILES, Cause.TO_CORRECT, self._corrections())
        if not delivery.missing_files:
            return self._flag()
        where = self._missing()
        if delivery.due_at or delivery.state in (State.QUEUED, State.RUNNING):
            raise amber(FILES, Cause.FILES_TO_FOLLOW, where, TRIED_BY_ITSELF, delivery)
        if not delivery.has_uncleared_error:
            return Check(FILES, Light.GREEN, join([where, sentences.SEEN_TO()]))
        raise self._red(FILES, self._cause_of_missing(), where)

    def _corrections(self) -> str:
        where, corrections = there(self.delivery), join(self.delivery.corrections)
        theirs = sentences.CORRECTIONS(where=where, corrections=corrections)
        ours = sentences.CORRECTIONS_UNQUOTED(where=where)
        also = self._missing() if self.delivery.missing_files else ""
        return join([self.quoted(theirs, ours), also])

    def _missing(self) -> str:
        where, files = there(self.delivery), self.delivery.missing_files.items()
        names = "; ".join(f"{name} ({str(why).rstrip('.')})" for name, why in files)
        theirs = sentences.FILES_MISSING(where=where, files=names)
        return self.quoted(theirs, sentences.FILES_MISSING(where=where, files=len(files)))

    def _cause_of_missing(self) -> Cause:
        """Whether the destination refused a file that we had, or we could not get it."""
        states = {file.state for file in self.delivery.referral.files.all()}
        is_ours = bool(states - {"stored", "withdrawn"})
        return Cause.FILE_MISSING if is_ours else Cause.FILE_REFUSED

    def _flag(self) -> Check:
        if self.delivery.has_uncleared_error:
            sentence = sentences.IS_IN(where=there(self.delivery))
            seen = Check(FILES, Light.GREEN, sentence)  # good news, that somebody has to click away
            raise Stop(seen, Cause.ERROR_NOT_CLEARED, self.advice, self.delivery)
        return Check(FILES, Light.GREEN)
