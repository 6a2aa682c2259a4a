"""Which columns a CSV has, and in which order. Pure.

A column that was written once keeps its place in all later files of its destination, so that who
reads them by position is not surprised; a new one comes at the end.
"""

from collections.abc import Iterable, Iterator, Sequence

from integrations.exports.rows import Answer

FIXED = (
    "reference",
    "version",
    "action",
    "changed_at",
    "trigger",
    "listing_id",
    "listing_name",
    "status",
    "classification",
)
Column = tuple[str, str]  # what it is of, and its heading


class Columns:
    """The columns of one file, the known ones first."""

    def __init__(self, known: Iterable[Sequence[str]] = (), fields: Sequence[str] = ()) -> None:
        self._places: dict[str, int] = {}
        self._headings: list[str] = []
        self._taken: set[str] = set()
        for of, heading in known:
            self._add(of, heading)
        for name in FIXED:
            self._place(f"fixed:{name}", name)
        for name in fields:
            self.of_field(name)

    def __len__(self) -> int:
        return len(self._headings)

    @property
    def headings(self) -> Sequence[str]:
        return self._headings

    def known(self) -> list[Column]:
        """Return all columns, for the next file."""
        return list(zip(self._places, self._headings, strict=True))

    def of_field(self, name: str) -> int:
        """Return the place of a field that the mapping fills."""
        return self._place(f"field:{name}", name, f"{name} [mapping]")

    def of_answer(self, answer: Answer) -> int:
        """Return the place of a question. Where its heading is taken, it has its key as well."""
        of = f"answer:{answer.form}|{answer.key}"
        place = self._places.get(of)
        if place is not None:
            return place
        heading, form = answer.heading, answer.form
        return self._place(
            of, heading, f"{heading} [{answer.key}]", f"{heading} [{form}|{answer.key}]"
        )

    def _place(self, of: str, *headings: str) -> int:
        if of not in self._places:
            self._add(of, next(one for one in _numbered(headings) if one not in self._taken))
        return self._places[of]

    def _add(self, of: str, heading: str) -> None:
        self._places[of] = len(self._headings)
        self._headings.append(heading)
        self._taken.add(heading)


def _numbered(headings: Sequence[str]) -> Iterator[str]:
    yield from headings
    number = 2
    while True:
        yield f"{headings[-1]} ({number})"
        number += 1
