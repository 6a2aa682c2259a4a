"""How the contract suite tries this kind out; `docs/adding-a-destination.md` explains."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Any

from integrations.destinations.demo import transport as demo
from integrations.transport import (
    DeliveryError,
    Misconfigured,
    Rejected,
    TryAgain,
    Unconfirmed,
    Updates,
)


class StandIn:
    """A demo destination of its own, by its file of effects."""

    record = {"name": "Mireille Tremblay-Okafor", "born": "1991-06-29"}
    failures: dict[str, type[DeliveryError]] = {
        demo.REJECT: Rejected,
        demo.TRY_AGAIN: TryAgain,
        demo.NO_ANSWER: TryAgain,
        demo.MISCONFIGURED: Misconfigured,
        demo.UNCONFIRMED: Unconfirmed,
    }

    def __init__(self, effects: Path, variant: Mapping[str, Any]) -> None:
        self._effects = effects
        self.options: dict[str, Any] = {**variant, "effects_file": str(effects)}

    def fail(self, failure: str) -> dict[str, Any]:
        return {**self.options, "behaviour": failure}

    def effects(self) -> list[str]:
        kept = self._effects.read_text().splitlines() if self._effects.exists() else []
        return kept + [
            json.dumps(row) for rows in demo.finished_runs(self._effects).values() for row in rows
        ]


def variants() -> dict[str, dict[str, Any]]:
    """Return every combination of what the kind can do that makes sense, by its name."""
    switches = ("removes", "by_hand", "batches", "repeatable")
    found = {}
    for updates, chosen in product(Updates, product([False, True], repeat=len(switches))):
        can = dict(zip(switches, chosen, strict=True))
        options = {"updates": updates.value, **can}
        if demo.DemoOptions({**options, "effects_file": "effects.jsonl"}).is_valid():
            named = (name for name, able in can.items() if able)
            found[" ".join([updates.value, *named])] = options
    return found


@contextmanager
def stand_in(folder: Path, variant: Mapping[str, Any] | None = None) -> Iterator[StandIn]:
    demo.misbehaved.clear()
    demo.delivered.clear()
    demo.asked.clear()
    yield StandIn(folder / "effects.jsonl", variant or {})
