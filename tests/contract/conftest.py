"""Every kind goes through the suite, and so does the kind that the documentation shows."""

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import pytest

from integrations import destinations
from integrations.transport import DeliveryError, Transport

GUIDE = Path(__file__).parents[2] / "docs" / "adding-a-destination.md"
SHOWN_FILE = re.compile(r"`integrations/destinations/(\w+)/([\w.]+)`:\n\n```\w+\n(.*?)```", re.S)


class StandIn(Protocol):
    """What the `contract.py` of a kind yields: a destination that can be tried out."""

    options: dict[str, Any]  # of a destination that works
    record: dict[str, Any]  # that it takes
    failures: dict[str, type[DeliveryError]]  # how it can fail, and the error that each becomes

    def fail(self, failure: str) -> dict[str, Any]:
        """Make the next delivery fail; returns the options to deliver with."""

    def effects(self) -> list[str]:
        """Return what took effect at the destination so far, one line for each thing."""


def shown_files() -> dict[str, str]:
    """Return the files that the guide shows, by `kind/name`."""
    found = SHOWN_FILE.findall(GUIDE.read_text(encoding="utf-8"))
    return {f"{kind}/{name}": content for kind, name, content in found}


SHOWN_KIND = next(iter(shown_files())).split("/")[0]
KINDS = (*destinations.kinds(), SHOWN_KIND)


@pytest.fixture(scope="package", autouse=True)
def _shown_kind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Add the kind of the guide, as one folder."""
    root = tmp_path_factory.mktemp("destinations")
    for name, content in shown_files().items():
        file = root / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(content, encoding="utf-8")
    destinations.__path__.append(str(root))
    yield
    destinations.__path__.remove(str(root))
    for name in [
        name for name in sys.modules if name.startswith(f"{destinations.__name__}.{SHOWN_KIND}")
    ]:
        del sys.modules[name]


def variants_of(kind: str) -> dict[str, dict[str, Any]]:
    """Return the ways to set the kind up that its `contract.py` names; one is enough for most."""
    if kind == SHOWN_KIND:
        return {}
    module = import_module(f"{destinations.__name__}.{kind}.contract")
    found: dict[str, dict[str, Any]] = module.variants() if hasattr(module, "variants") else {}
    return found


VARIANTS = [
    pytest.param((kind, variant), id=f"{kind} {name}".strip())
    for kind in KINDS
    for name, variant in (variants_of(kind) or {"": None}).items()
]


@pytest.fixture(params=VARIANTS)
def set_up_as(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any] | None]:
    return request.param


@pytest.fixture
def kind(set_up_as: tuple[str, Any]) -> str:
    return set_up_as[0]


@pytest.fixture
def transport(kind: str) -> type[Transport]:
    return destinations.transport_class(kind)


@pytest.fixture
def start_stand_in(
    set_up_as: tuple[str, dict[str, Any] | None], tmp_path: Path
) -> Callable[[], AbstractContextManager[StandIn]]:
    """Return a call that starts a fresh destination of this kind."""
    kind, variant = set_up_as
    module = import_module(f"{destinations.__name__}.{kind}.contract")

    def fresh() -> AbstractContextManager[StandIn]:
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        folder.mkdir()
        return module.stand_in(folder, variant) if variant else module.stand_in(folder)

    return fresh


@pytest.fixture
def stand_in(start_stand_in: Callable[[], AbstractContextManager[StandIn]]) -> Iterator[StandIn]:
    with start_stand_in() as started:
        yield started
