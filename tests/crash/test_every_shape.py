"""Killed at any point, whatever a destination can do: each version once, in order; removed once.

The shapes are those of the demo destination that hold every pair of its options. What nobody can
tell is asked of a person, who looks and says truthfully what is there.
"""

import json
from typing import Any

import pytest
from django.contrib.auth.models import User

from integrations import destinations
from integrations.destinations.demo import transport as demo
from integrations.models import Destination, TriggerConfig
from mapping.editing.exchange import install_shipped
from referrals import delivering
from referrals.intake import opening
from referrals.models import Delivery, InboundEvent, Referral, Version
from tests.crash.cells import Cells
from tests.crash.laboratory import KILLED, Laboratory, Report, receive, until_settled
from tests.crash.points import Points
from tests.crash.shapes import (
    Shape,
    effects_in,
    every_shape,
    look_and_answer,
    name_of,
    pairwise,
)
from tests.world import options, plain

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.long]

ONE_OF = 20  # points is in a sample
PERSONS_TURNS = 6
SHAPES = pairwise(every_shape())
RECEIVED, EDITED, REVOKED = (
    json.dumps(message).encode()
    for message in (
        plain(),
        plain("referral.edited", number=2, reason="another"),
        plain("referral.revoked", number=3),
    )
)


def messages_of(shape: Shape) -> list[bytes]:
    return [RECEIVED, EDITED, *([REVOKED] if shape["removes"] else [])]


def expected(shape: Shape) -> list[str]:
    """Return what a destination of this shape has in the end, in order."""
    more = shape["updates"] != "once" or shape["by_hand"]
    return ["1 put", *(["2 put"] if more else []), *(["3 remove"] if shape["removes"] else [])]


class Shaped:
    """A destination of one shape, tried in the laboratory."""

    def __init__(self, laboratory: Laboratory, shape: Shape) -> None:
        self.laboratory, self.shape = laboratory, shape
        self.effects = laboratory.folder / "effects.jsonl"

    def begin(self) -> None:
        self.laboratory.begin()
        self.effects.unlink(missing_ok=True)
        for run in self.effects.with_suffix(".runs").glob("*"):
            run.unlink()

    def killed_at(self, fatal: int | None) -> list[Any]:
        """Bring all versions, killed at the fatal point; return the points that were reached."""

        def work(report: Report) -> None:
            self._set_up()
            watched = Points(fatal)
            with watched.watched():
                for body in messages_of(self.shape):
                    receive(body, lambda _: None)
                    opening.open_deliveries(self._unopened())
                    self._bring()
                self._send_by_hand()
            report([(point.number, point.name) for point in watched.reached])

        ended = self.laboratory._forked(work)
        assert ended.status == (KILLED if fatal else 0)
        return ended.lines[-1] if ended.lines else []

    def resume(self) -> str:
        """Let all be sent again and go on until nothing is due; return the delivery's state."""

        def work(report: Report) -> None:
            self._set_up()  # the laboratory has set up its own kind again
            for body in messages_of(self.shape):
                receive(body, lambda _: None)
                self._settle()
            self._send_by_hand()
            self._settle()
            report(Delivery.objects.get().state)

        ended = self.laboratory._forked(work)
        assert ended.status == 0
        state: str = ended.lines[-1]
        return state

    def there(self) -> list[str]:
        """Return which versions the destination has, in the order in which they came."""
        if self.shape["batches"]:
            rows = [row for run in demo.finished_runs(self.effects).values() for row in run]
            return sorted(f"{row['number']} {row['action']}" for row in rows)
        effects = effects_in(self.effects)
        assert len({json.dumps(one) for one in effects}) == len(effects), effects
        words = {"referral": "put", "remove": "remove"}
        return [f"{one['number']} {words[one['step']]}" for one in effects if one["step"] in words]

    # -- What the processes do -------------------------------------------------------------

    def _set_up(self) -> None:
        shipped = destinations.default_mapping("demo")
        assert shipped
        mapping = install_shipped("demo", shipped)
        TriggerConfig.objects.update(mapping=mapping, on=["received", "edited"])
        destination = Destination.objects.get()
        destination.kind = "demo"
        given = {**self.shape, "effects_file": str(self.effects)}
        destination.options = options("demo", **given)
        destination.save()
        User.objects.get_or_create(username="person")

    def _unopened(self) -> Any:
        return InboundEvent.objects.filter(state="received").values_list("pk", flat=True).get()

    def _bring(self) -> None:
        if self.shape["batches"]:
            delivering.carry_due(Destination.objects.get().pk)
        else:
            delivering.run(Delivery.objects.get().pk)

    def _send_by_hand(self) -> None:
        """Let a person send it again, and once more when they did not see that it was queued."""
        if self.shape["by_hand"] and Version.objects.count() < 2:
            person = User.objects.get()
            delivering.send_by_hand(Referral.objects.get(), Destination.objects.get(), person)
            self._bring()

    def _settle(self) -> None:
        until_settled()
        for _ in range(PERSONS_TURNS):
            delivery = Delivery.objects.get()
            if delivery.reason != "unconfirmed":
                return
            look_and_answer(delivery, self.effects)
            until_settled()


@pytest.fixture(params=SHAPES, ids=name_of)
def shaped(request: pytest.FixtureRequest, laboratory: Laboratory) -> Shaped:
    return Shaped(laboratory, request.param)


def test_the_shapes_hold_every_pair_of_options() -> None:
    assert len(SHAPES) < len(every_shape())
    for name in ("removes", "by_hand", "batches", "repeatable", "look_up"):
        assert {shape[name] for shape in SHAPES} == {True, False}
    assert {shape["updates"] for shape in SHAPES} == {"once", "each", "latest"}


@pytest.mark.postgres
def test_a_death_anywhere_leaves_each_version_there_once_and_in_order(
    shaped: Shaped, cells: Cells, subtests: pytest.Subtests
) -> None:
    shaped.begin()
    points = shaped.killed_at(None)
    assert shaped.there() == expected(shaped.shape)
    assert len(points) > 30
    for number, name in cells.one_of(ONE_OF, points):
        with subtests.test(killed=f"{number:03} {name}"):
            shaped.begin()
            shaped.killed_at(number)
            state = shaped.resume()
            assert shaped.there() == expected(shaped.shape)
            assert state == ("dismissed" if shaped.shape["removes"] else "imported")
