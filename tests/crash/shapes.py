"""What a destination can do, in every combination that makes sense, and a choice of them.

The choice holds each pair of two options' values that occurs in any combination: most faults need
no more than two options to meet. What such a destination has, and who looks there, is here too.
"""

import json
from itertools import combinations
from pathlib import Path
from typing import Any

from integrations.destinations.demo import contract
from integrations.destinations.demo import transport as demo
from referrals import delivering
from referrals.models import Delivery

Shape = dict[str, Any]  # options of the demo destination


def every_shape() -> list[Shape]:
    """Return the combinations; what knows no id can be searched, or nobody can tell."""
    known = list(contract.variants().values())
    unsearchable = [{**one, "look_up": False} for one in known if not one["repeatable"]]
    return [{"look_up": True, **one} for one in (*known, *unsearchable)]


def pairwise(shapes: list[Shape]) -> list[Shape]:
    """Return few shapes that hold every pair of values that the shapes hold."""
    left = {pair for shape in shapes for pair in _pairs(shape)}
    chosen = []
    while left:
        best = max(shapes, key=lambda shape: len(left & _pairs(shape)))
        left -= _pairs(best)
        chosen.append(best)
    return chosen


def name_of(shape: Shape) -> str:
    named = (name for name, value in shape.items() if value is True)
    return " ".join([shape["updates"], *named])


def effects_in(file: Path) -> list[dict[str, Any]]:
    """Return what the destination with this file of effects was given one by one, in order."""
    lines = file.read_text().splitlines() if file.exists() else []
    return [json.loads(line) for line in lines]


def look_and_answer(delivery: Delivery, file: Path) -> None:
    """Do what a person is asked to do when a delivery is unconfirmed."""
    step = delivering.decisions.deciding._open_step(delivery)
    assert step
    found = [
        one
        for one in effects_in(file)
        if (one["reference"], one["step"]) == (delivery.reference, step.name)
        and one["version"] in ("", str(step.version_id))
    ]
    if found:
        assert delivering.confirm_present(delivery, demo.Effect(**found[0]).external_id)
    else:
        assert delivering.confirm_absent(delivery)


def _pairs(shape: Shape) -> set[frozenset[tuple[str, Any]]]:
    return {frozenset(pair) for pair in combinations(sorted(shape.items()), 2)}
