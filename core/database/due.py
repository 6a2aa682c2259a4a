"""Rows that are due: a time says when, and moving it on claims the row.

The row is the queue. Whoever moves the time on by one conditional UPDATE has the row until then,
so that time is both the lease and its token. Who dies on the way gives nothing back: the row is due
again when the lease ends. All times are the database's.

The deliveries of referrals are claimed otherwise (`referrals.delivering.claiming`): by state and
token, with turns and seats.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, Model, Q, QuerySet

from core.database.clock import Now, Time
from core.database.rows import update_one


@dataclass(frozen=True, slots=True)
class Due:
    """The rows of a model that something is to be done with, at the time in `column`.

    `rows` narrows them down; `tries` names the column that counts their claims.
    """

    model: type[Model]
    column: str = "due_at"
    rows: Q = field(default_factory=Q)
    tries: str = ""

    def due(self, now: Time) -> QuerySet[Any]:
        """Return the rows that are due."""
        return self.model._default_manager.filter(self.rows, **{f"{self.column}__lte": now})

    def keys(self, now: Time, limit: int | None = None) -> list[Any]:
        """Return the keys of the rows that are due, the longest waiting first."""
        return list(self.due(now).order_by(self.column).values_list("pk", flat=True)[:limit])

    def claim(self, key: object, now: datetime, lease: timedelta) -> datetime | None:
        """Win the row for so long, which must be longer than the work takes.

        Returns the end of the lease, for `settle`; None when it is not due, or another's.
        """
        return now + lease if self._claim(key, now, now + lease) else None

    def take(self, key: object, lease: timedelta) -> bool:
        """Win the row as `claim` does, where nobody needs to know until when; one statement."""
        return self._claim(key, Now(), Now() + lease)

    def _claim(self, key: object, now: Time, until: Time) -> bool:
        # Every condition stands on the row itself, or two winners would be possible.
        changed: dict[str, Any] = {self.column: until}
        if self.tries:
            changed[self.tries] = F(self.tries) + 1
        return bool(self.due(now).filter(pk=key).update(**changed))

    def settle(self, row: Model, until: datetime, /, **columns: Any) -> bool:
        """Write what came of it, if nobody has claimed the row since; say whether that was so.

        Without a new time among the columns, the row is due again when the lease ends.
        """
        claimed = self.model._default_manager.filter(**{self.column: until})
        return update_one(claimed, row, **columns)


def pause(schedule: Sequence[timedelta], tries: int) -> timedelta | None:
    """Return how long to wait after so many tries, at least one; None when all are used up."""
    return schedule[tries - 1] if tries <= len(schedule) else None
