"""Two states compared: what would become of each row is shown, agreed to, and then done.

Whoever takes rows in, from a file, from elsewhere, or from an earlier version, shows first what
that would change. Meanwhile anybody may change the same rows. So what is shown has a digest, and
`agreed` compares once more, in the transaction that applies it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Any, Generic, TypeVar

from django.db import transaction
from django.db.models import QuerySet


class Effect(StrEnum):
    """What would become of a row."""

    CREATED = "created"
    CHANGED = "changed"
    REMOVED = "removed"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


EFFECTIVE = (Effect.CREATED, Effect.CHANGED, Effect.REMOVED)


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not the same: `was` is empty when it was added, `now` when it is gone."""

    what: str
    was: str = ""
    now: str = ""

    def __str__(self) -> str:
        if not self.was:
            return f"{self.what}: added: {self.now}"
        return f"{self.what}: {self.was} → {self.now}" if self.now else f"{self.what}: removed"


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Difference]:
    """Yield, in words and by its label, each value that is another one afterwards."""
    for what, was in before.items():
        if was != after[what]:
            yield Difference(what, in_words(was), in_words(after[what]))


def in_words(value: object) -> str:
    """Return a value as people read it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "(empty)" if value in (None, "", {}, []) else str(value)


@dataclass(frozen=True)
class Row:
    """What would become of one row. `sort` and `key` tell it apart from all others.

    `place` is where it stands in what is taken in ("row 3"), `problems` say why it is refused.
    `basis` is what it was made from, where that is more than what is shown: its `repr` has to be
    another one when something else would be done.
    """

    key: str
    effect: Effect
    name: str = ""
    sort: str = ""
    place: str = ""
    differences: Sequence[Difference] = ()
    problems: tuple[str, ...] = ()
    basis: Any = None

    def digest(self) -> str:
        """Return a mark that is another one when something else would be done."""
        parts = (self.sort, self.key, self.name, self.effect.value, tuple(self.differences))
        return _digest(parts, self.problems, self.basis)


R = TypeVar("R", bound=Row)


@dataclass(frozen=True)
class Comparison(Generic[R]):
    """Every row that was compared."""

    rows: Sequence[R]

    def of(self, effect: Effect) -> list[R]:
        return [row for row in self.rows if row.effect is effect]

    @property
    def changes(self) -> list[R]:
        """Return the rows that something would become of."""
        return [row for row in self.rows if row.effect in EFFECTIVE]

    def digest(self) -> str:
        """Return a mark that is another one when something else would be done."""
        return _digest([row.digest() for row in self.changes])


class Outdated(Exception):
    """What was shown is no longer what would be done: nothing was."""


@contextmanager
def agreed(
    shown: str, compare: Callable[[], Row | Comparison[Any]], lock: QuerySet[Any]
) -> Iterator[None]:
    """Open the transaction that does what was shown; raises Outdated if that has changed.

    `shown` is the digest of the comparison that somebody has agreed to. `lock` are the rows that
    everybody locks who applies to the same: they go one after the other.
    """
    with transaction.atomic():
        # Rows that refer to them may come and go meanwhile.
        list(lock.order_by("pk").select_for_update(no_key=True).values_list("pk"))
        if compare().digest() != shown:
            raise Outdated
        yield


def _digest(*parts: object) -> str:
    return sha256(repr(parts).encode()).hexdigest()
