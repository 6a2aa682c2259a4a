"""What a data partner may read: its token, the days of its agreement, entries, fields, rate."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from core.database import clock
from directory import changes
from directory.data_partners import tokens
from directory.models import DataPartnerToken, Entry, Membership, Supplier
from directory.taking_in import take_in
from directory.views.agreements import Unusable
from tests.directory import agreed, make, standard

pytestmark = pytest.mark.usefixtures("directory")
BASE = "/hsds/3.1"


def ids(client, path="services", **query):
    page = client.get(f"{BASE}/{path}", {"per_page": 500} | query).json()
    return {one["id"] for one in page["contents"]}


def id_of(*rows):
    return {str(row.entry.hsds_id) for row in rows}


# -- who asks -------------------------------------------------------------------------------------


def test_a_token_opens_its_view_and_no_other_does(client, directory):
    directory.public = "false"
    directory.save()
    service = make.service()
    partner = agreed.partner()
    assert client.get(f"{BASE}/services").status_code == 401
    for wrong in ("Bearer nobody-knows-this", "Bearer", "Basic abc", "Bearer \u00e9"):
        refused = client.get(f"{BASE}/services", headers={"Authorization": wrong})
        assert refused.status_code == 401
        assert refused["WWW-Authenticate"].startswith("Bearer")
        assert client.get(f"{BASE}/", headers={"Authorization": wrong}).status_code == 401
    reader = agreed.client(partner)
    answer = reader.get(f"{BASE}/services")
    assert ids(reader) == id_of(service)
    assert "private" in answer["Cache-Control"]
    assert "Access-Control-Allow-Origin" not in answer


@pytest.mark.parametrize(
    ("first", "last", "status"), [(0, 0, 200), (None, 0, 200), (1, None, 403), (None, -1, 403)]
)
def test_an_agreement_holds_from_its_first_to_its_last_day(directory, first, last, status):
    today = clock.now().astimezone(directory.zone).date()
    days = {
        name: None if offset is None else today + timedelta(days=offset)
        for name, offset in (("valid_from", first), ("valid_until", last))
    }
    assert agreed.reader(**days).get(f"{BASE}/services").status_code == status


def test_two_tokens_hold_while_one_replaces_the_other():
    partner = agreed.partner()
    first = agreed.client(partner)
    second = agreed.client(partner)
    with pytest.raises(tokens.TooMany):
        tokens.make(partner)
    assert [one.get(f"{BASE}/services").status_code for one in (first, second)] == [200, 200]
    old = partner.tokens.get(expires_at__isnull=False)
    assert old.expires_at > clock.now() + timedelta(days=29)
    DataPartnerToken.objects.filter(pk=old.pk).update(expires_at=clock.now())
    assert first.get(f"{BASE}/services").status_code == 401
    tokens.revoke(partner.tokens.get(expires_at=None))
    assert second.get(f"{BASE}/services").status_code == 401


def test_no_token_is_kept_as_it_is_and_none_belongs_in_an_address():
    partner = agreed.partner()
    secret = tokens.make(partner)
    assert secret not in str(list(DataPartnerToken.objects.values()))
    for query in (f"token={secret}", f"search={secret}", "access_token=x", "API_KEY=1"):
        refused = Client().get(f"{BASE}/services?{query}")
        assert refused.status_code == 400
        assert "Authorization" in refused.json()["detail"]
        assert secret not in refused.content.decode()


@pytest.mark.parametrize(
    "path",
    [
        f"{BASE}/services",
        f"{BASE}/organizations/9f1c2b7e-0000-4000-8000-000000000000",
        "/api/v1/directory/changes",
        "/api/v1/directory/exports/icarol-csv",
        "/icarol/v1/Resource",
        "/icarol/v1/Resource/Taxonomy",
    ],
)
def test_a_token_in_the_address_of_any_path_is_refused_also_beside_a_good_one(path):
    partner = agreed.partner()
    secret, good = tokens.make(partner), agreed.client(partner)
    for client in (Client(), good):
        refused = client.get(path, {"token": secret})
        assert refused.status_code == 400
        assert "Authorization" in refused.content.decode()
        assert secret not in refused.content.decode()


def test_an_agreement_allows_so_many_requests_a_minute():
    reader = agreed.reader(rate=2)
    answers = [reader.get(f"{BASE}/services") for _ in range(3)]
    assert [one.status_code for one in answers] == [200, 200, 429]
    assert int(answers[2]["Retry-After"]) > 0


# -- what it includes -----------------------------------------------------------------------------


@pytest.mark.postgres
def test_an_agreement_includes_what_each_key_says():
    county = Supplier.objects.create(name="county")
    parent = make.term(code="B")
    term = make.term(code="BD", parent=parent, taxonomy=parent.taxonomy)
    plain = make.service("Plain")
    food = make.service("Food")
    make.attribute(food, term)
    local = make.service("Local")
    local.service_areas.create(name={"en": "Ottawa", "fr": "Outaouais"})
    paused = make.service("Paused", status="inactive")
    sent = make.service("Sent", supplier=county)
    today = clock.now().date()
    fresh = make.service("Fresh", assured_date=today)
    make.service("Old", assured_date=today - timedelta(days=400))
    marked = make.service("Marked", not_public=True)
    alone = make.agency("Alone")
    expected = [
        ({"organizations": [str(plain.organization.entry.hsds_id)]}, [plain]),
        ({"organizations": [str(alone.entry.hsds_id)]}, []),
        ({"taxonomy_codes": ["B"]}, [food]),
        ({"taxonomy_codes": ["BD", "nothing"]}, [food]),
        ({"areas": ["Outaouais"]}, [local]),
        ({"statuses": ["inactive"]}, [paused]),
        ({"sources": ["county"]}, [sent]),
        ({"verified_within_days": 30}, [fresh]),
        ({"taxonomy_codes": ["B"], "areas": ["Ottawa"]}, []),
    ]
    partner = agreed.partner()
    reader = agreed.client(partner)
    assert marked.entry.hsds_id not in ids(reader)
    assert id_of(alone) <= ids(reader, "organizations")
    for include, services in expected:
        agreed.change(partner, include=include)
        assert ids(reader) == id_of(*services), include
        agencies = {service.organization for service in services}
        if include == {"organizations": [str(alone.entry.hsds_id)]}:
            agencies = {alone}
        assert ids(reader, "organizations") == id_of(*agencies), include
    agreed.change(partner, include={"not_public": True})
    assert id_of(marked, plain) <= ids(reader)


@pytest.mark.postgres
def test_a_term_that_moves_takes_its_services_along():
    top, other = make.term(code="T"), make.term(code="O")
    middle = make.term(code="TM", parent=top, taxonomy=top.taxonomy)
    low = make.term(code="TML", parent=middle, taxonomy=top.taxonomy)
    service = make.service()
    make.attribute(service, low)
    reader = agreed.reader(include={"taxonomy_codes": ["T"]})
    assert ids(reader) == id_of(service)
    middle.parent = other
    middle.save()
    changes.changed([middle.pk])
    assert ids(reader) == set()


@pytest.mark.postgres
def test_a_narrower_agreement_holds_with_the_next_request():
    service, other = make.service("One"), make.service("Two", minimum_age=18)
    partner = agreed.partner()
    reader = agreed.client(partner)
    path = f"{BASE}/services/{other.entry.hsds_id}"
    etag = reader.get(path)["ETag"]
    agreed.change(partner, exclude_fields=["service.minimum_age"])
    again = reader.get(path, headers={"If-None-Match": etag})
    assert again.status_code == 200
    assert "minimum_age" not in again.json()
    agreed.change(partner, include={"organizations": [str(service.organization.entry.hsds_id)]})
    assert reader.get(path).status_code == 404
    assert Client().get(path).status_code == 200  # no one else's view has changed


def test_what_a_supplier_keeps_to_our_pages_reaches_no_data_partner():
    kept = make.service(supplier=Supplier.objects.create(name="county", reshare=False))
    assert id_of(kept).isdisjoint(ids(agreed.reader()))


@pytest.mark.postgres
def test_an_agreement_that_has_ended_costs_nothing(directory):
    yesterday = clock.now().astimezone(directory.zone).date() - timedelta(days=1)
    partner = agreed.partner(valid_until=yesterday)
    make.service()
    take_in()
    assert not Membership.objects.filter(view=partner.view).exists()
    agreed.change(partner, valid_until=None)
    assert len(ids(agreed.client(partner))) == 1


@pytest.mark.parametrize(
    ("include", "exclude", "key"),
    [
        ({"organisations": ["x"]}, [], "organisations"),
        ({"organizations": ["not-a-uuid"]}, [], "organizations"),
        ({"areas": []}, [], "areas"),
        ({"areas": [""]}, [], "areas"),
        ({"statuses": ["open"]}, [], "statuses"),
        ({"verified_within_days": 0}, [], "verified_within_days"),
        ({"not_public": "yes"}, [], "not_public"),
        ({}, ["colour"], "exclude_fields"),
        ({}, ["service.colour"], "exclude_fields"),
        ({}, ["service.name"], "exclude_fields"),
        ({}, ["location"], "exclude_fields"),
        ({}, ["phone.number"], "exclude_fields"),
        ({}, ["address.city"], "exclude_fields"),
        ({}, ["taxonomy_term.code"], "exclude_fields"),
    ],
)
def test_what_an_agreement_cannot_say_is_refused(include, exclude, key):
    with pytest.raises(Unusable) as refused:
        agreed.partner(include=include, exclude_fields=exclude)
    assert refused.value.key == key


# -- what it excludes -----------------------------------------------------------------------------


def test_what_is_excluded_is_absent_wherever_it_is_nested():
    service = make.service(
        email="a@b.example.org", organization=make.agency(email="c@d.example.org")
    )
    place = make.location(description={"en": "Behind the church"})
    at = make.at(service, place, description={"en": "Downstairs"})
    contact = service.contacts.create(name={"en": "Ann"}, email="ann@b.example.org")
    make.phone(service=service, contact=contact)
    make.phone("613-555-0111", location=place)
    place.schedules.create(freq="WEEKLY", byday="MO", opens_at="09:00", closes_at="17:00")
    reader = agreed.reader(
        exclude_fields=["contact.email", "phone.service_id", "schedule", "organization.email"]
    )
    made = reader.get(f"{BASE}/services/{service.entry.hsds_id}").json()
    standard.check("service", made)
    assert made["email"]
    assert "email" not in made["organization"]
    assert "phones" not in made
    assert made["contacts"][0].keys() == {"id", "name", "phones"}
    nested = made["service_at_locations"][0]["location"]
    assert nested["phones"]
    assert "schedules" not in nested
    whole = reader.get(f"{BASE}/service_at_locations/{at.entry.hsds_id}").json()
    assert "schedules" not in whole["location"]
    assert "email" not in whole["service"]["organization"]


@pytest.mark.postgres
def test_a_change_of_what_is_excluded_shows_in_the_time_alone():
    service = make.service(wait_time={"en": "A week"})
    partner = agreed.partner(exclude_fields=["service.wait_time", "service.last_modified"])
    reader = agreed.client(partner)
    path = f"{BASE}/services/{service.entry.hsds_id}"
    before = reader.get(path)
    number = Membership.objects.get(view=partner.view, entry=service.pk).number
    service.wait_time = {"en": "A month"}
    service.save()
    changes.changed([service.pk])
    after = reader.get(path)
    assert (after.content, after["ETag"]) == (before.content, before["ETag"])
    assert Membership.objects.get(view=partner.view, entry=service.pk).number == number
    assert reader.get(f"{BASE}/services?minimal=true").json()["contents"] == [
        {"id": str(service.entry.hsds_id)}
    ]
    agreed.change(partner, exclude_fields=["service.wait_time"])
    first = reader.get(path).json()["last_modified"]
    Entry.objects.filter(pk=service.pk).update(internal_notes="x")
    service.wait_time = {"en": "A year"}
    service.save()
    changes.changed([service.pk])
    assert reader.get(path).json()["last_modified"] > first


@pytest.mark.postgres
def test_more_data_partners_cost_no_statement_in_the_click():
    service = make.service()
    take_in()

    def statements():
        with CaptureQueriesContext(connection) as queries:
            changes.changed([service.pk])
        return len(queries)

    alone = statements()
    for _ in range(3):
        agreed.partner(exclude_fields=["contact"])
    take_in()
    assert statements() == alone


def test_what_is_not_excluded_costs_a_page_no_statement():
    for number in range(3):
        make.service(f"Service {number}")
    partner = agreed.partner()
    reader = agreed.client(partner)

    def statements():
        reader.get(f"{BASE}/services")
        with CaptureQueriesContext(connection) as queries:
            reader.get(f"{BASE}/services")
        return len(queries)

    whole = statements()
    agreed.change(partner, exclude_fields=["service.fees", "contact"])
    assert statements() == whole
