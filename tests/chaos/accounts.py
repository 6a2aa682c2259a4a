"""What real counterparts have in the end, against what the portal says of it."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from django.contrib.auth.models import User
from django.db import close_old_connections

from integrations.models import Destination
from referrals import delivering
from referrals.delivering import resyncing
from referrals.models import Delivery, Referral, Run, Version
from tests.chaos.books import unsettled
from tests.counterparts import PUT, REMOVE, Came, Counterpart, Files, Mail, kept_of

Troubles = Iterator[tuple[str, str]]  # the kind, and a sentence
WORDS = ("lost", "doubled", "disordered", "left")


class Accounts:
    """The counterparts of a run by the names of their destinations, and who answers for them."""

    def __init__(self, counterparts: Mapping[str, Counterpart]) -> None:
        self.counterparts = counterparts
        self.by_hand: Counter[str] = Counter()  # how often, by reference
        self.asked: Counter[str] = Counter()  # by reason

    def is_settled(self) -> bool:
        return not any(True for _ in unsettled())

    # -- A person ------------------------------------------------------------------------------

    def send_by_hand(self, reference: str) -> bool:
        """Send the referral by hand wherever that may be; False where it is not here yet."""
        close_old_connections()
        referral = Referral.objects.filter(reference=reference).first()
        if referral is None:
            return False
        person, _ = User.objects.get_or_create(username="person")
        for destination in Destination.objects.filter(name__in=self.counterparts):
            if destination.transport().by_hand:
                delivering.send_by_hand(referral, destination, person)
        self.by_hand[reference] += 1
        return True

    def answer(self) -> None:
        """Look where nobody knows, and say what is there; let go again what has failed."""
        close_old_connections()
        waiting = Delivery.objects.filter(state=Delivery.State.NEEDS_ATTENTION)
        for delivery in waiting.select_related("destination"):
            self.asked[delivery.reason] += 1
            if delivery.reason == Delivery.Reason.UNCONFIRMED:
                self._look_and_answer(delivery)
            else:
                delivering.retry(delivery)

    def _look_and_answer(self, delivery: Delivery) -> None:
        step = delivering.decisions.deciding._open_step(delivery)
        assert step
        version = str(step.version_id)
        came = {one.version for one in self.counterparts[delivery.destination.name].came()}
        if version in came:
            delivering.confirm_present(delivery, version)
        else:
            delivering.confirm_absent(delivery)

    # -- What was found ------------------------------------------------------------------------

    def report(self, messages: Mapping[str, int], revoked: set[str]) -> bool:
        """Print a line for each destination, and every trouble; return whether there is none.

        `messages` says how many were sent of each referral, `revoked` included.
        """
        found = 0
        for name, counterpart in self.counterparts.items():
            account = Account(name, counterpart, messages, revoked, self.by_hand)
            troubles = list(account.troubles())
            kinds = Counter(kind for kind, _ in troubles)
            counts = ", ".join(f"{kinds[kind]} {kind}" for kind in WORDS)
            print(f"{name}: {account.summed_up()}; {counts}")
            for kind, sentence in troubles:
                print(f"    {kind}: {sentence}")
            found += len(troubles)
        kept = list(kept_of(revoked))
        print(f"kept here of {len(revoked)} people who were revoked: {kept or 'nothing'}")
        print(f"a person was asked: {dict(self.asked) or 'never'}")
        left = [str(one.pk) for one in unsettled()]
        print(f"not settled: {left or 'nothing'}", flush=True)
        return not (found or kept or left)


class Account:
    """What one counterpart has, and what it should have."""

    def __init__(
        self,
        name: str,
        counterpart: Counterpart,
        messages: Mapping[str, int],
        revoked: set[str],
        by_hand: Mapping[str, int],
    ) -> None:
        self.counterpart = counterpart
        self.messages, self.revoked, self.by_hand = messages, revoked, by_hand
        self.destination = Destination.objects.get(name=name)
        self.deliveries = {one.reference: one for one in self.destination.deliveries.all()}
        self.versions = {
            str(one.pk): one
            for one in Version.objects.filter(delivery__destination=self.destination)
        }
        self.came = list(map(self._numbered, counterpart.came()))

    def _numbered(self, came: Came) -> Came:
        """Return what came with its reference and number, where only the version's id is said."""
        if came.reference:
            return came
        version = self.versions[came.version]
        reference = self.deliveries_by_id[version.delivery_id].reference
        return Came(reference, came.action, version.number, came.version)

    @property
    def deliveries_by_id(self) -> dict[Any, Delivery]:
        return {one.pk: one for one in self.deliveries.values()}

    def summed_up(self) -> str:
        """Say how much there was to do."""
        states = Counter(str(one.state) for one in self.versions.values())
        counts = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
        runs = self.destination.runs.count()
        return f"{len(self.came)} came of {counts} ({runs} runs)"

    # -- What is wrong -------------------------------------------------------------------------

    def troubles(self) -> Troubles:
        for reference in self.messages:
            came = [one for one in self.came if one.reference == reference]
            delivery = self.deliveries.get(reference)
            yield from self._of_counts(reference, came)
            if reference in self.revoked:
                yield from self._of_a_revoked_one(reference, came, delivery)
            elif delivery is None:
                yield "lost", f"{reference} has no delivery"
            else:
                yield from self._of_the_latest(delivery, came)
        if isinstance(self.counterpart, Files):
            yield from self._of_lists(self.counterpart)
        if self.destination.transport().comparable:
            for table, one in resyncing.compare(self.destination).items():
                if not one.equal:
                    yield "lost", f"{table} is not as it was last written"

    def _of_counts(self, reference: str, came: list[Came]) -> Troubles:
        numbers = [one.number for one in came]
        if not self.counterpart.at_least_once:
            for number, count in Counter(numbers).items():
                if count > 1:
                    yield "doubled", f"version {number} of {reference} came {count} times"
            return
        if numbers != sorted(numbers):
            yield "disordered", f"{reference} came as {numbers}"
        for number in set(numbers):
            contents = {(one.version, one.content) for one in came if one.number == number}
            if len(contents) > 1:
                yield "doubled", f"version {number} of {reference} came under ids or bodies"

    def _of_a_revoked_one(
        self, reference: str, came: list[Came], delivery: Delivery | None
    ) -> Troubles:
        for place in self.counterpart.left_of(reference):
            yield "left", f"{reference}: {place}"
        if not came or delivery is None:
            return
        if self.counterpart.removes and came[-1].action != REMOVE and not self._lists():
            yield "lost", f"the removal of {reference}"
        if not self.counterpart.removes and delivery.error_at is None:
            yield "left", f"nobody was notified of {reference}"
        contents = " ".join([delivery.message, *delivery.corrections])
        for name in self._lists():
            of_it = [one for one in self._rows(name) if one.reference == reference]
            if any(one.action == PUT for one in of_it) and name not in contents:
                yield "left", f"nobody was notified of {reference} in {name}"

    def _lists(self) -> list[str]:
        return list(self.counterpart.rows()) if isinstance(self.counterpart, Files) else []

    def _rows(self, name: str) -> list[Came]:
        assert isinstance(self.counterpart, Files)
        return self.counterpart.rows()[name]

    def _of_the_latest(self, delivery: Delivery, came: list[Came]) -> Troubles:
        reference = delivery.reference
        count = self.messages[reference]
        if isinstance(self.counterpart, Mail):
            count = 1 + self.by_hand.get(reference, 0)
        numbers = {one.number for one in came}
        if delivery.wanted != count or delivery.done != count:
            yield "lost", f"{reference} is at {delivery.done} of {delivery.wanted}, not at {count}"
        if count not in numbers:
            yield "lost", f"version {count} of {reference}"
        for version in self.versions.values():
            is_missing = version.number not in numbers and version.delivery_id == delivery.pk
            accepted = version.state == Version.State.ACCEPTED
            if is_missing and accepted and not self.counterpart.latest_alone:
                yield "lost", f"version {version.number} of {reference} counts as accepted"

    def _of_lists(self, files: Files) -> Troubles:
        there = files.hashes()
        done = self.destination.runs.filter(state=Run.State.DONE).exclude(name="")
        listed = dict(done.values_list("name", "sha256"))
        for name in there.keys() ^ listed.keys():
            yield ("lost" if name in listed else "doubled"), f"{name} is only on one side"
        for name in there.keys() & listed.keys():
            if there[name] != listed[name]:
                yield "lost", f"{name} is not what its hash says"
        for name in files.unfinished():
            yield "left", f"{name} is unfinished"
