"""One folder for each kind of sender; `parsed` is what all of them produce."""

from typing import Protocol

from integrations.sources.account import Entry
from integrations.sources.parsed import Envelope, ParsedEvent


class Door(Protocol):
    """One way in which a kind of sender writes its events."""

    def read_envelope(self, body: bytes) -> Envelope:
        """Return what is needed to store the body; raises Unusable."""

    def parse(self, body: bytes) -> ParsedEvent:
        """Return the event; raises Unusable."""

    def account(self, body: bytes) -> tuple[ParsedEvent, list[Entry]]:
        """Return the event, and what became of each value of its body; raises Unusable."""


def door(kind: str, name: str) -> Door:
    """Return the door (`plain` or `fhir`) of a sender kind."""
    from integrations.sources.caredove import fhir, plain

    doors: dict[tuple[str, str], Door] = {
        ("caredove", "plain"): plain,
        ("caredove", "fhir"): fhir,
    }
    return doors[kind, name]
