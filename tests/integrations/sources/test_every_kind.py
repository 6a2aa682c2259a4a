"""Every kind of source keeps the contract of `integrations/sources/kind.py`."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.urls import resolve

from integrations import sources
from integrations.sources import SourceKind, UnknownKind
from integrations.sources.account import Entry
from integrations.sources.kind import MAX_ENDPOINT, MAX_KIND
from integrations.sources.parsed import Unusable
from integrations.triggers import SENDER_TRIGGER_KEYS
from referrals.api.views import EndpointView
from tests.integrations.sources import web_form

KINDS = [*sources.kinds(), web_form.KIND]


@pytest.fixture(autouse=True, scope="module")
def _second_kind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with web_form.added(tmp_path_factory.mktemp("kind")):
        yield


@pytest.fixture(params=KINDS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def kind(name: str) -> SourceKind:
    return sources.source_kind(name)


def test_kinds_are_found_by_their_folders() -> None:
    assert list(sources.kinds()) == sorted(KINDS)


def test_one_kind_is_the_default() -> None:
    defaults = [name for name, kind in sources.kinds().items() if kind.is_default]
    assert defaults == [sources.default_kind()]


@pytest.mark.parametrize(
    "unknown", ["", "values", "parsed", "ocean", "../caredove", "caredove.kind"]
)
def test_what_is_no_folder_of_a_kind_is_none(unknown: str) -> None:
    with pytest.raises(UnknownKind):
        sources.source_kind(unknown)


def test_an_endpoint_of_another_kind_is_none() -> None:
    with pytest.raises(UnknownKind, match="no endpoint named “plain”"):
        sources.endpoint(web_form.KIND, "plain")


def test_names_fit_their_columns(name: str, kind: SourceKind) -> None:
    assert len(name) <= MAX_KIND
    assert kind.label
    names = [endpoint.name for endpoint in kind.endpoints]
    assert names
    assert kind.answers or all(endpoint.addresses for endpoint in kind.endpoints)
    assert len(set(names)) == len(names)
    assert max(map(len, names)) <= MAX_ENDPOINT


def test_each_address_leads_to_its_own_endpoint(name: str, kind: SourceKind) -> None:
    for endpoint in kind.endpoints:
        for address in endpoint.addresses:
            found = resolve(f"/{address}").func
            assert found.cls is EndpointView  # type: ignore[attr-defined]
            assert found.initkwargs == {"kind": name, "endpoint": endpoint}  # type: ignore[attr-defined]


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"null", b'"x"', b"{", b"\xff", b"<html>"])
def test_what_names_no_referral_is_unusable(kind: SourceKind, body: bytes) -> None:
    for endpoint in kind.endpoints:
        for read in (endpoint.reader.read_envelope, endpoint.reader.parse):
            with pytest.raises(Unusable) as unusable:
                read(body)
            assert all(error.message for error in unusable.value.errors)


@pytest.mark.parametrize("trigger", SENDER_TRIGGER_KEYS)
def test_sample_events_are_read_and_lose_nothing(kind: SourceKind, trigger: str) -> None:
    if kind.sample is None:
        return
    reader = next(e.reader for e in kind.endpoints if e.name == kind.sample.ENDPOINT)
    listing = {"id": "4417", "name": "Counselling"}
    for body in kind.sample.bodies(trigger, listing, "TEST-1", "test-1"):
        assert "TEST-1" in reader.read_envelope(body).references
        parsed, entries = reader.account(body)
        assert parsed.listing_id == "4417"
        assert all(isinstance(entry, Entry) for entry in entries)


def test_a_kind_that_defines_two_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "twofold"
    folder.mkdir()
    (folder / "kind.py").write_text(
        "from integrations.sources.kind import SourceKind\n"
        "class One(SourceKind): pass\n"
        "class Two(SourceKind): pass\n"
    )
    sources.__path__.append(str(tmp_path))
    try:
        with pytest.raises(TypeError, match="exactly one SourceKind, not 2"):
            sources.source_kind("twofold")
    finally:
        sources.__path__.pop()
