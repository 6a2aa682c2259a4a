"""What destinations of every shape have in the end, against what the portal says of it."""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.db import close_old_connections
from django.db.models import Exists, OuterRef, Q

from integrations.destinations.demo import transport as demo
from integrations.models import Destination
from referrals import delivering
from referrals.models import Delivery, InboundEvent, Referral, Run, Step, Version
from tests.crash.shapes import Shape, effects_in, every_shape, look_and_answer, name_of

STEPS = {"referral": "put", "remove": "remove"}
FILES = 2  # of each version that goes by itself: the summary and the attachment
Troubles = Iterator[tuple[str, str]]  # the kind, and a sentence


def shapes(only: str | None) -> dict[str, Shape]:
    """Return the shapes by name, or the one that is asked for."""
    found = {name_of(shape): shape for shape in every_shape()}
    if only is not None and only not in found:
        raise SystemExit("There are these shapes:\n" + "\n".join(found))
    return found if only is None else {only: found[only]}


class Books:
    """The destinations of a run, and the person who answers for them."""

    def __init__(self, directory: Path, chosen: Mapping[str, Shape]) -> None:
        self.places = {
            name: Place(name, shape, directory / f"{number}.jsonl")
            for number, (name, shape) in enumerate(chosen.items())
        }
        self.by_hand: Counter[str] = Counter()  # how often, by reference
        self.asked: Counter[str] = Counter()  # by reason

    def options(self) -> dict[str, dict[str, Any]]:
        return {
            place.name: {**place.shape, "effects_file": str(place.effects)}
            for place in self.places.values()
        }

    # -- A person ------------------------------------------------------------------------------

    def send_by_hand(self, reference: str) -> bool:
        """Send the referral by hand wherever that may be; False where it is not here yet."""
        close_old_connections()
        referral = Referral.objects.filter(reference=reference).first()
        if referral is None:
            return False
        person, _ = User.objects.get_or_create(username="person")
        for place in self.places.values():
            if place.shape["by_hand"]:
                delivering.send_by_hand(referral, place.destination(), person)
        self.by_hand[reference] += 1
        return True

    def answer(self) -> None:
        """Look where nobody knows, and say what is there; let go again what has failed."""
        close_old_connections()
        waiting = Delivery.objects.filter(state=Delivery.State.NEEDS_ATTENTION)
        for delivery in waiting.select_related("destination"):
            self.asked[delivery.reason] += 1
            if delivery.reason == Delivery.Reason.UNCONFIRMED:
                look_and_answer(delivery, self.places[delivery.destination.name].effects)
            else:
                delivering.retry(delivery)

    def is_settled(self) -> bool:
        return not any(True for _ in unsettled())

    # -- What was found ------------------------------------------------------------------------

    def report(self, messages: Mapping[str, int], revoked: set[str]) -> bool:
        """Print a line for each shape, and every trouble; return whether there is none.

        `messages` says how many were sent of each referral, `revoked` included.
        """
        expected = Expected(messages, revoked, self.by_hand)
        found = 0
        for place in self.places.values():
            troubles = list(place.troubles(expected))
            kinds = Counter(kind for kind, _ in troubles)
            counts = ", ".join(
                f"{kinds[kind]} {kind}" for kind in ("lost", "doubled", "disordered")
            )
            print(f"{place.name}: {place.summed_up()}; {counts}")
            for kind, sentence in troubles:
                print(f"    {kind}: {sentence}")
            found += len(troubles)
        print(f"a person was asked: {dict(self.asked) or 'never'}")
        left = [str(one.pk) for one in unsettled()]
        print(f"not settled: {left or 'nothing'}", flush=True)
        return not (found or left)


def unsettled() -> Iterator[Any]:
    """Yield what is still to be opened, or to be brought."""
    close_old_connections()
    yield from InboundEvent.objects.filter(state=InboundEvent.State.RECEIVED)
    ended = Q(state__in=[Delivery.State.IMPORTED, Delivery.State.DISMISSED], due_at=None)
    yield from Delivery.objects.exclude(ended)


@dataclass(frozen=True, slots=True)
class Expected:
    """What was sent, by reference."""

    messages: Mapping[str, int]
    revoked: set[str]
    by_hand: Mapping[str, int]

    def versions(self, reference: str, shape: Shape) -> int:
        """Return how many versions a referral has that was not revoked."""
        if shape["updates"] == "once":
            return 1 + (self.by_hand[reference] if shape["by_hand"] else 0)
        return self.messages[reference]


@dataclass(frozen=True, slots=True)
class There:
    """One thing that a destination has of a referral, or was told to remove."""

    reference: str
    number: int
    action: str
    version: str


class Place:
    """A destination of one shape."""

    def __init__(self, name: str, shape: Shape, effects: Path) -> None:
        self.name, self.shape, self.effects = name, shape, effects

    def destination(self) -> Destination:
        return Destination.objects.get(name=self.name)

    def there(self) -> list[There]:
        """Return what is there, in the order in which it came."""
        if self.shape["batches"]:
            return [There(**row) for run in self._runs() for row in run]
        return [
            There(one["reference"], one["number"], STEPS[one["step"]], one["version"])
            for one in effects_in(self.effects)
            if one["step"] in STEPS
        ]

    def _runs(self) -> list[list[dict[str, Any]]]:
        """Return the rows of each file, in the order of the runs."""
        files = demo.finished_runs(self.effects)
        order = self.destination().runs.order_by("until").values_list("name", flat=True)
        known = [name for name in order if name in files]
        return [files[name] for name in (*known, *(files.keys() - set(known)))]

    def summed_up(self) -> str:
        """Say how much there was to do."""
        versions = Version.objects.filter(delivery__destination__name=self.name)
        counts = Counter(versions.values_list("state", flat=True))
        states = ", ".join(f"{count} {state}" for state, count in sorted(counts.items()))
        removed = versions.filter(action=Version.Action.REMOVE).count()
        runs = Run.objects.filter(destination__name=self.name).count()
        after = versions.filter(Exists(self._successes_before())).count()
        return f"{states} ({after} after a success, {removed} removals, {runs} runs)"

    def _successes_before(self) -> Any:
        if self.shape["batches"]:
            return Version.objects.filter(
                delivery=OuterRef("delivery"), run__ended_at__lt=OuterRef("asked_at")
            )
        return Step.objects.filter(
            delivery=OuterRef("delivery"), name="referral", done_at__lt=OuterRef("asked_at")
        )

    # -- What is wrong -------------------------------------------------------------------------

    def troubles(self, expected: Expected) -> Troubles:
        by_reference: dict[str, list[There]] = {reference: [] for reference in expected.messages}
        for one in self.there():
            by_reference[one.reference].append(one)
        deliveries = Delivery.objects.filter(destination__name=self.name)
        by_delivery = {delivery.reference: delivery for delivery in deliveries}
        for reference, there in by_reference.items():
            yield from self._out_of_order(reference, there)
            delivery = by_delivery.get(reference)
            if delivery:
                yield from self._of_delivery(delivery, there, expected)
            elif reference not in expected.revoked:
                yield "lost", f"{reference} has no delivery"
        yield from self._of_runs() if self.shape["batches"] else self._of_effects()

    def _out_of_order(self, reference: str, there: list[There]) -> Troubles:
        numbers = [one.number for one in there]
        for number, count in Counter(numbers).items():
            if count > 1:
                yield "doubled", f"version {number} of {reference} is there {count} times"
        if numbers != sorted(numbers):
            yield "disordered", f"{reference} came as {numbers}"
        if any(one.action == "remove" for one in there[:-1]):
            yield "disordered", f"{reference} came again after its removal"

    def _of_delivery(self, delivery: Delivery, there: list[There], expected: Expected) -> Troubles:
        reference, numbers = delivery.reference, {one.number for one in there}
        accepted = delivery.versions.filter(state=Version.State.ACCEPTED)
        for version in accepted:
            if version.number not in numbers:
                yield "lost", f"version {version.number} of {reference} counts as accepted"
        if reference in expected.revoked:
            if self.shape["removes"] and there and there[-1].action != "remove":
                yield "lost", f"the removal of {reference}"
            return
        count = expected.versions(reference, self.shape)
        if delivery.wanted != count:
            yield "lost", f"{reference} has {delivery.wanted} versions, not {count}"
        if delivery.done != delivery.wanted:
            yield "lost", f"{reference} has come to version {delivery.done} of {delivery.wanted}"
        every = self.shape["updates"] == "each"
        if every and accepted.count() != count:
            yield "lost", f"{reference} has {accepted.count()} accepted versions, not {count}"
        newest: Any = delivery.versions.latest("number").document
        newest_text = f"message {expected.messages[reference]}"
        if self.shape["updates"] != "once" and newest["reason"] != newest_text:
            yield "lost", f"the newest version of {reference} does not say “{newest_text}”"

    def _of_effects(self) -> Troubles:
        """Find what was done twice, and accepted versions without their files."""
        counted = Counter(json.dumps(one) for one in effects_in(self.effects))
        for effect, count in counted.items():
            if count > 1:
                yield "doubled", f"{count} times {effect}"
        accepted = Version.objects.filter(
            delivery__destination__name=self.name,
            state=Version.State.ACCEPTED,
            action=Version.Action.PUT,
        )
        files: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for one in effects_in(self.effects):
            if one["step"] not in STEPS:
                files[one["version"] or one["reference"]].append(one)
        for version in accepted.select_related("delivery"):
            own = files[str(version.pk)] or files[version.delivery.reference]
            if self.shape["repeatable"]:  # what comes again under the same id takes its place
                own = list({one["step"]: one for one in own}.values())
            if len(own) != FILES:
                kind = "lost" if len(own) < FILES else "doubled"
                yield kind, f"version {version.pk} has {len(own)} files there: {own}"

    def _of_runs(self) -> Troubles:
        """Find rows that are in no finished run, or in two, and runs that are not as they say."""
        rows = Counter(one.version for one in self.there())
        for version, count in rows.items():
            if count > 1:
                yield "doubled", f"version {version} is in {count} runs"
        files = {path.name: path for path in self.effects.with_suffix(".runs").glob("*.jsonl")}
        runs = self.destination().runs.all()
        done = {run.name: run for run in runs if run.state == Run.State.DONE}
        for name in done.keys() ^ files.keys():
            yield ("lost" if name in done else "doubled"), f"run {name} is only on one side"
        for name, run in done.items():
            content = files[name].read_bytes() if name in files else b""
            if hashlib.sha256(content).hexdigest() != run.sha256:
                yield "lost", f"run {name} is not what its hash says"
            if len(content.splitlines()) != run.rows:
                yield "lost", f"run {name} does not have {run.rows} rows"
