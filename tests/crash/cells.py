"""Which cells of the crash matrix are tried: all, or a sample; and how many, for the report."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

PARTS = 4  # of the matrix, so that pytest's workers share it

Cell = TypeVar("Cell")


@dataclass(frozen=True)
class Cells:
    """Chooses cells. `tests.run` finds in the report how many were tried, of how many."""

    whole: bool
    record: Callable[[str, object], None]

    def of_part(
        self, part: int, cells: Sequence[Cell], sample: Callable[[list[Cell]], list[Cell]]
    ) -> list[Cell]:
        """Return the cells of a part of the matrix; without `--whole`, of a sample of it."""
        every = list(cells)
        tried = every if self.whole else sample(every)
        return self._recorded(tried[part::PARTS], every[part::PARTS])

    def one_of(self, number: int, cells: Sequence[Cell]) -> list[Cell]:
        """Return all cells; without `--whole`, one of every `number`."""
        every = list(cells)
        return self._recorded(every if self.whole else every[::number], every)

    def _recorded(self, tried: list[Cell], every: list[Cell]) -> list[Cell]:
        self.record("cells", f"{len(tried)}/{len(every)}")
        return tried
