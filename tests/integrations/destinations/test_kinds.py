"""Kinds are found by their folders."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from integrations import destinations
from integrations.destinations.crms.transport import CrmsTransport
from integrations.destinations.demo.transport import DemoTransport
from mapping.engine import targets

TRANSPORT = """
from integrations.transport import Parcel, Receipt, Transport

class {name}(Transport):
    label = "Pigeons"
    target_fields = ()

    def deliver(self, parcel: Parcel) -> Receipt:
        return Receipt("coo")
"""
AddKind = Callable[[str, str], Path]


@pytest.fixture
def add_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AddKind]:
    """Add a folder with a transport.py beside the others."""
    monkeypatch.setattr(destinations, "__path__", [*destinations.__path__, str(tmp_path)])
    before = set(sys.modules)

    def add(kind: str, code: str) -> Path:
        (tmp_path / kind).mkdir()
        (tmp_path / kind / "transport.py").write_text(code)
        return tmp_path / kind

    yield add
    for name in set(sys.modules) - before:
        if name.startswith(destinations.__name__):
            del sys.modules[name]


def test_the_kinds_are_the_folders() -> None:
    shipped = {"crms": CrmsTransport, "demo": DemoTransport}
    assert destinations.kinds().items() >= shipped.items()


def test_a_new_folder_is_a_new_kind(add_kind: AddKind) -> None:
    add_kind("pigeon", TRANSPORT.format(name="PigeonTransport"))
    kinds = list(destinations.kinds())
    assert kinds == sorted(kinds)
    assert "pigeon" in kinds
    assert destinations.transport_class("pigeon")({}).deliver(None).external_id == "coo"


def test_a_folder_without_a_transport_is_no_kind(add_kind: AddKind) -> None:
    folder = add_kind("pigeon", "")
    (folder / "transport.py").unlink()
    assert "pigeon" not in destinations.kinds()


@pytest.mark.parametrize("kind", ["pigeon", "", "..", "crms/sandbox", "../sources", "sandbox"])
def test_an_unknown_kind_is_reported_in_plain_words(kind: str) -> None:
    with pytest.raises(destinations.UnknownKind) as caught:
        destinations.transport_class(kind)
    assert str(caught.value) == f"There is no destination kind named “{kind}”."


@pytest.mark.parametrize(
    "code",
    [
        "from integrations.destinations.demo.transport import DemoTransport",
        TRANSPORT.format(name="One") + TRANSPORT.format(name="Two"),
    ],
    ids=["none of its own", "two"],
)
def test_a_folder_defines_exactly_one_transport(add_kind: AddKind, code: str) -> None:
    add_kind("pigeon", code)
    with pytest.raises(TypeError, match="exactly one Transport"):
        destinations.kinds()


def test_a_kind_may_come_without_a_mapping(add_kind: AddKind) -> None:
    add_kind("pigeon", TRANSPORT.format(name="PigeonTransport"))
    assert destinations.default_mapping("pigeon") is None


def test_mappings_know_the_fields_of_every_kind() -> None:
    for kind, transport in destinations.kinds().items():
        assert targets.target_fields(kind) == transport.target_fields
