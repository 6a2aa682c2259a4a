"""The change feed: whoever applies it has what the API lists, and hears of nothing else."""

import random
from datetime import timedelta

import pytest
from django.test import Client

from core.database import clock
from directory import changes
from directory.models import Entry, Membership, Numbering, Secrecy
from directory.taking_in import take_in
from tests.clocks import set_clock
from tests.directory import agreed, make
from tests.directory.stored import change

pytestmark = [pytest.mark.postgres, pytest.mark.usefixtures("directory")]
FEED = "/api/v1/directory/changes"


class Follower:
    """A reader that keeps what the feed puts, and checks what it is given."""

    def __init__(self, client, limit=100):
        self.client, self.limit = client, limit
        self.has, self.after = {}, ""

    def page(self):
        """Apply one page; return its changes, and whether there are more."""
        query = {"limit": self.limit} | ({"after": self.after} if self.after else {})
        answer = self.client.get(FEED, query)
        assert answer.status_code == 200, answer.content
        page = answer.json()
        assert len(page["changes"]) <= self.limit
        for one in page["changes"]:
            key = one["type"], one["id"]
            if one["action"] == "put":
                self.has[key] = one["url"]
            else:
                assert "url" not in one
                del self.has[key]  # KeyError: it was never put
        self.after = page["next"]
        return page["changes"], page["more"]

    def catch_up(self):
        found, more = [], True
        while more:
            some, more = self.page()
            found += some
        return found

    def ids(self, kind="service"):
        return {hsds_id for of, hsds_id in self.has if of == kind}


def listed(client):
    page = client.get("/hsds/3.1/services?minimal=true").json()
    return {one["id"] for one in page["contents"]}


def test_each_entry_once_and_then_what_happens():
    at = make.at(make.service(), make.location())
    make.attribute(at.service, make.term())
    follower = Follower(agreed.reader(), limit=2)
    first = follower.catch_up()
    assert len(first) == len(follower.has) == 6  # one of each kind
    for url in follower.has.values():
        assert follower.client.get(url.removeprefix("http://testserver")).status_code == 200
    assert follower.catch_up() == []
    change(at.location, description={"en": "Behind the church"})
    kinds = {one["type"] for one in follower.catch_up()}
    assert kinds == {"location", "service_at_location", "service"}
    change(at.service, secrecy=Secrecy.YES)
    gone = follower.catch_up()
    assert {one["action"] for one in gone} == {"remove"}
    assert follower.has == {}


def test_a_feed_without_a_token_is_that_of_the_public_api(client):
    service = make.service()
    follower = Follower(client)
    follower.catch_up()
    assert follower.ids() == {str(service.entry.hsds_id)}


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.whole)])
def test_whoever_follows_has_what_is_listed_whatever_happens_between_pages(seed):
    dice = random.Random(seed)
    services = [make.service(f"Service {number}") for number in range(6)]
    partner = agreed.partner()
    reader = agreed.client(partner)
    followers = [Follower(reader, limit) for limit in (1, 2, 5)]
    for _ in range(25):
        service = dice.choice(services)
        what = dice.randrange(4)
        if what == 0:
            agreed.change(partner, include=dice.choice([{}, {"statuses": ["active"]}]))
        elif what == 1:
            service.description = {"en": f"Text {dice.random()}"}
            service.save()
            changes.changed([service.pk])
        else:
            secrecy = dice.choice([Secrecy.NO, Secrecy.YES])
            Entry.objects.filter(pk=service.pk).update(secrecy=secrecy)
            changes.changed([service.pk])
        for follower in dice.sample(followers, 2):
            follower.page()
    for follower in followers:
        follower.catch_up()
        assert follower.ids() == listed(reader)


def test_what_left_during_the_walk_is_put_and_removed():
    services = [make.service(f"Service {number}") for number in range(3)]
    follower = Follower(agreed.reader(), limit=1)
    follower.page()
    last = max(services, key=lambda service: service.pk)
    change(last, secrecy=Secrecy.YES)
    found = [one["action"] for one in follower.catch_up() if one["id"] == str(last.entry.hsds_id)]
    assert found == ["put", "remove"]


def test_what_came_and_went_between_two_looks_is_put_and_removed_on_two_pages():
    make.service()
    follower = Follower(agreed.reader(), limit=1)
    follower.catch_up()
    service = make.service("Brief")
    take_in()
    change(service, secrecy=Secrecy.YES)
    found = [one["action"] for one in follower.catch_up() if one["type"] == "service"]
    assert found == ["put", "remove"]


def test_a_cursor_that_cannot_be_followed_is_refused():
    make.service()
    partner = agreed.partner()
    follower = Follower(agreed.client(partner))
    follower.catch_up()
    read = follower.client.get

    for wrong in ("made-up", follower.after[:-1] + "x", follower.after.upper()):
        refused = read(FEED, {"after": wrong})
        assert refused.status_code == 400
        assert refused.json()["errors"][0]["field"] == "after"
    assert agreed.reader().get(FEED, {"after": follower.after}).status_code == 400
    assert Client().get(FEED, {"after": follower.after}).status_code == 400
    for query in ({"limit": 0}, {"limit": 1001}, {"limit": "x"}, {"lang": "en"}, {"after": ""}):
        assert read(FEED, query).status_code == 400, query


def test_a_cursor_from_before_a_restore_is_gone():
    make.service()
    partner = agreed.partner()
    reader = agreed.client(partner)
    follower = Follower(reader)
    follower.catch_up()
    Numbering.objects.filter(view=partner.view).update(mark=1)  # as another database has it
    assert reader.get(FEED, {"after": follower.after}).status_code == 410


def test_what_has_left_is_remembered_for_90_days(directory, monkeypatch):
    service = make.service()
    partner = agreed.partner()
    follower = Follower(agreed.client(partner))
    follower.catch_up()
    change(service, secrecy=Secrecy.YES)
    now = clock.now()
    set_clock(monkeypatch, lambda: now + timedelta(days=89))
    take_in()
    assert Membership.objects.filter(view=partner.view, entry=service.pk).exists()
    reader = agreed.client(partner)
    assert reader.get(FEED, {"after": follower.after}).status_code == 200
    set_clock(monkeypatch, lambda: now + timedelta(days=91))
    assert reader.get(FEED, {"after": follower.after}).status_code == 410
    assert not Membership.objects.filter(view=partner.view, entry=service.pk).exists()
    assert reader.get(FEED).json()["changes"] == []
