"""The admin with odd values in its addresses: a page, a redirect or a refusal, never a failure.

PostgreSQL holds no NUL and no number beyond 64 bits, and says so only when it is asked.
"""

from collections.abc import Iterator
from itertools import cycle, islice
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import NoReverseMatch, reverse

from tests.addresses import View, views
from tests.cases import some
from tests.world import World, make_world, plain

pytestmark = pytest.mark.long

ODD = ["a%00b", "9" * 30, "-1", "%ED%A0%80", "x" * 3000]
NAMES = ["q", "o", "p", "next", "%00"]


@pytest.fixture
def world(db: None) -> World:
    return make_world()


@pytest.fixture
def administrator(world: World, admin_client: Client) -> Client:
    admin_client.raise_request_exception = False
    return admin_client


def asked_of(view: View, *, every: bool) -> Iterator[tuple[str, str]]:
    """Yield what may stand in the query of a view; without `every`, the odd values take turns.

    Filters are what `test_every_input` tries, too.
    """
    turn = cycle(ODD)
    next(islice(turn, len(view.name) % len(ODD), None), None)  # another value for another view
    names = [*NAMES, *filters_of(view)] if every else NAMES
    for name in dict.fromkeys(names):
        yield from ((name, odd) for odd in (ODD if every else [next(turn)]))


def filters_of(view: View) -> Iterator[str]:
    """Yield the names of the filters of a view."""
    for model, model_admin in admin.site._registry.items():
        opts = model._meta
        if view.name == f"{opts.app_label}_{opts.model_name}_changelist":
            for listed in model_admin.list_filter:
                yield from filter_names(listed)


def filter_names(listed: Any) -> Iterator[str]:
    if isinstance(listed, str):
        yield from (listed, f"{listed}__exact", f"{listed}__in", f"{listed}__gte")
        yield f"{listed}__id__exact"
    elif hasattr(listed, "parameter_name"):
        yield from getattr(listed, "names", None) or [listed.parameter_name]


WITH_KEY = [view for view in views() if view.parameters or view.positional]
WITHOUT_KEY = [view for view in views() if view not in WITH_KEY and view.name != "logout"]


@pytest.mark.parametrize("view", some(WITHOUT_KEY), ids=lambda view: view.name)
def test_an_odd_query_breaks_nothing(world: World, administrator: Client, whole: bool, view: View):
    world.send(plain())
    path = reverse(f"admin:{view.name}")
    for name, odd in asked_of(view, every=whole):
        answer = administrator.get(f"{path}?{name}={odd}")
        assert answer.status_code < 500, (name, odd)


@pytest.mark.parametrize("view", some(WITH_KEY), ids=lambda view: view.name)
def test_an_odd_key_breaks_nothing(administrator: Client, view: View):
    for odd in ["\0", "a\0b", "9" * 30, "-1", "\ud800", "😀", "x" * 3000, "\n"]:
        try:
            parts = len(view.parameters) or view.positional
            path = reverse(f"admin:{view.name}", args=[odd] * parts)
        except (NoReverseMatch, UnicodeEncodeError):
            continue
        assert administrator.get(path).status_code < 500, odd
