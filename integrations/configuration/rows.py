"""Writes rows only where they differ from the file, and counts what it did."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_noop

from core.compare import Effect
from integrations.configuration.problems import Path

REASON = gettext_noop("configuration file")  # in the history of what was changed


class Refused(Exception):
    """Something that the file says cannot be. Paths begin at the part that is being applied."""

    def __init__(self, *problems: tuple[Path, str]) -> None:
        super().__init__()
        self.problems = problems


@dataclass
class Report:
    """How many rows of each sort were created, changed and left unchanged."""

    counts: dict[str, Counter[Effect]] = field(default_factory=dict)
    written: list[models.Model] = field(default_factory=list)  # created or changed

    @property
    def nothing_changed(self) -> bool:
        return not any(set(counter) - {Effect.UNCHANGED} for counter in self.counts.values())

    def lines(self) -> list[str]:
        """Return a line for each sort of row, such as `organizations: 1 created, 2 unchanged`."""
        return [
            f"{sort}: " + ", ".join(f"{counter[one]} {one}" for one in Effect if counter[one])
            for sort, counter in self.counts.items()
        ]

    def count(self, row: models.Model, effect: Effect) -> None:
        sort = str(row._meta.verbose_name_plural)
        self.counts.setdefault(sort, Counter())[effect] += 1
        if effect is not Effect.UNCHANGED and row not in self.written:
            self.written.append(row)

    def count_as_changed(self, row: models.Model) -> None:
        """Count a row as changed that was counted as unchanged, or not at all, before."""
        if row in self.written:
            return
        counter = self.counts.setdefault(str(row._meta.verbose_name_plural), Counter())
        counter[Effect.UNCHANGED] = max(0, counter[Effect.UNCHANGED] - 1)
        self.count(row, Effect.CHANGED)


def write(row: models.Model, fields: Mapping[str, Any], keys: Mapping[str, str] = {}) -> Effect:
    """Create the row, or change what differs; raises Refused naming the file's key.

    `keys` gives the key in the file where it is not the field's own name.
    """
    created = row._state.adding
    changed = [name for name, value in fields.items() if created or getattr(row, name) != value]
    if not created and not changed:
        return Effect.UNCHANGED
    for name in changed:
        setattr(row, name, fields[name])
    _check(row, keys)
    row._change_reason = REASON  # type: ignore[attr-defined]  # simple-history reads it
    row.save()
    return Effect.CREATED if created else Effect.CHANGED


def _check(row: models.Model, keys: Mapping[str, str]) -> None:
    try:
        row.full_clean()
    except ValidationError as error:
        raise Refused(
            *(
                (_key(name, keys), message)
                for name, messages in error.message_dict.items()
                for message in messages
            )
        ) from None


def _key(name: str, keys: Mapping[str, str]) -> Path:
    return () if name == "__all__" else tuple(keys.get(name, name).split("."))
