"""What is stored of entries follows what is committed: answers, numbers, times, memberships."""

from datetime import UTC, date, datetime, timedelta

import pytest

from directory import changes, taking_in
from directory.models import Directory, Entry, Membership, Service
from directory.taking_in import take_in
from tests.clocks import set_clock
from tests.directory import make, standard
from tests.directory.stored import answer, change, numbers

pytestmark = [pytest.mark.postgres, pytest.mark.usefixtures("directory")]


def test_a_service_with_everything_is_what_the_standard_demands():
    agency = make.agency(email="info@help.example.org", website={"en": "www.help.example.org"})
    program = agency.programs.create(name={"en": "Meals"})
    service = make.service(
        {"en": "Food bank", "fr": "Banque alimentaire"},
        organization=agency,
        program=program,
        url={"en": "https://help.example.org/food"},
        minimum_age=0.5,
        alert={"en": "Moved."},
    )
    location = make.location(organization=agency, latitude=45.4, longitude=-75.7)
    make.address(location)
    at = make.at(service, location, description={"en": "At the back."})
    contact = agency.contacts.create(name={"en": "Ann"}, email="ann@help.example.org")
    make.phone(service=service, contact=contact, extension="12")
    make.phone(service_at_location=at, extension="007", description={"en": "Front desk"})
    schedule = at.schedules.create(
        freq="WEEKLY", byday="MO", opens_at="09:00", closes_at="17:00", notes={"en": "Ring."}
    )
    schedule.closings.create(first_day=date(2026, 12, 24), last_day=date(2026, 12, 26))
    term = make.term(parent=make.term("Basic needs"))
    make.attribute(service, term)
    make.attribute(schedule, make.term("In person"))
    take_in()

    found = answer(service)
    standard.check("service", found)
    assert found["organization"]["website"] == "http://www.help.example.org"
    assert found["organization"]["programs"][0]["description"] == "Meals"
    assert found["program"]["name"] == "Meals"
    assert found["attributes"][0]["taxonomy_term"]["taxonomy_detail"]["name"] == "Needs"
    (place,) = found["service_at_locations"]
    assert place["location"]["addresses"][0]["city"] == "Ottawa"
    assert place["phones"][0]["description"] == "Front desk (ext. 007)"
    assert place["schedules"][0]["opens_at"] == "09:00-05:00"
    assert place["schedules"][0]["notes"] == "Closed 2026-12-24 to 2026-12-26. Ring."
    assert found["phones"][0]["extension"] == 12
    assert answer(service, "fr")["name"] == "Banque alimentaire"
    assert answer(service, "fr")["description"] == "Food for people."

    standard.check("organization", answer(agency))
    assert answer(agency)["services"][0].keys() == {"id", "name", "status"}
    assert "organization_id" not in answer(agency)["locations"][0]
    standard.check("service_at_location", answer(at))
    assert answer(at)["service"]["organization"]["name"] == "Helping Hands"
    assert "service_at_locations" not in answer(at)["service"]
    standard.check("location", answer(location))
    standard.check("taxonomy_term", answer(term))


def test_an_address_that_lacks_a_part_is_left_out():
    location = make.location()
    make.address(location, postal_code="")
    take_in()
    assert "addresses" not in answer(location)


def test_values_that_a_format_refuses_are_left_out():
    service = make.service(
        url={"en": "ask at the desk"}, email="nobody", organization=make.agency(email="a@b")
    )
    service.schedules.create(freq="DAILY", wkst="XX", byday="MO")
    take_in()
    found = answer(service)
    standard.check("service", found)
    assert not {"url", "email"} & found.keys()
    assert found["schedules"][0].keys() == {"id", "byday"}


def test_everything_is_taken_in_once(django_assert_num_queries):
    make.service()
    take_in()
    before = numbers()
    with django_assert_num_queries(1):
        take_in()
    assert numbers() == before


def test_entries_are_numbered_above_the_highest_and_terms_are_not():
    make.agency(number=7000)
    service, term = make.service(organization=None), make.term()
    take_in()
    service.entry.refresh_from_db()
    term.entry.refresh_from_db()
    assert service.entry.number == 7001
    assert term.entry.number is None


def test_a_change_moves_the_time_of_the_services_that_show_it_and_no_other():
    agency = make.agency()
    service, other = make.service(organization=agency), make.service()
    location = make.location()
    make.at(service, location)
    take_in()
    before = dict(Entry.objects.values_list("pk", "last_modified"))
    change(location, name={"en": "Side street"})
    after = dict(Entry.objects.values_list("pk", "last_modified"))
    assert after[service.pk] > before[service.pk]
    assert after[other.pk] == before[other.pk]
    assert after[agency.pk] == before[agency.pk]


def test_a_change_that_changes_nothing_moves_no_time_and_no_number():
    make.service()
    take_in()
    before = dict(Entry.objects.values_list("pk", "last_modified")), numbers()
    changes.everything_changed()
    take_in()
    assert (dict(Entry.objects.values_list("pk", "last_modified")), numbers()) == before


def test_a_service_at_a_location_is_renumbered_with_its_service():
    service = make.service()
    here, there = make.at(service, make.location()), make.at(service, make.location())
    take_in()
    before = numbers()
    here.phones.create(number="613-555-0101")
    changes.changed([here.pk])
    take_in()
    assert numbers()[there.pk] > before[there.pk]


def test_a_change_during_taking_in_is_taken_in_too(monkeypatch):
    service = make.service()
    index = taking_in.index

    def change_beside(loaded):
        index(loaded)
        monkeypatch.setattr(taking_in, "index", index)
        Service.objects.filter(pk=service.pk).update(name={"en": "Later"})
        changes.changed([service.pk])

    monkeypatch.setattr(taking_in, "index", change_beside)
    take_in()
    assert answer(service)["name"] == "Later"


class TestAlert:
    def test_is_shown_from_its_first_day_to_its_last(self, monkeypatch):
        service = make.service(
            alert={"en": "Closed for repairs."},
            alert_from=date(2027, 3, 2),
            alert_until=date(2027, 3, 3),
        )
        shown = {}
        times = {}
        for day in range(1, 6):
            set_clock(monkeypatch, lambda day=day: datetime(2027, 3, day, 17, tzinfo=UTC))
            take_in()
            shown[day] = "alert" in answer(service)
            times[day] = Entry.objects.get(pk=service.pk).last_modified
        assert shown == {1: False, 2: True, 3: True, 4: False, 5: False}
        assert times[1] < times[2] == times[3] < times[4] == times[5]

    def test_midnight_is_that_of_the_directory(self, monkeypatch):
        service = make.service(alert={"en": "Moved."}, alert_from=date(2027, 3, 2))
        shown = []
        for hour in (4, 5, 6):  # midnight in Toronto is 5 o'clock in winter
            moment = datetime(2027, 3, 2, hour, tzinfo=UTC) - timedelta(seconds=1)
            set_clock(monkeypatch, lambda moment=moment: moment)
            take_in()
            shown.append("alert" in answer(service))
        assert shown == [False, False, True]

    def test_what_has_left_a_view_is_forgotten_after_90_days(self, monkeypatch):
        gone, stays = make.service(organization=None), make.service(organization=None)
        there = []
        for days in (0, 1, 90, 92):
            moment = datetime(2027, 3, 2, 17, tzinfo=UTC) + timedelta(days=days)
            set_clock(monkeypatch, lambda moment=moment: moment)
            if days == 1:
                change(gone, status="defunct")
            take_in()
            there.append(Membership.objects.filter(entry=gone.pk).exists())
        assert there == [True, True, True, False]
        assert Membership.objects.filter(entry=stays.pk, present=True).exists()


def test_batches_of_any_size_lead_to_the_same(monkeypatch):
    monkeypatch.setattr(taking_in, "BATCH", 1)
    agency = make.agency()
    for _ in range(3):
        service = make.service(organization=agency)
        make.at(service, make.location())
        make.attribute(service, make.term())
    take_in()
    small = dict(Membership.objects.values_list("entry", "hash"))
    assert len(small) == 16
    assert "" not in small.values()
    monkeypatch.setattr(taking_in, "BATCH", 200)
    changes.everything_changed()
    take_in()
    assert dict(Membership.objects.values_list("entry", "hash")) == small


class TestBesideTheDispatcher:
    def test_without_a_directory_a_turn_runs_no_statement(self, django_assert_num_queries):
        Directory.objects.all().delete()
        time = 0.0
        turn = taking_in.beside(lambda: time)
        with django_assert_num_queries(1):
            for _ in range(50):
                turn()
        time += taking_in.ASK_SECONDS
        with django_assert_num_queries(1):
            turn()
            turn()

    def test_a_directory_that_is_set_up_later_is_taken_in(self):
        Directory.objects.all().delete()
        time = 0.0
        turn = taking_in.beside(lambda: time)
        turn()
        make.directory()
        service = make.service()
        turn()
        assert not Membership.objects.exists()
        time += taking_in.ASK_SECONDS
        turn()
        assert answer(service)["name"] == "Food bank"
        make.service("Meals")
        turn()
        assert Membership.objects.filter(entry__kind="service").count() == 2
