"""What the readers would say of a message, without a message of that kind."""

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

from integrations.sources.caredove import fhir, plain
from integrations.sources.parsed import ParsedEvent

ENDPOINTS = {"plain": plain.parse, "fhir": fhir.parse}


@contextmanager
def reading(change: Callable[[ParsedEvent], ParsedEvent]) -> Iterator[None]:
    """Change what both readers make of every message."""
    with ExitStack() as stack:
        for name, parse in ENDPOINTS.items():
            changed = mock.Mock(side_effect=lambda body, parse=parse: change(parse(body)))
            stack.enter_context(mock.patch(f"integrations.sources.caredove.{name}.parse", changed))
        yield


@contextmanager
def saying(*, warnings: tuple[Any, ...] = (), **document: Any) -> Iterator[None]:
    """Let every message say this, beside what it says."""

    def change(parsed: ParsedEvent) -> ParsedEvent:
        both: Any = {**parsed.document, **document}
        return dataclasses.replace(parsed, document=both, warnings=(*parsed.warnings, *warnings))

    with reading(change):
        yield
