"""The search page: what it finds, how it says so, and what it does without."""

import re
from datetime import UTC, datetime
from html import unescape
from itertools import count

import pytest

from core.database import clock
from directory.api import seats
from directory.models import Directory, Place, Town
from tests.directory import make

pytestmark = pytest.mark.usefixtures("directory")
PATH = "/directory/"
_houses = count(100)
WEDNESDAY = datetime(2026, 12, 2, 15, 30, tzinfo=UTC)  # half past ten in Toronto


@pytest.fixture(autouse=True)
def _on_a_wednesday(monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: WEDNESDAY)


def text_of(response):
    """Return what a person reads of a page, with plain spaces."""
    html = re.sub(r"(?s)<(style|script|head|svg).*?</\1>", " ", response.content.decode())
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def found(client, lang="en", **form):
    response = client.post(f"{PATH}?lang={lang}", form)
    assert response.status_code == 200
    return re.findall(
        r'<h2><a href="/directory/services/[^"]+">([^<]+)<', response.content.decode()
    )


def placed(name, latitude, longitude, city="Milltown", **fields):
    service = make.service(name, **fields)
    location = make.location(latitude=latitude, longitude=longitude)
    house = f"{next(_houses)} Main Street"
    make.address(location, address_1={"en": house}, city={"en": city}, postal_code="")
    make.at(service, location)
    return service


class TestFrame:
    def test_without_a_directory_there_is_no_page(self, client):
        Directory.objects.all().delete()
        assert client.get(PATH).status_code == 404
        assert client.post(PATH).status_code == 404

    @pytest.mark.parametrize(("public", "status"), [("true", 200), ("pages", 200), ("false", 401)])
    def test_pages_are_open_where_the_directory_is(self, client, public, status):
        Directory.objects.update(public=public)
        make.service("Food bank")
        response = client.post(PATH, {"need": "food"})
        assert response.status_code == status
        assert (b"Food bank" in response.content) == (status == 200)

    def test_neither_cookies_nor_scripts_nor_other_hosts(self, client):
        make.service("Food bank", url={"en": "https://food.example.org"})
        for response in (client.get(PATH), client.post(PATH, {"need": "food"})):
            html = response.content.decode()
            assert not response.cookies
            assert "<script" not in html
            assert " style=" not in html
            loaded = re.findall(r'(?:src|<link rel="(?:stylesheet|icon)" href)="([^"]*)"', html)
            assert loaded
            assert all(address.startswith("/static/") for address in loaded)

    def test_the_first_visit_takes_few_queries(self, client, django_assert_max_num_queries):
        term = make.term("Food")
        for _ in range(30):
            service = placed("Food bank", 45.4, -75.7)
            make.attribute(service, term)
            service.languages.create(code="fr", name={"en": "French"})
            service.schedules.create(freq="WEEKLY", byday="WE", opens_at="00:00", closes_at="23:59")
        client.get(PATH)
        with django_assert_max_num_queries(9):
            client.get(PATH)
        with django_assert_max_num_queries(16):
            form = {"need": "food", "where": "Milltown", "chip": ["open", "fr"]}
            assert "30 services" in text_of(client.post(PATH, form))

    def test_more_visitors_at_once_than_a_process_serves_are_asked_to_wait(self, client):
        taken = [seats.requests.take() for _ in range(seats.REQUESTS)]
        response = client.get(PATH)
        assert (response.status_code, response["Retry-After"]) == (429, "1")
        for seat in taken:
            seat.leave()
        assert client.get(PATH).status_code == 200

    @pytest.mark.parametrize(
        ("query", "accepted", "language"),
        [
            ("", "fr-CA,fr", "fr"),
            ("", "de", "en"),
            ("?lang=fr", "en", "fr"),
            ("?lang=de", "", "en"),
        ],
    )
    def test_the_language_is_that_of_the_link_or_of_the_browser(
        self, client, query, accepted, language
    ):
        response = client.get(f"{PATH}{query}", headers={"Accept-Language": accepted})
        assert response["Content-Language"] == language
        assert f'<html lang="{language}">' in response.content.decode()
        assert ("De quoi avez-vous besoin?" in text_of(response)) == (language == "fr")

    def test_each_link_of_ours_names_the_language(self, client):
        placed("Food bank", 45.4, -75.7)
        html = client.post(f"{PATH}?lang=fr", {"need": "food"}).content.decode()
        links = re.findall(r'(?:href|action)="(/directory/[^"]*)"', html)
        assert len(links) >= 4
        assert all("?lang=" in link for link in links)

    def test_the_emergency_text_is_on_each_page(self, client):
        assert "9-1-1" in text_of(client.get(PATH))
        Directory.objects.update(emergency={"fr": "Composez le 911."})
        assert "Composez le 911." in text_of(client.get(f"{PATH}?lang=fr"))
        assert "Composez le 911." in text_of(client.get(f"{PATH}services/none"))


class TestResults:
    def test_a_search_finds_words_in_any_language(self, client):
        make.service({"en": "Food bank", "fr": "Banque alimentaire"})
        make.service("Shelter", description={"en": "Beds."})
        assert found(client, need="alimentaires banque") == []
        assert found(client, need="alimentaire") == ["Food bank"]
        assert found(client, lang="fr", need="FOOD") == ["Banque alimentaire"]

    def test_a_link_to_the_search_finds_the_same(self, client):
        make.service("Food & clothing")
        make.service("Shelter")
        html = client.post(PATH, {"need": "food & c", "chip": "youth"}).content.decode()
        (link,) = re.findall(r'href="(/directory/\?[^"]*need=[^"]*)"', html)
        response = client.get(unescape(link))
        assert "Food & clothing" in text_of(response)
        assert "Shelter" not in text_of(response)

    def test_what_is_confidential_withdrawn_or_inactive_is_not_found(self, client):
        make.service("Secret house", secrecy="yes")
        make.service("Old house", withdrawn_by="staff")
        make.service("Idle house", status="inactive")
        make.service("Open house")
        assert found(client, need="house") == ["Open house"]

    def test_text_is_never_markup(self, client):
        make.service("<b>Bold</b> food", description={"en": "<script>alert(1)</script>"})
        html = client.post(PATH, {"need": "food"}).content.decode()
        assert "&lt;b&gt;Bold&lt;/b&gt; food" in html
        assert "<script" not in html

    def test_a_number_is_there_to_tap_and_a_fax_number_is_not(self, client):
        service = make.service("Food bank")
        service.phones.create(number="705-555-0100", type="fax")
        service.phones.create(number="705-555-0142", extension="7")
        html = client.post(PATH, {"need": "food"}).content.decode()
        assert 'href="tel:+1-705-555-0142;ext=7"' in html
        assert "555-0100" not in html

    def test_pages_hold_each_service_once(self, client):
        for number in range(45):
            make.service(f"Food bank {number}")
        names = [name for page in (1, 2, 3) for name in found(client, need="food", page=page)]
        assert len(names) == len(set(names)) == 45
        assert found(client, need="food", page=999) == found(client, need="food", page=3)

    @pytest.mark.parametrize(
        "form",
        [
            {"need": "\0"},
            {"need": "x" * 5000},
            {"need": " ".join("abcdefghijklmnopqrstuvwxyz" * 9)},
            {"where": "K1A 0B1'; --"},
            {"chip": ["none", "open", "open"], "toggle": "none"},
            {"page": "-1"},
            {"page": "9" * 5000},
            {"need": "%", "where": "_"},
        ],
    )
    def test_whatever_is_typed_has_an_answer(self, client, form):
        make.service()
        assert client.post(PATH, form).status_code == 200


class TestChips:
    def test_open_now_goes_by_the_clock_on_the_wall(self, client):
        for name, opens, closes in (
            ("Day food", "09:00", "16:30"),
            ("Night food", "20:00", "02:00"),
        ):
            service = make.service(name)
            service.schedules.create(
                freq="WEEKLY", byday="MO,TU,WE,TH,FR", opens_at=opens, closes_at=closes
            )
        assert found(client, need="food", chip="open") == ["Day food"]
        page = text_of(client.post(PATH, {"need": "food"}))
        assert "Open until 4:30 p.m." in page
        assert "Opens at 8" in page
        page = text_of(client.post(f"{PATH}?lang=fr", {"need": "food"}))
        assert "Ouvert jusqu’à 16 h 30" in page
        assert "Ouvre à 20 h" in page

    def test_of_each_group_one_chip_is_on(self, client):
        make.service("Food bank", minimum_age=12, maximum_age=24)
        assert found(client, need="food", toggle="youth") == ["Food bank"]
        assert found(client, need="food", chip="youth", toggle="seniors") == []
        assert found(client, need="food", chip="seniors", toggle="seniors") == ["Food bank"]

    def test_a_language_is_one_that_the_service_names(self, client):
        make.service("Food bank").languages.create(code="fr", name={"en": "French"})
        make.service("Food pantry")
        assert found(client, need="food", chip="fr") == ["Food bank"]

    def test_languages_of_what_is_found_can_be_chosen(self, client):
        make.service("Food bank").languages.create(code="AR", name={"en": "Arabic"})
        hidden = make.service("Food shelter", secrecy="yes")
        hidden.languages.create(code="iu", name={"en": "Inuktitut"})
        page = client.post(PATH, {"need": "food"}).content.decode()
        assert 'value="ar" aria-pressed="false">In Arabic<' in page
        assert "Inuktitut" not in page
        assert found(client, need="food", toggle="ar") == ["Food bank"]
        assert found(client, need="food", chip=["ar", "adults"], toggle="fr") == []
        for name in ("x", "english", "é", "..", "open-now"):
            assert found(client, need="food", chip=name) == ["Food bank"], name


class TestWhere:
    def test_the_nearest_comes_first_with_its_distance(self, client):
        Place.objects.create(postcode="K1A0B1", latitude=45.4, longitude=-75.7, areas=["Milltown"])
        placed("Far food", 45.5, -75.7)
        placed("Near food", 45.405, -75.7)
        placed("Food elsewhere", 49.0, -80.0)
        make.service("Food line")
        for where in ("K1A 0B1", "k1a0b1"):
            names = found(client, need="food", where=where)
            assert names == ["Near food", "Far food", "Food line"], where
        page = text_of(client.post(PATH, {"need": "food", "where": "K1A 0B1"}))
        assert "3 services, nearest first" in page
        assert "550 m" in page
        page = text_of(client.post(f"{PATH}?lang=fr", {"need": "food", "where": "K1A 0B1"}))
        assert "11 km" in page

    def test_a_town_is_an_area_of_postcodes_or_a_city_of_locations(self, client):
        Town.objects.create(key="sainte anne", name="Sainte-Anne", latitude=46, longitude=-79)
        placed("Food there", 46.01, -79.0, city="Elsewhere")
        placed("Food here", 45.0, -75.0, city="Cité-Jardin")
        assert found(client, need="food", where="sainte anne") == ["Food there"]
        assert found(client, need="food", where="cite jardin") == ["Food here"]

    def test_a_location_without_coordinates_is_found_in_its_city_alone(self, client):
        placed("Near food", 45.4, -75.7, city="Milltown")
        placed("Food", None, None, city="Milltown")
        placed("Food far away", None, None, city="Elsewhere")
        assert found(client, need="food", where="Milltown") == ["Near food", "Food"]
        assert found(client, need="food", where="elsewhere") == ["Food far away"]

    def test_a_line_for_another_region_is_not_offered(self, client):
        Place.objects.create(postcode="K1A0B1", latitude=45.4, longitude=-75.7, areas=["Milltown"])
        for area in ("Milltown", "Northland"):
            make.service(f"{area} line").service_areas.create(name={"en": area})
        assert found(client, need="line", where="K1A 0B1") == ["Milltown line"]

    def test_a_confidential_place_is_near_to_nothing_but_its_service_is_found(self, client):
        Place.objects.create(postcode="K1A0B1", latitude=45.4, longitude=-75.7, areas=[])
        service = make.service("Safe house")
        hidden = make.location("King Street", latitude=45.4, longitude=-75.7, secrecy="yes")
        make.address(hidden, city={"en": "Hiddenville"})
        make.at(service, hidden)
        placed("House of food", 45.41, -75.7)
        page = client.post(PATH, {"need": "house", "where": "K1A 0B1"})
        assert found(client, need="house", where="K1A 0B1") == ["House of food", "Safe house"]
        assert text_of(page).count(" km") == 1
        assert "Hiddenville" not in text_of(page)
        assert "We don’t know this place" in text_of(
            client.post(PATH, {"need": "house", "where": "Hiddenville"})
        )


class TestNothingFound:
    @pytest.mark.parametrize(
        ("typed", "near"),
        [
            ("counseling", "counselling"),
            ("conuselling", "counselling"),
            ("ocunselling", "counselling"),
            ("hebergment", "hebergement"),
            ("fodo bank", "food bank"),
        ],
    )
    def test_a_word_nearby_is_offered(self, client, typed, near):
        make.service({"en": "Counselling and food bank", "fr": "Hébergement"})
        page = client.post(PATH, {"need": typed})
        assert "No service matches." in text_of(page)
        assert f"Did you mean {near} ?" in text_of(page)

    def test_no_word_of_what_is_confidential_is_offered(self, client):
        make.service("Xylophone", secrecy="yes")
        make.service("Food bank")
        assert "Did you mean" not in text_of(client.post(PATH, {"need": "xylophon e"}))
        assert "ylophone" not in text_of(client.post(PATH, {"need": "xylophonf"})).replace(
            "xylophonf", ""
        )

    def test_topics_of_the_directory_and_fewer_filters_are_offered(self, client):
        make.attribute(make.service("Food bank"), make.term("Meals"))
        page = text_of(client.post(PATH, {"need": "qqqq", "chip": "open"}))
        assert "Try one of these words: Meals" in page
        assert "Search without filters" in page


def test_search_words_reach_no_log(client, caplog, capsys):
    make.service()
    client.get(f"{PATH}?need=xyzzyplugh&where=xyzzyplugh")
    client.post(PATH, {"need": "xyzzyplugh", "where": "xyzzyplugh"})
    assert "xyzzyplugh" not in caplog.text + "".join(capsys.readouterr())
