"""How the contract suite tries this kind out; `docs/adding-a-destination.md` explains."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from integrations.destinations.demo import transport as demo
from integrations.transport import DeliveryError, Misconfigured, Rejected, TryAgain, Unconfirmed


class Rehearsal:
    """A demo destination of its own, by its file of effects."""

    record = {"name": "Mireille Tremblay-Okafor", "born": "1991-06-29"}
    failures: dict[str, type[DeliveryError]] = {
        demo.REJECT: Rejected,
        demo.TRY_AGAIN: TryAgain,
        demo.NO_ANSWER: TryAgain,
        demo.MISCONFIGURED: Misconfigured,
        demo.UNCONFIRMED: Unconfirmed,
    }

    def __init__(self, effects: Path) -> None:
        self._effects = effects
        self.options: dict[str, Any] = {"effects_file": str(effects)}

    def fail(self, failure: str) -> dict[str, Any]:
        return {**self.options, "behaviour": failure}

    def effects(self) -> list[str]:
        return self._effects.read_text().splitlines() if self._effects.exists() else []


@contextmanager
def rehearsal(folder: Path) -> Iterator[Rehearsal]:
    demo.misbehaved.clear()
    demo.delivered.clear()
    demo.asked.clear()
    yield Rehearsal(folder / "effects.jsonl")
