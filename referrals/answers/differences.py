"""What of a referral differs since it was imported, in the words of its summary. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import zip_longest
from zoneinfo import ZoneInfo

from mapping.source.document import Document
from referrals.summary.layout import GLANCE, Sheet, sheet

Entries = dict[tuple[str, str], list[str]]  # what is said under a section and a label


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is said otherwise now; empty where it is not said at all."""

    section: str
    label: str
    before: str
    now: str


def differences(before: Document, now: Document, time_zone: ZoneInfo) -> list[Difference]:
    """Return what differs, in the order of the summary."""
    old, new = _entries(sheet(before, time_zone)), _entries(sheet(now, time_zone))
    return [
        Difference(section, label, was, is_now)
        for section, label in dict.fromkeys((*new, *old))
        for was, is_now in _changes(old.get((section, label), []), new.get((section, label), []))
    ]


def _entries(laid_out: Sheet) -> Entries:
    entries: Entries = {}
    sections = [(GLANCE, laid_out.facts), *((s.title, s.entries) for s in laid_out.sections)]
    for title, text in sections:
        for entry in text:
            entries.setdefault((title, entry.label), []).append(
                " · ".join(part for part in (entry.value, entry.remark, entry.caution) if part)
            )
    return entries


def _changes(old: Sequence[str], new: Sequence[str]) -> Iterator[tuple[str, str]]:
    matcher = SequenceMatcher(a=old, b=new, autojunk=False)
    for kind, i, j, k, m in matcher.get_opcodes():
        if kind != "equal":
            yield from zip_longest(old[i:j], new[k:m], fillvalue="")
