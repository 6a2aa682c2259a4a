"""The page of a service: what it shows, what it never does, what stands at other ids."""

import re
from datetime import UTC, date, datetime
from uuid import uuid4

import pytest

from core.database import clock
from directory.models import Directory, Entry
from tests.directory import make
from tests.directory.pages.test_search import text_of
from tests.directory.stored import change

pytestmark = pytest.mark.usefixtures("directory")
WEDNESDAY = datetime(2026, 12, 2, 15, 30, tzinfo=UTC)  # half past ten in Toronto


@pytest.fixture(autouse=True)
def _on_a_wednesday(monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: WEDNESDAY)


def path(row):
    return f"/directory/services/{row.entry.hsds_id}"


def shown(client, row, lang="en"):
    response = client.get(f"{path(row)}?lang={lang}")
    assert response.status_code == 200
    return text_of(response)


def test_everything_that_people_ask_is_there(client):
    service = make.service(
        {"en": "Counselling", "fr": "Consultation"},
        organization=make.agency("Family Centre", website={"en": "www.family.example.org"}),
        minimum_age=12,
        eligibility_description={"en": "People of Milltown."},
        fees_description={"en": "Free."},
        application_process={"en": "Walk in."},
        assured_date=date(2026, 10, 5),
        email="help@family.example.org",
    )
    service.required_documents.create(document={"en": "A health card"})
    service.languages.create(code="fr", name={"en": "French"})
    service.phones.create(number="705-555-0142")
    location = make.location("Main building", latitude=45.4, longitude=-75.7)
    make.address(location, address_1={"en": "40 Main St"})
    location.accessibility.create(description={"en": "Step-free"})
    make.at(service, location)
    page = shown(client, service)
    for text in (
        "Family Centre",
        "People of Milltown. 12 years and older",
        "Cost Free.",
        "What to bring A health card",
        "How to apply Walk in.",
        "Languages French",
        "Access Step-free",
        "40 Main St Ottawa, ON K1A 0B1",
        "Last verified: October 2026",
        "help@family.example.org",
        "family.example.org",
        "705-555-0142",
    ):
        assert text in page, text
    french = shown(client, service, "fr")
    assert "Consultation" in french
    assert "Dernière vérification : octobre 2026" in french
    assert "12 ans et plus" in french


def test_this_week_with_its_exceptions(client):
    service = make.service()
    usual = service.schedules.create(
        freq="WEEKLY", byday="MO,TU,WE,TH,FR", opens_at="09:00", closes_at="16:30"
    )
    usual.closings.create(first_day=date(2026, 12, 4), last_day=date(2026, 12, 4))
    service.schedules.create(freq="MONTHLY", byday="2TH", opens_at="18:00", closes_at="20:00")
    page = shown(client, service)
    assert "Wednesday 9 a.m. – 4:30 p.m., today" in page
    assert "Friday Closed (usually 9 a.m. – 4:30 p.m.)" in page
    assert "Sunday Closed" in page
    assert "Eastern time" in page
    assert "Second Thursday of the month, 6 p.m. – 8 p.m." in page
    assert "Closed on December 4, 2026" in page
    french = shown(client, service, "fr")
    assert "Mercredi de 9 h à 16 h 30, aujourd’hui" in french
    assert "Vendredi Fermé (d’ordinaire de 9 h à 16 h 30)" in french
    assert "Fermé le 4 décembre 2026" in french


def test_hours_that_cannot_be_computed_are_there_in_words(client):
    service = make.service()
    service.schedules.create(description={"en": "By appointment"})
    page = shown(client, service)
    assert "By appointment" in page
    assert "This week" not in page


def test_a_temporary_closing_is_stated_first(client):
    service = make.service(status="temporarily closed", alert={"en": "Closed after a fire."})
    service.schedules.create(freq="WEEKLY", byday="WE", opens_at="09:00", closes_at="17:00")
    page = shown(client, service)
    assert "Temporarily closed" in page
    assert "Closed after a fire." in page
    assert "Open until" not in page


def test_nothing_confidential_is_shown(client):
    service = make.service(email="secret-mail@example.org", email_secrecy="yes")
    service.phones.create(number="705-555-0111", secrecy="yes")
    service.phones.create(number="705-555-0112")
    location = make.location("Secret Street house", latitude=45.4, longitude=-75.7, secrecy="yes")
    make.address(location, address_1={"en": "9 Secret Street"})
    make.at(service, location, description={"en": "Secret entrance"})
    make.at(make.service("Secret neighbour"), location)
    html = client.get(path(service)).content.decode()
    assert "705-555-0112" in html
    assert "The address is confidential." in html
    for secret in ("ecret", "0111", "45.4", "openstreetmap"):
        assert secret not in html, secret


def test_links_are_those_that_a_page_may_offer(client):
    service = make.service(url={"en": "https://food.example.org/help?a=1&b=2"})
    service.additional_urls.create(url={"en": "javascript:alert(1)"}, label={"en": "Evil"})
    html = client.get(path(service)).content.decode()
    assert 'href="https://food.example.org/help?a=1&amp;b=2"' in html
    assert 'href="javascript' not in html
    assert not re.search(r"<(script|iframe|img)", html)


def test_every_id_outside_the_view_answers_the_same(client):
    rows = [
        make.service(secrecy="yes"),
        make.service(withdrawn_by="staff"),
        make.service(status="defunct"),
        make.service(not_public=True),
        make.agency(),
    ]
    addresses = [path(row) for row in rows]
    addresses += [f"/directory/services/{one}" for one in (uuid4(), "none", "%00", "1' or 1=1")]
    answers = [client.get(address) for address in addresses]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1
    assert "may have been withdrawn" in text_of(answers[0])
    assert 'name="need"' in answers[0].content.decode()


class TestMerged:
    def test_a_merged_id_leads_to_its_survivor(self, client):
        survivor, middle, merged = make.service("Stays"), make.service(), make.service()
        change(middle, merged_into=survivor.entry, withdrawn_by="merge")
        change(merged, merged_into=middle.entry, withdrawn_by="merge")
        response = client.get(f"{path(merged)}?lang=fr")
        assert response.status_code == 302
        assert response["Location"] == f"{path(survivor)}?lang=fr"

    def test_one_whose_survivor_is_out_is_like_all_others(self, client):
        survivor, merged = make.service(secrecy="yes"), make.service()
        change(merged, merged_into=survivor.entry, withdrawn_by="merge")
        assert client.get(path(merged)).status_code == 404

    def test_a_circle_ends(self, client):
        one, other = make.service(), make.service()
        change(one, merged_into=other.entry, withdrawn_by="merge")
        Entry.objects.filter(pk=other.pk).update(merged_into=one.entry)
        assert client.get(path(one)).status_code == 404


class TestQuickExit:
    def test_stands_where_a_term_asks_for_it(self, client):
        Directory.objects.update(quick_exit_codes=["PH-1"])
        service, other = make.service("Shelter"), make.service("Food bank")
        make.attribute(service, make.term("Violence", code="PH-1"))
        assert "Leave this site" in shown(client, service)
        assert "Leave this site" not in shown(client, other)


def test_services_at_the_same_place_are_named(client):
    location = make.location()
    service, other = make.service("Food bank"), make.service("Youth drop-in")
    secret = make.service("Hidden help", secrecy="yes")
    for one in (service, other, secret):
        make.at(one, location)
    page = shown(client, service)
    assert "Also at this place Youth drop-in" in page
    assert "Hidden help" not in page


def test_on_paper_the_page_is_plain(client):
    service = make.service("Food bank")
    html = client.get(f"{path(service)}?lang=en&print=true").content.decode()
    assert '<body class="paper">' in html
    assert "Food bank" in html


def test_confidential_holds_with_the_next_request(client):
    service = make.service("Food bank")
    service.phones.create(number="705-555-0142")
    assert "555-0142" in shown(client, service)
    service.phones.update(secrecy="yes")
    from directory import changes

    changes.changed([service.pk])
    assert "555-0142" not in shown(client, service)
