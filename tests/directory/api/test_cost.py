"""What a request for services costs: few statements, however many services there are."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.database import clock
from directory.listing import items
from directory.models import Numbering, Service
from directory.taking_in import take_in
from directory.views.agreements import save
from tests.directory import agreed, make
from tests.directory.stored import change

pytestmark = pytest.mark.usefixtures("directory")
SERVICES = "/hsds/3.1/services"


@pytest.fixture
def services():
    """Return services, each with a phone and a term, and what is excluded of some readers."""
    agency, term = make.agency(), make.term()
    made = [make.service(organization=agency, minimum_age=18) for _ in range(5)]
    for one in made:
        make.phone(service=one)
        make.attribute(one, term)
    take_in()
    return made


def statements(client, path, **headers):
    """Return the statements of a request when its view was counted before."""
    client.get(path, headers=headers)
    with CaptureQueriesContext(connection) as asked:
        answer = client.get(path, headers=headers)
    assert answer.status_code in (200, 304)
    return [query["sql"] for query in asked]


@pytest.mark.postgres
def test_a_page_takes_three_statements(client, services):
    """How the directory stands, the view, and the page."""
    one = services[0].entry.hsds_id
    for path in (SERVICES, f"{SERVICES}?full=true&per_page=2", f"{SERVICES}/{one}"):
        assert len(statements(client, path)) == 3, path


@pytest.mark.postgres
def test_a_page_with_excluded_fields_takes_four_statements(services):
    """What the answers hold that is outside of the view is asked, too."""
    reader = agreed.reader(exclude_fields=["contact", "service.minimum_age"])
    for path in (SERVICES, f"{SERVICES}?full=true", f"{SERVICES}/{services[0].entry.hsds_id}"):
        assert len(statements(reader, path)) == 4, path


def test_what_has_not_changed_is_not_read(client, services):
    etag = client.get(SERVICES)["ETag"]
    asked = statements(client, SERVICES, if_none_match=etag)
    assert len(asked) == 3
    assert "directory_answer" not in "".join(asked)
    assert "directory_answer" in "".join(statements(client, SERVICES, if_none_match='"other"'))


def test_all_ids_are_not_read_where_nothing_has_changed(client, services):
    path = f"{SERVICES}?minimal=true"
    reader = agreed.reader(exclude_fields=["service.last_modified"])
    for one in (client, reader):
        etag = one.get(path)["ETag"]
        asked = statements(one, path, if_none_match=etag)
        assert len(asked) == 2
        assert "content_hash" not in asked[-1]  # a column of the services
        assert one.get(f"{path}&modified_after=2026-01-01")["ETag"] != etag
        change(services[0], status="inactive")
        answer = one.get(path, headers={"if-none-match": etag})
        assert answer.status_code == 200
        assert answer.json()["total_items"] == 4
        change(services[0], status="active")
        assert one.get(path).json()["total_items"] == 5


def test_the_same_page_is_cut_once(services, monkeypatch):
    reader = agreed.reader(exclude_fields=["service.minimum_age"])
    first = reader.get(SERVICES).content
    monkeypatch.setattr(items, "seen_by", None)
    assert reader.get(SERVICES).content == first


class TestTotals:
    def total(self, reader, path=SERVICES):
        found = reader.get(path).json()
        assert found["total_items"] == found["size"]
        return found["total_items"]

    def test_follow_what_enters_and_leaves(self, client, services):
        assert self.total(client) == 5
        make.service()
        assert self.total(client) == 6
        change(services[0], status="inactive")
        change(services[1], status="defunct")
        assert self.total(client) == 4
        change(services[0], status="active")
        assert self.total(client) == 5

    def test_are_those_of_each_view_and_kind(self, client, services):
        reader = agreed.reader(include={"organizations": [str(make.agency().entry.hsds_id)]})
        assert (self.total(reader), self.total(client)) == (0, 5)
        assert self.total(client, "/hsds/3.1/taxonomy_terms") == 1
        assert self.total(client, "/hsds/3.1/organizations") == 2

    def test_follow_an_agreement(self, client, services):
        partner = agreed.partner()
        reader = agreed.client(partner)
        assert self.total(reader) == 5
        agreed.change(partner, include={"statuses": ["inactive"]})
        assert self.total(reader) == 0
        agreed.change(partner, include={})
        assert self.total(reader) == 5

    def test_are_counted_again_where_a_database_was_restored(self, client, services):
        """It may give the same numbers to other changes, but with another mark."""
        assert self.total(client) == 5
        Service.objects.filter(pk=services[0].pk).get().entry.memberships.update(present=False)
        Numbering.objects.update(mark=7)
        assert self.total(client) == 4


def test_excluded_fields_follow_an_agreement_at_once(services):
    partner = agreed.partner(exclude_fields=["service.minimum_age"])
    reader = agreed.client(partner)
    assert "minimum_age" not in reader.get(SERVICES).json()["contents"][0]
    partner.exclude_fields = []
    save(partner)
    assert "minimum_age" in reader.get(SERVICES).json()["contents"][0]
    partner.exclude_fields = ["service.minimum_age"]
    save(partner)
    assert "minimum_age" not in reader.get(SERVICES).json()["contents"][0]


def test_an_agreement_that_has_ended_is_not_looked_at_by_each_request(client, services):
    """Its memberships are not checked any more, and wait for nothing."""
    agreed.partner(valid_until=(clock.now() - timedelta(days=3)).date())
    assert len(statements(client, SERVICES)) == 3
