"""What is listed elsewhere, as rows of text, before it is compared with what is here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

COLUMNS = ("id", "name", "category", "active", "organization")
NEEDED = ("id", "name")
MAX_ROWS = 2000  # more than any organization has; it bounds the time that a preview takes


class Unreadable(Exception):
    """Nothing can be taken from this file or answer. `message` is a sentence for people."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True)
class Offer:
    """Listings as they are elsewhere.

    `columns` are those of COLUMNS that were given; each row has a text for each. `places` say
    where each row stands ("row 3"). `complete`: what is not in it is not listed there any more.
    `notes` are sentences about how it was read.
    """

    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    places: Sequence[str]
    complete: bool = False
    notes: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the same as values of JSON, for `from_json`."""
        return {**vars(self)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Offer":
        """Return the offer that `as_json` wrote."""
        return cls(
            tuple(value["columns"]),
            [tuple(row) for row in value["rows"]],
            value["places"],
            value["complete"],
            tuple(value["notes"]),
        )
