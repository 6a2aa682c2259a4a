"""What a destination can do, in every combination that makes sense, and a choice of them.

The choice holds each pair of two options' values that occurs in any combination: most faults need
no more than two options to meet.
"""

from itertools import combinations
from typing import Any

from integrations.destinations.demo import contract

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


def _pairs(shape: Shape) -> set[frozenset[tuple[str, Any]]]:
    return {frozenset(pair) for pair in combinations(sorted(shape.items()), 2)}
