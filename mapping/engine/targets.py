"""The fields of a record that a destination kind takes."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from core.text.sentences import Term as _


class Own(IntEnum):
    """What mappings for a kind may fill beside its target fields. `KEYS` is what True means."""

    NOTHING = 0
    KEYS = 1  # dotted, such as client.pronouns
    HEADINGS = 2  # of columns: any text in one line


@dataclass(frozen=True, slots=True)
class TargetField:
    """One field that a destination takes.

    `key` is dotted (`client.first_name`); `max_length` counts characters. The one field that
    `takes_rest` receives, as plain text, everything that no rule has used.
    """

    key: str
    label: str
    group: str = ""
    required: bool = False
    max_length: int | None = None
    takes_rest: bool = False


OWN = _("Fields of your own")  # the group of what a mapping for an open kind fills besides

_fields: dict[str, tuple[TargetField, ...]] = {}
_open: dict[str, Own] = {}


def register(kind: str, fields: Sequence[TargetField], *, is_open: Own | bool = False) -> None:
    """Make the target fields of a destination kind known to mappings.

    `is_open`: mappings may fill others, too.
    """
    _fields[kind] = tuple(fields)
    _open[kind] = Own(is_open)


def takes_any(kind: str) -> Own:
    """Return which fields of their own mappings for a kind may fill."""
    return _open.get(kind, Own.NOTHING)


def target_fields(kind: str) -> tuple[TargetField, ...]:
    """Return the fields of a destination kind; empty when the kind is unknown."""
    return _fields.get(kind, ())


def kinds() -> tuple[str, ...]:
    """Return the destination kinds that take mapped records."""
    return tuple(sorted(_fields))
