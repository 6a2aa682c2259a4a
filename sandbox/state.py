"""What one sandbox remembers while it runs."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event
from typing import Any

from sandbox.answers import Answer
from sandbox.inbox import Inbox
from sandbox.ledger import Ledger
from sandbox.rules.faults import Fault, FaultPlan
from sandbox.rules.options import Options


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the import contract, understood but not applied yet."""

    step: str
    apply: Callable[[], Answer] = field(repr=False)
    reference: str = field(default="", repr=False)
    email: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Seen:
    """A call that was made, and how it was answered; status None is no answer at all."""

    step: str
    fault: str
    status: int | None
    request_id: str
    idempotency_key: str


class State:
    """The options, the inbox, the faults to come and the calls so far."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.stopping = Event()
        self.ledger = Ledger(options.ledger)
        self.inbox = Inbox(
            self.ledger,
            idempotency=options.idempotency,
            allow_duplicates=options.allow_duplicates,
        )
        planned = [Fault.parse(text) for text in options.faults]
        self.faults = FaultPlan(planned, options.fail_rate, options.seed)
        self.calls: list[Seen] = []
        self.notices: dict[str, Any] = {}  # of the directory, by their ids

    def counts(self) -> dict[str, int | dict[str, int]]:
        """Return how many referrals and files there are, and how many calls of each step."""
        calls = list(self.calls)
        return {
            **self.inbox.count(),
            "calls": dict(Counter(seen.step for seen in calls)),
            "faults": dict(Counter(seen.fault for seen in calls if seen.fault)),
        }

    def clear(self) -> None:
        self.inbox.clear()
        self.faults.clear()
        self.calls.clear()
        self.notices.clear()
