"""What a destination can do, and how that is known: nothing is assumed.

A capability is *unproven* until a test has proved or disproved it, or a person has declared it.
Until it is proved or declared, the safe way is taken: look, else ask a person.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from core.text.sentences import loaded, stored


class Capability(StrEnum):
    RECOGNIZES_KEYS = "recognizes_keys"  # a file sent twice under one idempotency key is kept once
    LISTS_FILES = "lists_files"  # with their hashes: a file that is not listed is not there
    SEARCH_FINDS = "search_finds"  # it gives exactly the referral that is there
    SEARCH_FILTERS = "search_filters"  # and nothing for a reference that is not there


PROVED_BY_READING = (Capability.SEARCH_FINDS, Capability.LISTS_FILES)


@dataclass(frozen=True, slots=True)
class Finding:
    """What a test, or an answer, has shown of a capability.

    `because` says in a sentence why it is disproved; `refused`: the destination would not even be
    asked, which is asked anew each day.
    """

    yes: bool
    because: str = ""
    refused: bool = False


# What was shown of each; None: what was known of it is not certain any more.
Shown = Mapping[Capability, Finding | None]


class How(StrEnum):
    """How a capability is known."""

    UNPROVEN = "unproven"
    PROVED = "proved"
    DISPROVED = "disproved"
    DECLARED = "declared"
    DECLARED_AT_UPGRADE = "declared_at_upgrade"


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of one capability, since when, and by whom it was declared."""

    capability: Capability
    how: How = How.UNPROVEN
    yes: bool = False
    at: datetime | None = None
    by: str = ""
    because: str = ""


# -- As it is recorded at a destination ----------------------------------------------------------
#
# {"search_finds": {"found": {"yes", "of", "at", "because", "refused"},
#                   "declared": {"yes", "by", "at"}}}
#
# `of` is the hash of the options with which it was found: with others it counts no more. What was
# declared at upgrade has no `by`.

Record = dict[str, dict[str, Any]]


def findings(record: Record, hashes: Mapping[Capability, str]) -> dict[Capability, Finding]:
    """Return what was proved or disproved with the options that have these hashes."""
    found = {one: record.get(one, {}).get("found") for one in hashes}
    return {
        one: Finding(entry["yes"], loaded(entry["because"]), entry["refused"])
        for one, entry in found.items()
        if entry and entry["of"] == hashes[one]
    }


def learn(
    record: Record, shown: Shown, hashes: Mapping[Capability, str], at: datetime
) -> Literal[True]:
    """Write down what was shown with the options that have these hashes."""
    for one, finding in shown.items():
        entry = record.setdefault(one, {})
        if finding is None:
            entry.pop("found", None)
        else:
            kept = {**asdict(finding), "because": stored(finding.because)}
            entry["found"] = {**kept, "of": hashes[one], "at": at.isoformat()}
    return True


def declare(record: Record, named: Mapping[Capability, bool | None], by: str, at: datetime) -> bool:
    """Write down who has declared what; return whether anything of it is new.

    What a person has declared already, and names again, stays as it was.
    """
    changed = False
    for one, yes in named.items():
        before = record.get(one, {}).get("declared")
        if yes is None:
            record.get(one, {}).pop("declared", None)
            changed = changed or before is not None
        elif not before or before["yes"] != yes or is_of_upgrade(before):
            declared = {"yes": yes, "by": by, "at": at.isoformat()}
            record.setdefault(one, {})["declared"] = declared
            changed = True
    return changed


def is_of_upgrade(declared: Mapping[str, Any]) -> bool:
    """Return whether nobody has declared it: an option was stored when capabilities came."""
    return declared["by"] is None


def declared_at_upgrade(record: Record, *, untested: bool = False) -> list[Capability]:
    """Return what is declared as it was stored at the upgrade; `untested`: and never tested."""
    return [
        Capability(name)
        for name, entry in record.items()
        if "declared" in entry
        and is_of_upgrade(entry["declared"])
        and not (untested and "found" in entry)
    ]


def standing(
    record: Record, one: Capability, declared: bool | None, finding: Finding | None
) -> Standing:
    """Return how a capability is known; as in `Transport.can`, a declared no comes first."""
    entry = record.get(one, {})
    if finding and declared is not False:
        how = How.PROVED if finding.yes else How.DISPROVED
        at = datetime.fromisoformat(entry["found"]["at"])
        return Standing(one, how, finding.yes, at, because=finding.because)
    if declared is None:
        return Standing(one)
    declaration = entry.get("declared")
    if not declaration:
        return Standing(one, How.DECLARED, declared)
    how = How.DECLARED_AT_UPGRADE if is_of_upgrade(declaration) else How.DECLARED
    at = datetime.fromisoformat(declaration["at"])
    return Standing(one, how, declared, at, by=declaration["by"] or "")
