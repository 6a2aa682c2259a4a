"""Every view and action of the admin × every role × an own and a foreign organization.

Generated from the admin's URL resolver, so that a new screen is in here by itself: what opens it
stands in `rules.py`, how its address is filled in stands in `tests/addresses.py`.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from core.models import AuditEvent
from tests.access.conftest import SCOPED
from tests.access.rules import asks_to_sign_in, may, needed, opened, refused
from tests.addresses import View, row_of, rows_of, views
from tests.seeds import FOREIGN, NAMES, reference

pytestmark = pytest.mark.long

Clients = dict[str, Client]


def _has_path(model: Any) -> bool:
    return bool(getattr(admin.site._registry.get(model), "organization_path", None))


VIEWS = views()
ABOUT_A_ROW = [view for view in VIEWS if view.takes_a_key]
OTHERS = [view for view in VIEWS if not view.takes_a_key and view.name not in ("login", "logout")]
MODELS = sorted(admin.site._registry, key=lambda model: model._meta.label)
ACTIONS = [
    (model, name)
    for model in MODELS
    if _has_path(model)
    for name in dict.fromkeys(["delete_selected", *(admin.site._registry[model].actions or [])])
]
# What anybody's request may write.
OF_EVERY_REQUEST = ("django_session", "core_auditevent", "cache")
by_name = pytest.mark.parametrize("view", ABOUT_A_ROW, ids=lambda view: view.name)
by_other_name = pytest.mark.parametrize("view", OTHERS, ids=lambda view: view.name)


# -- What to look for --------------------------------------------------------------------------


def body(response: HttpResponse) -> str:
    """Return what a person could read of an answer."""
    content = b"".join(response) if response.streaming else response.content
    return content.decode("utf-8", "replace")


def leaks(text: str, *, but: str = "") -> list[str]:
    """Return the words of the foreign organization in a text, but those that were sent."""
    for sent in filter(None, but.split()):
        text = text.replace(sent, "")
    return sorted(set(re.findall(rf"\S*{FOREIGN}\S*", text, re.IGNORECASE)))


@contextmanager
def nothing_written() -> Iterator[None]:
    with CaptureQueriesContext(connection) as queries:
        yield
    writing = re.compile(r'(INSERT INTO|UPDATE|DELETE FROM) "(\w+)"')
    written = {match[2] for query in queries if (match := writing.match(query["sql"]))}
    assert written <= set(OF_EVERY_REQUEST), f"This was written to: {written}"


@contextmanager
def undone() -> Iterator[None]:
    """Take back what the block has done, so that each request meets the same portal."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def unaudited(response: HttpResponse, user: str, before: int) -> str:
    """Return whose name is on the page though nothing was written of who has read it."""
    shown = [name for name in NAMES if name in body(response)]
    if not shown or response.status_code != 200:
        return ""
    written = AuditEvent.objects.filter(pk__gt=before, username=user, ip="127.0.0.1")
    recorded = [event for event in written if event.action and (event.object_id or event.detail)]
    return "" if recorded else shown[0]


def latest_audit() -> int:
    return AuditEvent.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


# -- A row of one's own --------------------------------------------------------------------------


@by_name
def test_a_view_of_an_own_row_opens_to_whom_it_should(
    view: View, own: Any, clients: Clients, whole: bool
):
    """A sample sends no empty form where the page has opened already, to one who may open it."""
    address = view.address(own, row_of(view, own))
    wrong = []
    for role, client in clients.items():
        with undone():
            before = latest_audit()
            got = client.get(address)
            wrong += faults(role, got, before)
        if not whole and opened(got) and may(role, view):
            continue
        with undone():
            posted = client.post(address)
        if role == "anonymous":
            right = asks_to_sign_in(got) and asks_to_sign_in(posted)
        else:
            right = opened(got, posted) == may(role, view)
        if not right:
            shown_text = f"{got.status_code} to GET, {posted.status_code} to POST"
            wrong.append(f"{role} gets {shown_text}; the rule is {needed(view)}")
    assert not wrong, f"{address}: " + "; ".join(wrong)


def faults(role: str, response: HttpResponse, before: int) -> Iterator[str]:
    """Yield what a person is shown who should not be, or without a trace."""
    if name := unaudited(response, role, before):
        yield f"{role} reads of {name}, and no audit event says so"
    if role in SCOPED and (words := leaks(body(response))):
        yield f"{role} reads {words}"
    if role != "anonymous":
        yield from faults_of_a_page(response)


def faults_of_a_page(response: HttpResponse) -> Iterator[str]:
    """Yield what an answer lacks that a browser has to know, and what a page has to offer."""
    kind = response.get("Content-Type", "")
    if response.status_code != 200 or kind.startswith("text/javascript"):
        return
    if "no-store" not in response.get("Cache-Control", ""):
        yield f"a browser may keep it: {response.get('Cache-Control')}"
    if kind.startswith("text/") and "charset=utf-8" not in kind.lower():
        yield f"its type is {kind}"
    whole_page = kind.startswith("text/html") and "<html" in body(response)
    if whole_page and "logout" not in body(response):
        yield "nobody can sign out there"


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_a_form_of_another_site_is_refused(view: View, own: Any, planted: None):
    if view.name in ("login", "logout"):
        return  # nobody is signed in; what signs out is tried in test_sessions
    address = view.address(own, row_of(view, own) if view.takes_a_key else None)
    client = Client(enforce_csrf_checks=True)
    client.force_login(User.objects.get(username="administrator"))
    with undone(), nothing_written():
        assert client.post(address).status_code == 403


# -- A row of somebody else's ----------------------------------------------------------------


@by_name
@pytest.mark.parametrize("role", SCOPED)
def test_a_foreign_row_is_not_there(view: View, role: str, foreign: Any, clients: Clients):
    if not _has_path(view.model):
        return  # of no organization: the test above says what opens it
    row = row_of(view, foreign)
    address = view.address(foreign, row)
    for method in (clients[role].get, clients[role].post):
        with undone(), nothing_written():
            response = method(address)
        assert refused(response), f"{address} is answered {response.status_code}"
        assert not leaks(body(response), but=f"{row} {row.pk}")


def test_what_would_be_a_leak_is_seen_where_it_is_none(foreign: Any, clients: Clients):
    for model in filter(_has_path, MODELS):
        assert rows_of(model, foreign).exists(), f"Plant a foreign {model._meta.label}."
    address = reverse("admin:integrations_destination_changelist")
    assert leaks(body(clients["administrator"].get(address)))


# -- Lists, searches, exports ------------------------------------------------------------------


@by_other_name
def test_a_view_of_no_single_row_opens_to_whom_it_should_and_shows_their_own(
    view: View, own: Any, clients: Clients
):
    address = view.address(own, None)
    wrong = []
    for role, client in clients.items():
        answers = []
        for method in (client.get, client.post):
            with undone():
                before = latest_audit()
                answers.append(method(address))
                wrong += faults(role, answers[-1], before)
        shown_text = ", ".join(str(answer.status_code) for answer in answers)
        right = role == "anonymous" or opened(*answers) == may(role, view)
        if not right and view.name != "autocomplete":  # it is asked for a field, below
            wrong.append(f"{role} gets {shown_text}; the rule is {needed(view)}")
    assert not wrong, f"{address}: " + "; ".join(wrong)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_lists_do_not_report_of_foreign_rows(model: Any, foreign: Any, clients: Clients):
    """However they are asked: by search, as a popup, by a filter for a foreign row."""
    address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    questions = [
        f"?q={reference('foreign')}",
        "?_popup=1&_to_field=id",
        "?_to_field=name",
        f"?organization__id__exact={foreign.pk}",
        f"?organization={foreign.pk}",
        f"?destination__id__exact={foreign.destinations.first().pk}",
        f"?destination={foreign.destinations.first().pk}",
        f"?listing={foreign.listings.first().pk}",
        "?all=1&p=1&e=1",
    ]
    for role in ("liaison", "support"):
        for question in questions:
            with undone():
                shown_text = body(clients[role].get(address + question))
            assert not leaks(shown_text, but=reference("foreign")), f"{role} {address}{question}"


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_no_filter_probes_what_belongs_to_others(model: Any, own: Any):
    """A row that is shared must not tell, by a look-up, of the rows of others that use it."""
    model_admin = admin.site._registry[model]
    request = RequestFactory().get("/")
    request.user = User.objects.get(username="liaison")
    for field in model._meta.get_fields():
        if field.auto_created and not field.concrete and not field.name.endswith("+"):
            for lookup in (f"{field.name}__pk__gt", f"{field.name}__id__in"):
                assert not model_admin.lookup_allowed(lookup, "0", request), lookup


RELATIONS = [
    (model._meta.app_label, model._meta.model_name, field.name)
    for model in MODELS
    for field in model._meta.get_fields()
    if field.concrete and field.remote_field
]


@pytest.mark.parametrize("asked", RELATIONS, ids=".".join)
def test_autocompletes_offer_their_own(asked: tuple[str, str, str], own: Any, clients: Clients):
    names = ("app_label", "model_name", "field_name")
    question = dict(zip(names, asked, strict=True))
    for role in ("liaison", "support"):
        for term in ("", "zq"):
            answer = clients[role].get(reverse("admin:autocomplete"), question | {"term": term})
            assert not leaks(body(answer)), f"{role}, “{term}”"


# -- Forms -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_forms_take_no_foreign_row(model: Any, own: Any, foreign: Any, clients: Clients):
    """Whatever is posted in a choice or an inline row is looked up among what was offered."""
    opts = model._meta
    change = f"admin:{opts.app_label}_{opts.model_name}_change"
    addresses = [
        reverse(f"admin:{opts.app_label}_{opts.model_name}_add"),
        *(reverse(change, args=[row.pk]) for row in rows_of(model, own)[:1]),
    ]
    for role in ("liaison", "support"):
        for address in addresses:
            with undone():
                response = clients[role].get(address)
            for name, offered in _offered(response):
                assert not _foreign_among(offered, foreign), f"{role} {address} {name}"


def _offered(response: HttpResponse) -> Iterator[tuple[str, Any]]:
    """Yield each choice of rows in the forms of a page, and the rows of its inlines."""
    context = getattr(response, "context", None) or {}
    forms = [context["adminform"].form] if "adminform" in context else []
    for inline in context.get("inline_admin_formsets", []):
        yield inline.formset.prefix, inline.formset.get_queryset()
        forms += [inline.formset.empty_form, *inline.formset.forms]
    for form in forms:
        for name, field in form.fields.items():
            # The key of an inline row is looked up among the rows of its inline.
            if hasattr(field, "queryset") and name != form._meta.model._meta.pk.name:
                yield name, field.queryset


def _foreign_among(offered: Any, foreign: Any) -> bool:
    if not _has_path(offered.model):
        return False
    theirs = rows_of(offered.model, foreign).order_by().values("pk")
    return bool(offered.order_by().filter(pk__in=theirs).exists())


# -- Actions ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "action"), ACTIONS, ids=lambda value: getattr(value, "__name__", value)
)
@pytest.mark.parametrize("across", ["0", "1"], ids=["chosen", "all"])
def test_no_action_reaches_a_foreign_row(
    model: Any, action: str, across: str, foreign: Any, clients: Clients
):
    address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    theirs = rows_of(model, foreign)
    before = list(theirs.order_by("pk").values())
    data = {
        "action": action,
        ACTION_CHECKBOX_NAME: [str(row.pk) for row in theirs],
        "select_across": across,
        "index": "0",
        "post": "yes",
        "confirmed": "1",
        "why": "because",
        "external_id": "RF-1",
    }
    for role in ("liaison", "support"):
        with undone():
            response = clients[role].post(address, data)
            assert not leaks(body(response)), role
            assert list(rows_of(model, foreign).order_by("pk").values()) == before, role
