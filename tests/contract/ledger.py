"""A ledger in memory that keeps the promises of `integrations.transport.Ledger`.

It can be killed at any of its moments, as a worker can.
"""

import hashlib
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

from integrations.transport import DeliveryError, Unconfirmed


class Killed(BaseException):
    """The worker ended here."""


class InMemoryLedger:
    """Steps and intents of one delivery, over all of its attempts.

    `moments` lists what happened, in order; at the one named by `killed_at` the worker dies.
    """

    def __init__(self, killed_at: str = "", *, repeatable: bool = False) -> None:
        self.killed_at = killed_at
        self.repeatable = repeatable
        self.moments: list[str] = []
        self.done: dict[str, str] = {}
        self.intended: set[str] = set()
        self.order: list[str] = []  # in which steps were first intended
        self.searches: Counter[str] = Counter()
        self.attempt = 1
        self.made: tuple[str, bytes] = ("", b"")

    @property
    def request_id(self) -> str:
        return f"attempt-{self.attempt}"

    def key(self, step: str) -> str:
        return hashlib.sha256(f"one job/{step}".encode()).hexdigest()[:32]

    @property
    def keys_hold(self) -> bool:
        return True

    def once(
        self,
        step: str,
        do: Callable[[], str],
        find: Callable[[], str | None] | None = None,
    ) -> str:
        if step not in self.done:
            look = step in self.intended and not self.repeatable
            self.done[step] = (look and self._search(step, find)) or self._do(step, do)
            self.intended.discard(step)
            self._moment(f"{step}: done")
        return self.done[step]

    def _do(self, step: str, do: Callable[[], str]) -> str:
        self.intended.add(step)
        self.searches[step] = 0
        if step not in self.order:
            self.order.append(step)
        self._moment(f"{step}: intended")
        try:
            external_id = do()
        except DeliveryError as error:
            if not error.maybe_done:
                self.intended.discard(step)
            raise
        self._moment(f"{step}: applied")
        return external_id

    def _search(self, step: str, find: Callable[[], str | None] | None) -> str | None:
        if find is None:
            raise Unconfirmed("Nobody can tell whether it is there.")
        found = find()
        self.searches[step] += found is None
        if found is None and self.searches[step] < 2:
            raise Unconfirmed("It is not there yet.", after=timedelta(seconds=20))
        return found

    def made_once(self, of: str, make: Callable[[], bytes]) -> bytes:
        if self.made[0] != of:
            self.made = (of, make())
        return self.made[1]

    def forget(self, step: str) -> None:
        if self.done.pop(step, None):
            self.intended.add(step)
            self.searches[step] = 0

    def confirm_present(self, external_id: str) -> None:
        """A person has looked: the open step is there, under this id."""
        step = min(self.intended, key=self.order.index)
        self.intended.discard(step)
        self.done[step] = external_id

    def confirm_absent(self) -> None:
        """A person has looked: the first open step is not there. It and all after it are undone."""
        first = min(map(self.order.index, self.intended))
        for step in self.order[first:]:
            self.done.pop(step, None)
            self.intended.discard(step)

    def _moment(self, name: str) -> None:
        self.moments.append(name)
        if name == self.killed_at:
            self.killed_at = ""
            raise Killed(name)
