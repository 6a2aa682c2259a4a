"""A small model of one delivery: claim, intent, effect, settle; and a search of all its states.

Workers take steps in any order. Any of them may stop for as long as it likes, or die. A lease may
run out at any moment. A request may be lost, may take effect late, and its answer may be lost. What
the portal relies on stands in `Rules`, one name each: the search of a model without one of them
finds how a referral would be doubled, lost, or overtaken.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import NamedTuple

WORKERS = 3
SEARCHES = 2
# What a worker does next.
IDLE, BEGUN, READY, SENT, DONE, REFUSED, UNKNOWN, SETTLE, SEARCHED = (
    *("idle", "begun", "ready", "sent", "done", "refused", "unknown", "settle", "searched"),
)
QUEUED, RUNNING, FINISHED, WITH_A_PERSON = "queued", "running", "finished", "with a person"


@dataclass(frozen=True)
class Rules:
    """What the portal does, and what it relies on: each with what tries it in the portal itself."""

    intent_comes_first: bool = True  # tests/crash/test_every_point.py
    # It is committed with a lease that lasts longer than the call that follows.
    intent_needs_the_lease: bool = True  # tests/referrals/delivering/test_ledger.py
    settling_needs_the_lease: bool = True  # tests/crash/test_every_point.py
    # What was not taken is forgotten by whose intent it is, and by nobody else.
    taking_back_is_of_ones_own_intent: bool = True  # tests/referrals/delivering/test_ledger.py
    # A look counts for the intent that was looked for, and for no later one.
    counting_is_of_its_intent: bool = True  # tests/referrals/delivering/test_ledger.py
    # No call outlives its lease. The gap between the last check and the first byte stays.
    nothing_is_sent_without_the_lease: bool = True  # tests/referrals/delivering/test_ledger.py
    # What has arrived shows when it is looked for: proved, or declared, for each destination.
    search_finds_what_arrived: bool = True  # tests/referrals/delivering/test_proving.py
    # Nobody can prove that; SETTLE_SECONDS is how long it may take.
    nothing_arrives_after_the_settle_time: bool = True  # docs/decisions/0002-unknown-outcomes.md
    unknown_is_searched_for: bool = True  # tests/crash/test_ambiguous_answers.py
    # A worker may send at the end of its lease, long after the settle time since its intent.
    one_search_is_not_enough: bool = True  # tests/referrals/delivering/test_ledger.py
    versions_wait_for_the_one_before: bool = True  # tests/referrals/delivering/test_updates.py

    def without(self, name: str) -> "Rules":
        return replace(self, **{name: False})


RULES = tuple(field.name for field in fields(Rules))


class Worker(NamedTuple):
    """What one worker knows; `claim` is the number of its lease, `version` what it brings."""

    does: str = IDLE
    claim: int = 0
    version: int = 0
    intent: int = 0  # which of the intents is its own
    saw: bool = False  # what its search has found
    searches: int = 0  # how many there were, with its own
    row: int = 0  # of the step that it has searched for, and which intent that was


class State(NamedTuple):
    """Everything that outlives a step."""

    workers: tuple[Worker, ...] = (Worker(),) * WORKERS
    delivery: str = QUEUED
    claim: int = 0  # the lease that holds, or held last
    leased: bool = False  # it has not run out
    claims: int = 0
    version: int = 1  # the next to bring
    wanted: int = 1
    intent: int = 0  # of that version: 0 is none, else its number
    intents: int = 0
    row: int = 0  # of the step: a new one where none was, the same where it is intended anew
    searches: int = 0  # that did not find it
    waited: bool = False  # the settle time has passed since the intent, or since the last search
    answered: bool = False  # the id is stored
    flying: tuple[int, ...] = ()  # requests on their way, by version
    copies: tuple[int, int] = (0, 0)  # at the destination, of each version
    latest: int = 0  # what the destination shows
    deaths: int = 0


Step = tuple[str, State]


def mine_or(worker: Worker, new: Worker) -> int:
    """Return what a worker is called in a story: the number of its claim."""
    return worker.claim or new.claim


class Model:
    """The steps that are possible in a state."""

    def __init__(
        self, rules: Rules, *, versions: int = 1, deaths: int = 1, claims: int = 3
    ) -> None:
        self.rules = rules
        self.versions = versions
        self.deaths = deaths
        self.claims = claims

    def steps(self, state: State) -> Iterator[Step]:
        yield from self._of_the_world(state)
        for number, worker in enumerate(state.workers):
            for what, new, after in self._of_a_worker(state, worker):
                others = (*after.workers[:number], *after.workers[number + 1 :])
                # Workers are alike: which of them is which makes no other state.
                workers = tuple(sorted((new, *others)))
                yield f"worker {mine_or(worker, new)} {what}", after._replace(workers=workers)

    # -- What happens by itself

    def _of_the_world(self, state: State) -> Iterator[Step]:
        if state.leased:
            yield "the lease runs out", state._replace(leased=False)
        elif state.delivery == RUNNING:
            yield "the delivery is released", state._replace(delivery=QUEUED)
        late = self.rules.nothing_arrives_after_the_settle_time
        if state.intent and not state.waited and not (late and state.flying):
            yield "the settle time passes", state._replace(waited=True)
        if state.wanted < self.versions:
            yield "another version is asked for", state._replace(wanted=state.wanted + 1)
        for at, version in enumerate(state.flying):
            left = state.flying[:at] + state.flying[at + 1 :]
            yield "a request is lost", state._replace(flying=left)
            yield "a request takes effect", self._effect(state, version)._replace(flying=left)

    def _effect(self, state: State, version: int) -> State:
        copies = list(state.copies)
        copies[version - 1] += 1
        return state._replace(copies=(copies[0], copies[1]), latest=version)

    # -- What a worker does

    def _of_a_worker(self, state: State, mine: Worker) -> Iterator[tuple[str, Worker, State]]:
        if mine.does != IDLE and state.deaths < self.deaths:
            yield "dies", Worker(), state._replace(deaths=state.deaths + 1)
        yield from getattr(self, f"_{mine.does}")(state, mine)

    def _has_lease(self, state: State, mine: Worker) -> bool:
        return state.leased and state.claim == mine.claim

    def _idle(self, state: State, mine: Worker) -> Iterator[tuple[str, Worker, State]]:
        if state.delivery == QUEUED and state.claims < self.claims:
            claim = state.claims + 1
            version = state.version if self.rules.versions_wait_for_the_one_before else state.wanted
            new = Worker(BEGUN, claim, version)
            yield (
                "claims it",
                new,
                state._replace(delivery=RUNNING, claim=claim, claims=claim, leased=True),
            )

    def _begun(self, state: State, mine: Worker) -> Iterator[tuple[str, Worker, State]]:
        if state.answered:
            yield "reads the id", mine._replace(does=SETTLE), state
        elif state.intent and self.rules.unknown_is_searched_for:
            if not state.waited:
                yield "puts it off", *self._settled(state, mine, QUEUED)
            elif self._has_lease(state, mine):
                there = bool(state.copies[mine.version - 1])
                saw = there and self.rules.search_finds_what_arrived
                searches = state.searches + 1
                looking = mine._replace(does=SEARCHED, saw=saw, searches=searches)
                yield "searches", looking._replace(row=state.row, intent=state.intent), state
        else:
            yield from self._intends(state, mine)

    def _searched(self, state: State, mine: Worker) -> Iterator[tuple[str, Worker, State]]:
        if mine.saw:
            same = state.version == mine.version
            known = state._replace(answered=True) if same else state
            yield "has found it", mine._replace(does=SETTLE), known
            return
        # Counted whatever has become of the lease meanwhile.
        counts = state.row == mine.row and state.intent and not state.answered
        if self.rules.counting_is_of_its_intent:
            counts = counts and state.intent == mine.intent
        noted = state._replace(searches=mine.searches, waited=False) if counts else state
        if mine.searches < SEARCHES and self.rules.one_search_is_not_enough:
            yield "did not find it", *self._settled(noted, mine, QUEUED)
        else:
            yield from self._intends(noted, mine)

    def _intends(self, state: State, mine: Worker) -> Iterator[tuple[str, Worker, State]]:
        if self.rules.intent_needs_the_lease and not self._has_lease(state, mine):
            yield "has lost its lease", Worker(), state
            return
        number = state.intents + 1
        if not self.rules.intent_comes_first:
            yield "goes on", mine._replace(does=READY, intent=number), state
            return
        row = state.row if state.intent else number
        written = state._replace(row=row, intent=number, intents=number, searches=0, waited=False)
        yield "writes its intent", mine._replace(does=READY, intent=number), written

    def _ready(self, state: State, mine: Worker) -> Iterator[tuple[str, Worker, State]]:
        # The time is counted from the intent: without a lease there, it is as long as with one.
        late = self.rules.intent_needs_the_lease and not self._has_lease(state, mine)
        if self.rules.nothing_is_sent_without_the_lease and late:
            yield "has no time left", mine._replace(does=REFUSED), state
            return
        sent = state._replace(flying=(*state.flying, mine.version))
        yield "sends", mine._replace(does=SENT), sent
        yield "reaches nobody", mine._replace(does=REFUSED), state

    def _sent(self, state: State, mine: Worker) -> Iterator[tuple[str, Worker, State]]:
        if state.copies[mine.version - 1] and mine.version not in state.flying:
            yield "reads the answer", mine._replace(does=DONE), state
        yield "gets no answer", mine._replace(does=UNKNOWN), state

    def _done(self, state: State, mine: Worker) -> Iterator[tuple[str, Worker, State]]:
        same = state.version == mine.version  # also when the lease is lost: it is the truth
        stored = state._replace(answered=True, intent=state.intent or mine.intent)
        yield "stores the id", mine._replace(does=SETTLE), stored if same else state

    def _refused(self, state: State, mine: Worker) -> Iterator[tuple[str, Worker, State]]:
        own = state.intent == mine.intent
        own = own or not self.rules.taking_back_is_of_ones_own_intent
        takes = own and state.version == mine.version and not state.answered
        taken = state._replace(intent=0, searches=0, waited=False) if takes else state
        yield "takes its intent back", mine._replace(does=UNKNOWN), taken

    def _unknown(self, state: State, mine: Worker) -> Iterator[tuple[str, Worker, State]]:
        yield "queues it again", *self._settled(state, mine, QUEUED)
        yield "leaves it to a person", *self._settled(state, mine, WITH_A_PERSON)

    def _settle(self, state: State, mine: Worker) -> Iterator[tuple[str, Worker, State]]:
        yield "settles it", *self._settled(state, mine, FINISHED)

    def _settled(self, state: State, mine: Worker, to: str) -> tuple[Worker, State]:
        if self.rules.settling_needs_the_lease and not (
            state.claim == mine.claim and state.delivery == RUNNING
        ):
            return Worker(), state
        if to == FINISHED and state.version < state.wanted:
            after = state._replace(
                delivery=QUEUED,
                version=state.version + 1,
                intent=0,
                searches=0,
                waited=False,
                answered=False,
            )
        else:
            after = state._replace(delivery=to)
        return Worker(), after._replace(leased=False)


# -- What may never be -----------------------------------------------------------------------------


def wrong(before: State, state: State) -> str:
    """Return what is wrong with a step; an empty string for a good one."""
    if max(state.copies) > 1:
        return "a second creation"
    if state.latest < before.latest:
        return "a version out of order"
    if state.delivery == FINISHED and not state.copies[state.version - 1]:
        return "finished, and not there"
    return ""


@dataclass(frozen=True)
class Searched:
    """What a search has found: how many states there are, and the shortest way to a wrong one."""

    states: int
    fault: str = ""
    story: tuple[str, ...] = ()


def search(model: Model) -> Searched:
    """Look at every state that can be reached, the nearest first; stop at the first wrong one."""
    first = State()
    came: dict[State, tuple[State, str] | None] = {first: None}
    queue = [first]
    for state in queue:
        for what, after in model.steps(state):
            if fault := wrong(state, after):
                return Searched(len(came), fault, (*_story(came, state), what))
            if after not in came:
                came[after] = (state, what)
                queue.append(after)
    return Searched(len(came))


def _story(came: dict[State, tuple[State, str] | None], state: State) -> tuple[str, ...]:
    story: list[str] = []
    while step := came[state]:
        state, what = step
        story.append(what)
    return tuple(reversed(story))
