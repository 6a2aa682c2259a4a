"""Odd addresses: every parameter of the API, in path and query, with what nobody expects there.

The list of addresses comes from the URLs themselves, and the list of parameters from the OpenAPI
document, so a new one is tried by itself.
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client
from django.urls import URLPattern
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integrations.models import Source
from referrals.api.urls import urlpatterns
from tests.integrations.sources.partner.partners import AT_LOOPBACK, partner_of
from tests.integrations.sources.partner.partners import SECRET as PARTNERS_SECRET
from tests.referrals.api.sender import basic, get
from tests.world import World, plain

REFERENCE = "3502768696"
# Percent-encoded, as they stand in a request.
ODD = [
    "%00",
    f"{REFERENCE}%00",
    f"%00{REFERENCE}",
    "%0A",
    "%1B%7F",
    "%ED%A0%80",  # half a character
    "%FF%FE",
    "%C3",
    "%F0%9F%98%80",
    "%EF%BB%BF" + REFERENCE,
    "%E2%80%AE" + REFERENCE,
    "a%2Fb",
    "..%2F..%2Fetc%2Fpasswd",
    "%2E%2E",
    "%5C",
    "%25",
    "%2500",
    "%25%32%35",
    "%D9%A1%D9%A2",  # digits, but not these
    "%EF%BC%93%EF%BC%95",
    "'%20OR%201=1--",
    "%27;DROP%20TABLE%20x",
    "{{7*7}}",
    "%3Cscript%3E",
    "-1",
    "0",
    "99999999999999999999999",
    "9" * 3000,
    "1e999",
    "NaN",
    "x" * 5000,
    "%C3%A9" * 500,
    "None",
    "true",
    "%20",
    "*",
    "%2A",
    "(%5B",
    "00000000-0000-0000-0000-000000000000",
    "00000000-0000-0000-0000-00000000000%EF%BC%90",
    "%7B00000000-0000-0000-0000-000000000000%7D",
]
QUERY_NAMES = ["", "format", "lang", "version", "limit", "offset", "page", "q", "%00", "a%00b"]


def addresses() -> Iterator[str]:
    """Yield each address of the API with {} in the place of its parameter."""
    for pattern in urlpatterns:
        assert isinstance(pattern, URLPattern)
        route = str(pattern.pattern)
        if route.startswith("^"):
            continue  # whatever else there is
        for name in pattern.pattern.converters:
            head, _, tail = route.partition("<")
            assert f":{name}>" in tail
            route = f"{head}{{}}{tail.partition('>')[2]}"
        yield f"/{route}"


ADDRESSES = list(addresses())
WITH_PARAMETER = [address for address in ADDRESSES if "{}" in address]
OF_PARTNERS = "/api/v1/partner/"


def who_asks(world: World, address: str) -> str:
    """Return the credentials of the source that an address is for."""
    if not address.startswith(OF_PARTNERS):
        return basic()
    if not Source.objects.filter(kind="partner").exists():
        world.destination.kind, world.destination.options = "webhook", AT_LOOPBACK
        world.destination.save()
        partner_of(world)
    return basic("partner", PARTNERS_SECRET)


def check(answer: Any, path: str) -> None:
    """Hold an answer against what is promised: no 5xx, and a refusal in the sender's form."""
    assert answer.status_code < 500, (path, answer.status_code)
    assert answer.status_code != 429
    if answer.status_code >= 400:
        kind = "application/fhir+json" if path.startswith("/fhir/") else "application/problem+json"
        assert answer["Content-Type"] == kind, path


def test_the_addresses_are_those_of_the_api():
    assert "/api/v1/referrals/{}" in WITH_PARAMETER
    assert "/api/v1/events/{}" in WITH_PARAMETER
    assert "/fhir/$process-message" in ADDRESSES


@pytest.mark.parametrize("address", WITH_PARAMETER)
def test_an_odd_value_in_a_path_is_404(world: World, address: str):
    world.send(plain())
    for value in ODD:
        path = address.replace("{}", value)
        answer = get(path, who_asks(world, address))
        check(answer, path)
        assert answer.status_code == 404, path
        assert answer.json()["detail"]


def test_the_reference_itself_is_found(world: World):
    world.send(plain())
    assert get(f"/api/v1/referrals/{REFERENCE}").status_code == 200
    assert get(f"/api/v1/referrals/%20{REFERENCE}%0A").status_code == 200


@cache  # to describe the whole API takes long
def described() -> dict[str, Any]:
    """Return the paths of the API as it describes itself."""
    answer = Client().get("/api/v1/schema", headers={"Accept": "application/json"})
    paths: dict[str, Any] = answer.json()["paths"]
    return {re.sub(r"{\w+}", "{}", path): operations for path, operations in paths.items()}


def names_at(address: str) -> set[str]:
    """Return the names that a query may have there."""
    return {
        parameter["name"]
        for operation in described().get(address, {}).values()
        for parameter in operation.get("parameters", [])
        if parameter["in"] == "query"
    }


@pytest.mark.slow
@pytest.mark.parametrize("address", ADDRESSES)
def test_an_odd_query_is_answered_as_if_it_were_not_there_or_refused(
    world: World, whole: bool, address: str
):
    path = address.replace("{}", REFERENCE)
    names, elsewhere = names_at(address), set().union(*map(names_at, described()))
    more = 1 if whole else 2
    for name in sorted(elsewhere | set(QUERY_NAMES)):
        for value in ODD[:: more if name in names else 4 * more]:
            check(get(f"{path}?{name}={value}", who_asks(world, address)), path)


@pytest.mark.slow
@pytest.mark.parametrize("address", [*ADDRESSES, "/api/v2/events", "/api/v1/events/", "/fhir/x"])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "TRACE"])
def test_every_method_is_answered(world: World, address: str, method: str):
    path = address.replace("{}", "%00")
    client = Client(enforce_csrf_checks=True)
    check(client.generic(method, path, headers={"Authorization": who_asks(world, address)}), path)


@pytest.mark.parametrize(
    "path", ["/api/v1/events/", "/api/v1/referrals/", "/api/v1/nothing", "/api/", "/fhir/Patient/1"]
)
def test_what_is_no_address_is_404(client: Client, path: str):
    answer = client.get(path)
    check(answer, path)
    assert answer.status_code == 404


@given(st.binary(max_size=40), st.sampled_from(WITH_PARAMETER))
@settings(max_examples=60, suppress_health_check=list(HealthCheck))
def test_any_bytes_in_a_path_are_404(world: World, value: bytes, address: str):
    path = address.replace("{}", quote(value, safe="") or "%00")
    answer = get(path, who_asks(world, address))
    check(answer, path)
    assert answer.status_code == 404
