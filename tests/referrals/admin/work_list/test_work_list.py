"""The work list: what needs a person, narrowed and searched, with nothing private in a URL."""

import logging
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, unquote
from uuid import uuid4

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format

from access.roles import LIAISON, SUPPORT
from core.models import AuditEvent
from integrations.models import Destination, Organization, ServiceListing
from referrals.admin.searching import SearchedAdmin
from referrals.advice import Actor, advice
from referrals.answers.causes import CAUSES, cause_key
from referrals.models import Delivery, Referral
from tests.core.test_logging import Lines
from tests.people import client_of
from tests.world import World, make_world, plain

pytestmark = pytest.mark.postgres  # filters

State, Reason = Delivery.State, Delivery.Reason
DELIVERIES = reverse("admin:referrals_delivery_changelist")
SEARCH = reverse("admin:referrals_delivery_search")
NOW = timezone.now()


@pytest.fixture
def support(world: World) -> Client:
    return client_of(SUPPORT, world.organization)


@pytest.fixture
def rejected(db: None) -> World:
    world = make_world(behaviour="reject")
    world.send(plain())
    world.run()
    return world


def listed(client: Client, url: str = DELIVERIES, **params: Any) -> list[str]:
    response = client.get(url, params, follow=True)
    assert response.status_code == 200
    return [delivery.referral.reference for delivery in response.context["cl"].result_list]


def delivery(world: World, reference: str, **fields: Any) -> Delivery:
    """Put an import into the database as it might stand."""
    referral = Referral.objects.create(
        reference=reference,
        organization=world.organization,
        listing=fields.pop("listing", world.listing),
        created_at=NOW,
        changed_at=NOW,
        purged_at=fields.pop("purged_at", None),
    )
    defaults = {
        "destination": world.destination,
        "trigger_config": world.config,
        "state": State.NEEDS_ATTENTION,
        "reason": Reason.RETRIES_EXHAUSTED if fields.get("state") is None else "",
        "opened_at": NOW,
        "error_at": NOW,
    }
    return Delivery.objects.create(referral=referral, **{**defaults, **fields})


# -- What it shows -------------------------------------------------------------------------------


def test_it_opens_on_errors_that_nobody_has_cleared(support: Client, world: World) -> None:
    delivery(world, "1")
    delivery(world, "2", error_cleared_at=NOW)
    delivery(world, "3", state=State.IMPORTED, external_id="RF-3", error_at=None)

    assert listed(support) == ["1"]
    assert listed(support, error="cleared") == ["2"]
    assert sorted(listed(support, error="all")) == ["1", "2", "3"]


def test_it_states_what_is_wrong_whose_turn_it_is_and_since_when(rejected: World) -> None:
    client = client_of(SUPPORT, rejected.organization)
    page = client.get(DELIVERIES).content.decode()

    for words in (
        "The destination refused the referral",
        rejected.delivery.message,
        str(Actor.REFERRAL_STAFF.label),
        date_format(timezone.localtime(rejected.delivery.error_at), "DATETIME_FORMAT"),
    ):
        assert words in page
    assert AuditEvent.objects.get(action="list imports").detail == {
        "imports": [str(rejected.delivery.pk)]
    }


def test_the_oldest_error_stands_first_and_can_stand_last(support: Client, world: World) -> None:
    delivery(world, "new", error_at=NOW)
    delivery(world, "old", error_at=NOW - timezone.timedelta(days=3))

    assert listed(support) == ["old", "new"]
    assert listed(support, order="newest") == ["new", "old"]


def test_nothing_to_do_is_stated(support: Client) -> None:
    assert "No error is waiting to be cleared." in support.get(DELIVERIES).content.decode()


def test_an_action_reaches_an_import_that_the_list_does_not_open_on(
    support: Client, world: World
) -> None:
    done = delivery(world, "1", state=State.QUEUED, due_at=NOW, error_at=None)

    answer = {"action": "dismiss", "_selected_action": str(done.pk)}
    page = support.post(DELIVERIES, {**answer, "confirmed": "yes", "why": "no"}, follow=True)

    assert "1 import was dismissed." in page.content.decode()


# -- What it is narrowed by ------------------------------------------------------------------------


def test_each_filter_finds_its_own(support: Client, world: World) -> None:
    listing = ServiceListing.objects.create(
        organization=world.organization, caredove_id="2", name="Other listing"
    )
    destination = Destination.objects.create(
        organization=world.organization, name="Other CRMS", kind="demo"
    )
    delivery(world, "plain", triggers=["received"], last_code="HTTP 503", last_kind="failing")
    delivery(world, "listing", listing=listing, last_code="", last_kind="silent")
    delivery(
        world, "destination", destination=destination, last_code="HTTP 400", last_kind="refused"
    )
    delivery(world, "booked", triggers=["received", "booked"], reason=Reason.BUG)
    delivery(world, "old", error_at=NOW - timezone.timedelta(days=9))

    day = (timezone.localdate(NOW) - timezone.timedelta(days=5)).isoformat()
    for params, found in (
        ({"listing": listing.pk}, ["listing"]),
        ({"destination": destination.pk}, ["destination"]),
        ({"trigger": "booked"}, ["booked"]),
        ({"reason": "bug"}, ["booked"]),
        ({"code": 503}, ["plain"]),
        ({"code": "4xx"}, ["destination"]),
        ({"code": 0}, ["listing"]),
        ({"kind": "failing"}, ["plain"]),
        ({"kind": "silent"}, ["listing"]),
        ({"to": day}, ["old"]),
        ({"from": day, "code": "5xx"}, ["plain"]),
        ({"state": "queued"}, []),
    ):
        assert listed(support, **params) == found, params


def test_what_is_not_offered_is_not_looked_at(support: Client, world: World) -> None:
    foreign = Organization.objects.create(caredove_id="9", name="Elsewhere")
    delivery(world, "1")

    for params in (
        {"organization": foreign.pk},
        {"organization": "x' OR 1"},
        {"code": "999"},
        {"kind": "HTTP 503"},
        {"from": "yesterday"},
        {"from": "0001-01-01", "to": "9999-12-31"},
        {"reason": "whatever"},
    ):
        assert listed(support, **params) == ["1"], params
    assert "Elsewhere" not in support.get(DELIVERIES).content.decode()


# -- Causes ----------------------------------------------------------------------------------------


def every_standing(world: World) -> None:
    """Put an import into each way in which one can stand."""
    paused = Destination.objects.create(
        organization=world.organization,
        name="Paused CRMS",
        kind="demo",
        paused_at=NOW,
        paused_reason="Token refused",
    )
    down = Destination.objects.create(
        organization=world.organization,
        name="Unreachable CRMS",
        kind="demo",
        paused_at=NOW,
        paused_reason="it refused the connection. Look there.",
        probe_at=NOW,
    )
    imported = {"state": State.IMPORTED, "external_id": "RF-1"}
    standings: list[dict[str, Any]] = [
        *({"reason": reason} for reason in Reason),
        imported,
        {**imported, "lacks_files": True, "missing_files": {"a": "b"}},
        {**imported, "needs_correction": True, "corrections": ["Remove it."]},
        {**imported, "needs_correction": True, "lacks_files": True, "missing_files": {"a": "b"}},
        {**imported, "lacks_files": True, "missing_files": {"a": "b"}, "due_at": NOW},
        {**imported, "purged_at": NOW},
        {"state": State.DISMISSED, "purged_at": NOW},
        {"state": State.DISMISSED},
        {"state": State.QUEUED, "due_at": NOW},
        {"state": State.WAITING},
        {"state": State.RUNNING, "lease_until": NOW},
    ]
    quiet = [{**standing, "error_at": None} for standing in standings if "state" in standing]
    for number, standing in enumerate([*standings, *quiet]):
        for place in (world.destination, paused, down):
            lease = {"lease_token": uuid4()} if standing.get("state") == State.RUNNING else {}
            delivery(world, f"{number} {place}", **{"destination": place, **standing, **lease})


@pytest.mark.slow
def test_each_import_that_needs_somebody_has_one_cause_with_their_turn(world: World) -> None:
    every_standing(world)
    causes = {cause.key: cause for cause in CAUSES}
    deliveries = Delivery.objects.select_related("referral", "destination").annotate(
        cause=cause_key()
    )

    for one in deliveries:
        fitting = [c.key for c in CAUSES if Delivery.objects.filter(c.condition, pk=one.pk)]
        needs = advice(one).actor != Actor.NOBODY or one.has_uncleared_error
        assert fitting == ([one.cause] if needs else []), one.referral
        if one.cause:
            assert causes[one.cause].advice.actor == advice(one).actor, one.referral
    assert {one.cause for one in deliveries} == {"", *causes}


# -- Searching -------------------------------------------------------------------------------------


def search(client: Client, words: str, url: str = SEARCH) -> Any:
    response = client.post(url, {"q": words})
    assert response.status_code == 302
    return response["Location"]


@pytest.fixture
def named(world: World) -> Referral:
    world.send(plain(registrant={"first_name": "Geneviève", "last_name": "Beauséjour"}))
    world.run()
    return world.referral


@pytest.mark.parametrize("words", ["BEAUSEJOUR Genevieve", "Geneviève Beauséjour "])
def test_a_referral_is_found_by_name_and_the_name_goes_nowhere(
    support: Client, named: Referral, words: str
) -> None:
    url = search(support, words)
    page = support.get(url)

    assert listed(support, url) == [named.reference]
    kept = unquote(url) + page.content.decode() + str(dict(support.session.items()))
    kept += "".join(f"{e.action}{e.detail}" for e in AuditEvent.objects.all())
    assert not re.search("beaus|genev", kept, re.IGNORECASE)
    assert AuditEvent.objects.filter(action="search imports").get().detail == {"by": "name"}


@pytest.fixture
def lines() -> Iterator[Lines]:
    """What is written to the log."""
    handler = Lines()
    logging.getLogger().addHandler(handler)
    yield handler
    logging.getLogger().removeHandler(handler)


SEARCHED = ["delivery", "referral", "inboundevent"]


@pytest.mark.parametrize("model", SEARCHED)
@pytest.mark.parametrize("words", ["Geneviève Beauséjour", "Geneviève Nobody", "Ouyang"])
def test_no_log_line_and_no_address_holds_what_is_searched_for(
    support: Client, named: Referral, model: str, words: str, lines: Lines
) -> None:
    page = support.get(reverse(f"admin:referrals_{model}_changelist")).content.decode()
    form = re.search(r"<form[^>]*id=.changelist-search[^>]*>", page)
    assert form
    assert 'method="post"' in form[0]
    url = search(support, words, reverse(f"admin:referrals_{model}_search"))
    support.get(url)
    assert f"POST /admin/referrals/{model}/search/" in lines.text
    for word in words.split():
        assert word not in lines.text
        assert word not in unquote(url)
        assert quote(word) not in url


def test_all_lists_that_show_a_person_are_searched_by_post() -> None:
    by_post = {
        model._meta.model_name
        for model, model_admin in admin.site._registry.items()
        if isinstance(model_admin, SearchedAdmin) and model_admin.referral_path
    }
    assert by_post == set(SEARCHED)


def test_a_search_for_an_id_can_be_read_in_the_url(
    support: Client, world: World, named: Referral
) -> None:
    for known in (named.reference, world.delivery.external_id):
        url = search(support, f" {known} ")
        assert url == f"{DELIVERIES}?q={known}"
        assert listed(support, url) == [named.reference]


@pytest.mark.parametrize("words", ["Nobody Atall", "5551234", "%", "Geneviève", "-"])
def test_what_is_not_found_is_not_in_the_url(support: Client, named: Referral, words: str) -> None:
    url = search(support, words)

    assert listed(support, url) == []
    assert words not in unquote(url).removeprefix(DELIVERIES)


def test_what_was_found_can_be_narrowed_and_left(support: Client, named: Referral) -> None:
    url = search(support, "Geneviève Beauséjour")

    assert listed(support, f"{url}&state=imported") == [named.reference]
    assert listed(support, f"{url}&state=queued") == []
    assert 'href="?"' in support.get(url).content.decode()


def test_a_name_of_another_organization_is_not_found(world: World, named: Referral) -> None:
    elsewhere = Organization.objects.create(caredove_id="9", name="Elsewhere")
    stranger = client_of(SUPPORT, elsewhere, name="stranger")

    for words in ("Geneviève Beauséjour", named.reference):
        url = search(stranger, words)
        assert listed(stranger, url) == []
        assert named.reference not in url


def test_a_made_up_search_shows_the_list(support: Client, named: Referral) -> None:
    assert listed(support, name="made-up") == []
    assert support.get(DELIVERIES, {"name": "é"}, follow=True).status_code == 200


def test_whoever_may_not_see_imports_may_not_search_them(world: World) -> None:
    liaison = client_of(LIAISON, world.organization)

    assert liaison.post(SEARCH, {"q": "x"}).status_code == 403


@pytest.mark.parametrize("model", ["referral", "inboundevent"])
def test_other_lists_are_searched_likewise(support: Client, named: Referral, model: str) -> None:
    url = reverse(f"admin:referrals_{model}_search")

    for words in ("beausejour genevieve", named.reference):
        rows = support.get(search(support, words, url)).context["cl"].result_list
        assert len(rows) == 1, words
    nothing = support.get(search(support, "nobody", url)).context["cl"].result_list
    assert len(nothing) == 0


def test_a_row_is_ticked_by_its_reference(rejected: World):
    support = client_of(SUPPORT, rejected.organization)
    (reference,) = listed(support)
    assert f'aria-label="Select {reference}"' in support.get(DELIVERIES).content.decode()


def test_an_organization_that_cannot_be_one_narrows_nothing(rejected: World):
    support = client_of(SUPPORT, rejected.organization)
    assert listed(support, organization="9" * 50) == listed(support)
