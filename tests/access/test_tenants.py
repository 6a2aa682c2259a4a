"""Two organizations in one portal: nothing of one is shown to, or changed by, those of the other.

The foreign organization has a marker in every column. Whoever may sign in or call, but is not of
it, asks every URL of the portal about its rows, and about their own with its keys in every field.
A URL that is not known here fails; so does a command that names an organization.
"""

import json
import random
import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from access import tokens
from access.models import ApiToken
from core.web import ratelimit
from integrations.models import Organization, Source, SourceCredential
from integrations.sources.auth import hash_secret
from referrals.models import InboundEvent, Referral
from tests.access import markers
from tests.access.conftest import SCOPED
from tests.access.test_matrix import ABOUT_A_ROW, OTHERS, body, undone
from tests.addresses import row_of
from tests.forms import form_on
from tests.referrals.api.sender import basic
from tests.world import plain

pytestmark = pytest.mark.long

SECRET = "a secret of this test alone"
UNKNOWN = "00000000-0000-4000-8000-000000000000"
PER_PAGE = 20  # requests with foreign keys, to each page of each role
SAMPLE = 24  # views

# How the addresses outside the admin are filled in. `{reference}` and the like are the foreign
# organization's.
ADDRESSES: dict[str, str] = {
    "": "/",
    "admin/referrals/importjob/<path:rest>": "/admin/referrals/importjob/{delivery}/change/",
    "admin/referrals/importjob/": "/admin/referrals/importjob/",
    **{
        f"account/{one}": f"/account/{one}"
        for one in (
            *("login/", "language/", "logout/", "inactive/", "signup/", "reauthenticate/"),
            *("password/change/", "password/set/", "password/reset/", "password/reset/done/"),
            *("password/reset/key/done/", "provider/login/", "provider/callback/"),
            *("provider/link/", "second-factor/", "second-factor/authenticate/"),
            *("second-factor/reauthenticate/", "second-factor/totp/activate/"),
            *("second-factor/totp/deactivate/", "second-factor/recovery-codes/"),
            *("second-factor/recovery-codes/generate/", "second-factor/recovery-codes/download/"),
            *("second-factor/webauthn/", "second-factor/webauthn/add/"),
            "second-factor/webauthn/reauthenticate/",
        )
    },
    "account/second-factor/webauthn/keys/<int:pk>/remove/": (
        "/account/second-factor/webauthn/keys/1/remove/"
    ),
    "account/second-factor/webauthn/keys/<int:pk>/edit/": (
        "/account/second-factor/webauthn/keys/1/edit/"
    ),
    "account/^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$": (
        "/account/password/reset/key/1-set-password/"
    ),
    **{f"health/{one}": f"/health/{one}" for one in ("live", "ready", "delivery")},
    **{one: f"/{one}" for one in ("healthz", "readyz", "metrics")},
    **{
        f"hsds/3.1{one}": f"/hsds/3.1{one}"
        for one in (
            *("", "/", "/openapi.json", "/profile", "/services", "/organizations"),
            *("/service_at_locations", "/taxonomies", "/taxonomy_terms"),
        )
    },
    **{
        f"hsds/3.1/{one}/<str:hsds_id>": f"/hsds/3.1/{one}/{UNKNOWN}"
        for one in (
            *("services", "organizations", "service_at_locations", "taxonomies"),
            "taxonomy_terms",
        )
    },
    r"^hsds/3\.1/": "/hsds/3.1/no/such",
    "api/v1/directory/exports/<str:format>": "/api/v1/directory/exports/csv",
    "api/v1/directory/changes": "/api/v1/directory/changes",
    "api/v1/directory/locations/<str:hsds_id>": f"/api/v1/directory/locations/{UNKNOWN}",
    **{
        f"icarol/v1/Resource{one}": f"/icarol/v1/Resource{one}"
        for one in ("", "/", "/Search", "/Search/", "/Taxonomy", "/Taxonomy/")
    },
    "^icarol/v1/": "/icarol/v1/no/such",
    "directory/verify/<str:token>": "/directory/verify/none",
    **{f"directory/{one}": f"/directory/{one}" for one in ("", "embed", "widget.js")},
    "directory/services/<str:hsds_id>": f"/directory/services/{UNKNOWN}",
    "directory/services/<str:hsds_id>/correct": f"/directory/services/{UNKNOWN}/correct",
    "api/v1/events": "/api/v1/events",
    "fhir/MessageHeader/$process-message": "/fhir/MessageHeader/$process-message",
    "fhir/$process-message": "/fhir/$process-message",
    "api/v1/events/<uuid:event_id>": "/api/v1/events/{event}",
    "api/v1/referrals/<str:reference>": "/api/v1/referrals/{reference}",
    "api/v1/partner/referrals": "/api/v1/partner/referrals",
    "api/v1/partner/referrals/<path:reference>/files/<path:file_id>": (
        "/api/v1/partner/referrals/{reference}/files/{file}"
    ),
    "api/v1/partner/referrals/<path:reference>": "/api/v1/partner/referrals/{reference}",
    "api/v1/schema": "/api/v1/schema",
    "api/v1/docs": "/api/v1/docs",
    "^api/": "/api/no/such",
    "^fhir/": "/fhir/no/such",
}


# They are there where the portal sends mail alone.
WITH_MAIL = {address for address in ADDRESSES if "password/reset/" in address}


def patterns(of: Any = None, before: str = "") -> Iterator[str]:
    for one in (of or get_resolver()).url_patterns:
        here = f"{before}{one.pattern}"
        if isinstance(one, URLResolver):
            yield from patterns(one, here)
        elif isinstance(one, URLPattern):
            yield here


def test_every_url_of_the_portal_is_tried():
    """Those of the admin itself are found by `tests.addresses`, which fails for a new one."""
    outside = {one for one in patterns() if one in ADDRESSES or not one.startswith("admin/")}
    assert outside | WITH_MAIL == set(ADDRESSES), "Say in ADDRESSES how this address is filled in."


# -- Who asks --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def marked(planted: None, django_db_blocker: Any) -> dict[str, str]:
    """Return the marker of each column of the foreign organization."""
    with django_db_blocker.unblock():
        return markers.mark(Organization.objects.get(caredove_id="zq-990"))


@pytest.fixture
def watch(marked: dict[str, str], foreign: Organization) -> "Watch":
    return Watch(markers.Watched(foreign), marked)


@pytest.fixture(autouse=True)
def _nobody_is_slowed_down(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A limit would answer in place of what is tried."""
    settings.RATE_LIMIT_PER_MINUTE = 0
    monkeypatch.setattr(ratelimit, "REFUSALS_PER_MINUTE", 10**6)


def programs(own: Organization) -> dict[str, Client]:
    """Return a client of each kind of program, with credentials for our own organization."""
    sender = Source.objects.create(name="our sender")
    sender.organizations.add(own)
    partner = Source.objects.create(
        name="our partner", kind="partner", destination=own.destinations.first(), updates="allow"
    )
    partner.limit_to_its_destination()
    for source in (sender, partner):
        SourceCredential.objects.create(
            source=source, key=f"key {source.pk}", secret_hash=hash_secret(SECRET)
        )
    token = ApiToken(organization=own, name="ours")
    token.expires_at = timezone.now() + timezone.timedelta(days=1)
    bearer = tokens.make(token)
    token.save()
    return {
        "sender": Client(headers={"Authorization": basic(f"key {sender.pk}", SECRET)}),
        "partner": Client(headers={"Authorization": basic(f"key {partner.pk}", SECRET)}),
        "API token": Client(headers={"Authorization": f"Bearer {bearer}"}),
        "nobody": Client(),
    }


# -- What is asked ---------------------------------------------------------------------------------


def foreign_keys(foreign: Organization) -> list[str]:
    """Return what names the rows of the foreign organization: their keys, references, and ids."""
    keys = {
        str(row.pk)
        for rows in markers.rows_of_all_models(foreign)
        for row in rows.only("pk")[:2]
        if not rows.model.__name__.startswith("Historical")
    }
    references = Referral.objects.filter(organization=foreign).values_list("reference", flat=True)
    return sorted(keys | set(references) | {foreign.caredove_id})


def with_foreign_keys(
    page: Any, keys: list[str], chance: random.Random, most: int
) -> Iterator[dict[str, Any]]:
    """Yield what the page's form would send, with foreign keys in one of its fields at a time."""
    sent = form_on(page) if page.get("Content-Type", "").startswith("text/html") else {}
    sent = {name: value for name, value in sent.items() if name != "csrfmiddlewaretoken"}
    usual = ("organization", "destination", "listing", "mapping", "referral", "delivery", "pk")
    fields = [*sent, *usual, "_selected_action"]
    for name in chance.sample(fields, min(most, len(fields))):
        yield sent | {name: [chance.choice(keys)], "confirmed": ["1"], "post": ["yes"]}


def outside_the_admin(foreign: Organization) -> list[str]:
    """Return each address outside the admin, about a foreign row where it is about one."""
    referral = Referral.objects.filter(organization=foreign, files__isnull=False).first()
    referral = referral or Referral.objects.filter(organization=foreign)[0]
    found = {
        "reference": referral.reference,
        "delivery": referral.deliveries.values_list("pk", flat=True).first() or 1,
        "event": InboundEvent.objects.filter(referral__organization=foreign)[0].pk,
        "file": f"att-{referral.files.values_list('pk', flat=True).first() or 1}",
    }
    return [address.format(**found) for address in ADDRESSES.values()]


# -- What may not come of it -----------------------------------------------------------------------


class Watch:
    """Sends requests, and keeps what was wrong with an answer."""

    def __init__(self, watched: markers.Watched, marked: dict[str, str]) -> None:
        self.requests = 0
        self.wrong: list[str] = []
        self._watched = watched
        self._marked = marked

    def send(self, who: str, client: Client, method: str, address: str, sent: Any = None) -> Any:
        client.raise_request_exception = False
        ask: Callable[..., Any] = getattr(client, method)
        answer = ask(address, sent) if sent else ask(address)
        self.requests += 1
        what = f"{who}: {method} {address} {sent or ''} is answered {answer.status_code}"
        text = f"{body(answer)} {answer.headers}"
        for marker in sorted(set(re.findall(rf"{markers.MARK}\d+x", text))):
            if marker not in f"{address} {sent}":
                self.wrong.append(f"{what} with {self._marked[marker]}")
        if answer.status_code >= 500:
            self.wrong.append(what)
        return answer

    def look(self, what: str) -> None:
        """See, before what was asked is undone, that no foreign row has changed."""
        if changed := self._watched.changed():
            self.wrong.append(f"{what} changed {changed} of another organization")


def people_ask(
    watch: Watch, clients: dict[str, Client], own: Any, foreign: Any, most: int, seed: int
) -> None:
    """Ask views of the admin about foreign rows, and about own ones with foreign keys.

    With at most one request to each page, a sample of the views: `test_matrix` has all of them.
    """
    keys, chance = foreign_keys(foreign), random.Random(seed)
    all_views = [*ABOUT_A_ROW, *OTHERS]
    for view in all_views if most > 1 else chance.sample(all_views, SAMPLE):
        mine = view.address(own, row_of(view, own) if view.takes_a_key else None)
        theirs = ""
        if view.takes_a_key and getattr(view.admin, "organization_path", None):
            theirs = view.address(foreign, row_of(view, foreign))
        for role in SCOPED:
            client = clients[role]
            with undone():
                if theirs:
                    watch.send(role, client, "get", theirs)
                    watch.send(role, client, "post", theirs, {"post": "yes", "confirmed": "1"})
                page = watch.send(role, client, "get", mine)
                if page.status_code == 200:
                    for sent in with_foreign_keys(page, keys, chance, most):
                        watch.send(role, client, "post", mine, sent)
                        question = urlencode({name: one[0] for name, one in sent.items() if one})
                        watch.send(role, client, "get", f"{mine}?{question}"[:2000])
                watch.look(f"{role} at {mine}")


def programs_ask(watch: Watch, clients: dict[str, Client], foreign: Any, most: int) -> None:
    """Ask every address outside the admin, with each kind of credential."""
    keys = foreign_keys(foreign)
    organization, listing = foreign.caredove_id, foreign.listings.all()[0].caredove_id
    for address in outside_the_admin(foreign):
        for who, client in clients.items():
            with undone():
                watch.send(who, client, "get", address)
                watch.send(who, client, "post", address, {"organization": organization})
                watch.send(who, client, "patch", address)
                for key in keys[: 10 * (most - 1)]:
                    watch.send(who, client, "get", f"{address}?{urlencode({'after': key})}")
                watch.look(f"{who} at {address}")
    for number, reference in enumerate(keys[: 20 * most]):
        event = plain(number=number, reference=reference)
        event["organization"], event["service_listing"] = {"id": organization}, {"id": listing}
        with undone():
            sent = json.dumps(event)
            answer = clients["sender"].post("/api/v1/events", sent, "application/json")
            assert answer.status_code == 403, answer.content
            watch.requests += 1
            watch.look(f"the sender names {reference}")


def test_nothing_of_another_organization_is_shown_to_people_or_changed_by_them(
    watch: Watch,
    clients: dict[str, Client],
    own: Organization,
    foreign: Organization,
    whole: bool,
):
    seed = random.SystemRandom().randrange(2**32) if whole else 1
    people_ask(watch, clients, own, foreign, PER_PAGE if whole else 1, seed)
    print(f"seed {seed}: {watch.requests} requests")
    assert not watch.wrong, f"seed {seed}: " + "\n".join(watch.wrong[:20])
    assert watch.requests >= (5_000 if whole else 100)


def test_nor_to_programs(
    watch: Watch, clients: dict[str, Client], own: Organization, foreign: Organization, whole: bool
):
    programs_ask(
        watch, programs(own) | {"a person": clients["liaison"]}, foreign, 2 if whole else 1
    )
    print(f"{watch.requests} requests")
    assert not watch.wrong, "\n".join(watch.wrong[:20])


def test_a_marker_is_seen_where_somebody_may_see_it(
    watch: Watch, marked: dict[str, str], clients: dict[str, Client], foreign: Any
):
    """Or the tests above would see nothing."""
    assert len(set(marked.values())) > 45
    for view in ABOUT_A_ROW:
        if view.name in ("referrals_referral_change", "integrations_destination_change"):
            address = view.address(foreign, row_of(view, foreign))
            watch.send("administrator", clients["administrator"], "get", address)
    assert len(watch.wrong) >= 2
    with undone():
        Referral.objects.filter(organization=foreign).update(merged_into=None, organization=None)
        watch.look("somebody")
    assert "referrals.Referral" in watch.wrong[-1]
