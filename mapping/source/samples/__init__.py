"""Invented referrals that ship with Dovetail, to try a mapping with. Nobody in them exists."""

import json
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from core.text.sentences import Term as _
from mapping.source.document import Document

_LABELS = {
    "complete": _("Complete referral"),
    "long_french": _("Long names, in French"),
    "minimal": _("Only what must be there"),
    "many_answers": _("Many form answers"),
}


@dataclass(frozen=True, slots=True)
class Sample:
    """An invented referral, by a key and the name that people choose it by."""

    key: str
    label: str
    document: Document = field(repr=False)


@cache
def samples() -> tuple[Sample, ...]:
    """Return all of them, the one to begin with first."""
    return tuple(Sample(key, label, _read(key)) for key, label in _LABELS.items())


def sample(key: str) -> Sample | None:
    """Return the sample with this key, or None."""
    return next((one for one in samples() if one.key == key), None)


def _read(key: str) -> Document:
    file = Path(__file__).parent / f"{key}.json"
    document: Document = json.loads(file.read_text(encoding="utf-8"))
    return document
