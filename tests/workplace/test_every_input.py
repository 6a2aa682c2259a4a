"""Every list, filter and search of the admin takes every kind of input.

Found by the admin's own registry: a new list, filter or search is in here by itself.
"""

from collections.abc import Iterator
from itertools import cycle, islice
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

import config.urls  # noqa: F401 - with them, every list is there
from access.roles import ADMINISTRATOR, LIAISON, SUPPORT
from tests.addresses import views
from tests.people import client_of
from tests.world import World, make_world, plain

pytestmark = pytest.mark.long

KINDS = {
    "empty": "",
    "word": "abcdef",
    "spaces": "  \t ",
    "number": "1",
    "negative": "-1",
    "decimal": "1.5",
    "more than 64 bits": "9" * 50,
    "exponent": "1e999",
    "other digits": "१२३",
    "not decimal": "²",
    "id": "00000000-0000-4000-8000-000000000000",
    "no id": "00000000-0000-4000-8000-00000000000g",
    "list": "1,2,,x",
    "date": "2026-02-30",
    "last day": "9999-12-31",
    "NUL": "a\0b",
    "surrogate": "%ED%A0%80",
    "quotes": "'\"; --",
    "pattern": "%_\\",
    "regular expression": "((a+)+[$",
    "markup": "<script>",
    "other script": "Đặng 😀",
    "boolean": "True",
    "long": "x" * 3000,
    "sealed by somebody else": "AAAA",
}


TURN = cycle(KINDS)
SEARCHES = 3  # of each list, where they take turns


@pytest.fixture
def world(db: None) -> World:
    world = make_world(behaviour="reject")
    world.send(plain())
    world.run()
    return world


def names_of(model_admin: Any) -> Iterator[str]:
    """Yield the names that the URL of a list understands."""
    yield from ("q", "p", "o", "all", "e", "_facets", "_to_field", "unknown")
    for listed in model_admin.list_filter:
        if isinstance(listed, (str, tuple)):
            field = listed if isinstance(listed, str) else listed[0]
            for end in ("", "__exact", "__id__exact", "__in", "__gte", "__lt", "__isnull"):
                yield f"{field}{end}"
        else:
            yield from getattr(listed, "names", None) or [listed.parameter_name]
    yield from ("name", "from", "to")


def lists() -> Iterator[tuple[str, Any]]:
    for model, model_admin in admin.site._registry.items():
        yield f"admin:{model._meta.app_label}_{model._meta.model_name}", model_admin


def requests_of(url: str, model_admin: Any, *, every: bool) -> Iterator[tuple[str, Any]]:
    """Yield what is asked of a list; without `every`, half of what it understands takes turns.

    A search is tried thrice there: what searches is one view of all lists, and what is sought
    differs in columns alone.
    """
    for name in list(dict.fromkeys(names_of(model_admin)))[:: 1 if every else 2]:
        for kind in KINDS if every else [next(TURN)]:
            yield "get", (url, {name: KINDS[kind]})
    if hasattr(model_admin, "search_view"):
        for kind in KINDS if every else islice(TURN, SEARCHES):
            yield "post", (f"{url}search/", {"q": KINDS[kind]})
    for action in ("", *model_admin.actions, "no such"):
        for kind in KINDS if every else [next(TURN)]:
            value = KINDS[kind]
            chosen = {"action": action, "_selected_action": value, "select_across": value}
            yield "post", (url, chosen)


def faults(client: Client, *, every: bool) -> Iterator[str]:
    client.raise_request_exception = False
    for list_name, model_admin in lists():
        url = reverse(f"{list_name}_changelist")
        if client.get(url).status_code == 403:
            continue
        for method, asked in requests_of(url, model_admin, every=every):
            if getattr(client, method)(*asked, follow=True).status_code >= 500:
                yield f"{method} {asked}"


OTHERS = [pytest.param(role, marks=pytest.mark.whole) for role in (LIAISON, ADMINISTRATOR)]


@pytest.mark.parametrize("role", [SUPPORT, *OTHERS])
def test_nothing_that_is_asked_of_a_list_breaks_it(world: World, whole: bool, role: str) -> None:
    assert list(faults(client_of(role, world.organization), every=whole)) == []


def test_a_fifty_digit_key_in_an_address_breaks_nothing(world: World) -> None:
    client = client_of(ADMINISTRATOR, world.organization)
    client.raise_request_exception = False
    for view in views():
        if view.parameters or view.positional or view.name == "logout":
            continue
        asked = dict.fromkeys(("organization", "destination", "listing", "start", "page"), "9" * 50)
        assert client.get(reverse(f"admin:{view.name}"), asked).status_code < 500, view.name
