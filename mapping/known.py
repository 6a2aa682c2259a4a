"""The rules and value tables of mappings, read once for each time that a mapping was saved.

Whatever changes them saves the mapping in the same transaction (`mapping.editing.exchange`), so its
`changed_at` is the version of all that belongs to it. Who delivers has read it just now.
"""

from collections.abc import Mapping as Dict
from dataclasses import dataclass, field
from datetime import datetime

from mapping.engine.engine import Rule
from mapping.models import Mapping


@dataclass(frozen=True, slots=True)
class Parts:
    """What the engine takes of a mapping; nobody changes it."""

    rules: tuple[Rule, ...] = field(repr=False)
    tables: Dict[str, Dict[str, str]] = field(repr=False)


_known: dict[int, tuple[datetime, Parts]] = {}  # by mapping; one entry each, whatever is edited


def parts_of(mapping: Mapping) -> Parts:
    """Return the parts of a mapping as it was when it was read, or newer."""
    at, parts = _known.get(mapping.pk, (None, None))
    if parts is None or at != mapping.changed_at:
        parts = Parts(mapping.engine_rules(), mapping.engine_tables())
        _known[mapping.pk] = mapping.changed_at, parts
    return parts


def forget() -> None:
    """Forget all that was read: where databases are exchanged under a process, as in tests."""
    _known.clear()
