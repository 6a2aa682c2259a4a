"""The fields of a record that a destination kind takes."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from functools import cache

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


@dataclass(frozen=True, slots=True)
class Takes:
    """What a destination kind takes: its fields, and which others mappings may fill."""

    fields: tuple[TargetField, ...] = ()
    own: Own = Own.NOTHING


_known: dict[str, Callable[[], Takes]] = {}
_labels: dict[str, Callable[[], str]] = {}


def register(kind: str, takes: Callable[[], Takes], label: Callable[[], str] | None = None) -> None:
    """Make a destination kind known to mappings.

    `takes` and `label`, its name for people, are called when they need to know.
    """
    _known[kind] = cache(takes)
    if label:
        _labels[kind] = label


def kind_label(kind: str) -> str:
    """Return the name of a kind for people; the kind itself when its folder is gone."""
    label = _labels.get(kind)
    return label() if label else kind


def takes_any(kind: str) -> Own:
    """Return which fields of their own mappings for a kind may fill."""
    return _of(kind).own


def target_fields(kind: str) -> tuple[TargetField, ...]:
    """Return the fields of a destination kind; empty when the kind is unknown."""
    return _of(kind).fields


def kinds() -> tuple[str, ...]:
    """Return the destination kinds that take mapped records."""
    return tuple(sorted(_known))


def _of(kind: str) -> Takes:
    takes = _known.get(kind)
    return takes() if takes else Takes()
