"""The rules of an import: all or nothing, once, one supplier, withdrawals, staff, languages."""

import json
import uuid

import pytest
from django.utils import timezone

from directory.importing.ids import identify
from directory.importing.running import NotImported, Options, run
from directory.importing.undoing import undo
from directory.models import (
    Agency,
    Closing,
    Contact,
    Entry,
    Location,
    Phone,
    Revision,
    Schedule,
    Secrecy,
    Service,
    ServiceAtLocation,
    StaffChange,
    Supplier,
    SupplierImport,
    TaxonomyTerm,
)
from directory.taking_in import take_in
from tests.directory import make
from tests.directory.importing import supplied
from tests.directory.importing.supplied import bring, bring_json, counts, messages

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.long,
    pytest.mark.usefixtures("directory"),
]

EVERYTHING = {"organization": 2, "service": 2, "location": 1, "service_at_location": 2}


def fates(fate, numbers=EVERYTHING):
    return {kind: {"read": number, fate: number} for kind, number in numbers.items()}


def entry(kind, sent, source="Region"):
    return Entry.objects.get(kind=kind, hsds_id=identify(source, kind, sent))


def service(sent="s1"):
    return Service.objects.get(entry=entry("service", sent))


def edited(rows, table, at=0, **cells):
    """Return the tables with other cells in one row."""
    some = [dict(row) for row in rows[table]]
    some[at] |= cells
    return {**rows, table: some}


def without(rows, table, number=0):
    return {**rows, table: [row for n, row in enumerate(rows[table]) if n != number]}


# -- Once -----------------------------------------------------------------------------------------


def test_the_same_file_again_changes_nothing(tmp_path):
    assert counts(bring(tmp_path, supplied.small())) == fates("created")
    take_in()
    before = list(Entry.objects.order_by("pk").values())
    revisions = Revision.objects.count()
    report = bring(tmp_path, supplied.small())
    take_in()
    assert counts(report) == fates("unchanged")
    assert list(Entry.objects.order_by("pk").values()) == before
    assert Revision.objects.count() == revisions


def test_a_file_in_another_order_changes_nothing(tmp_path):
    bring(tmp_path, supplied.small())
    rows = {name: list(reversed(some)) for name, some in reversed(supplied.small().items())}
    assert counts(bring(tmp_path, rows)) == fates("unchanged")


def test_only_what_differs_is_updated(tmp_path):
    bring(tmp_path, supplied.small())
    rows = edited(supplied.small(), "phone", number="613-555-0199")
    report = bring(tmp_path, rows)
    assert counts(report)["service"] == {"read": 2, "updated": 1, "unchanged": 1}
    assert service().phones.get().number == "613-555-0199"


def test_a_row_that_does_not_come_any_more_is_deleted_with_what_hangs_on_it(tmp_path):
    rows = supplied.small()
    rows["contact"] = [{"id": "c1", "service_id": "s1", "name": "Jo"}]
    rows["phone"] += [supplied.phone("p3", contact_id="c1")]
    bring(tmp_path, rows)
    assert Contact.objects.get().phones.count() == 1
    report = bring(tmp_path, supplied.small())
    assert counts(report)["service"] == {"read": 2, "updated": 1, "unchanged": 1}
    assert not Contact.objects.exists()
    assert Phone.objects.count() == 2


def test_a_phone_of_a_service_and_a_contact_is_one_row(tmp_path):
    rows = supplied.small()
    rows["contact"] = [{"id": "c1", "organization_id": "o1", "name": "Jo"}]
    rows["phone"] = [supplied.phone(service_id="s1", contact_id="c1")]
    bring(tmp_path, rows)
    phone = Phone.objects.get()
    assert phone.service == service()
    assert phone.contact.organization == service().organization
    assert counts(bring(tmp_path, rows)) == fates("unchanged")


def test_a_dry_run_states_the_same_and_changes_nothing(tmp_path):
    report = bring(tmp_path, supplied.small(), dry_run=True)
    assert counts(report) == fates("created")
    assert report.number is None
    assert not Entry.objects.exists()
    assert not Supplier.objects.exists()
    bring(tmp_path, supplied.small())
    before = list(Entry.objects.order_by("pk").values())
    report = bring(tmp_path, edited(supplied.small(), "service", name="Pantry"), dry_run=True)
    assert counts(report)["service"] == {"read": 2, "updated": 1, "unchanged": 1}
    assert list(Entry.objects.order_by("pk").values()) == before


# -- Ids ------------------------------------------------------------------------------------------


def test_a_uuid_is_kept_and_another_id_becomes_one(tmp_path):
    own = "AC148810-D857-441C-9679-408F346DE14B"
    bring(tmp_path, {"organization": [supplied.organization(own), supplied.organization("17")]})
    kept = Entry.objects.get(hsds_id=uuid.UUID(own))
    assert kept.supplier_key == own
    made = uuid.uuid5(uuid.NAMESPACE_URL, "urn:dovetail:Region:organization:17")
    assert Entry.objects.get(hsds_id=made).supplier_key == "17"


# -- All or nothing -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("table", "cells", "field"),
    [
        ("service", {"name": ""}, "service.name"),
        ("service", {"status": ""}, "service.status"),
        ("service", {"status": "open"}, "service.status"),
        ("service", {"description": "x" * 100_001}, "service.description"),
        ("organization", {"name": " "}, "organization.name"),
    ],
)
def test_an_organization_is_taken_whole_or_not_at_all(tmp_path, table, cells, field):
    report = bring(tmp_path, edited(supplied.small(), table, **cells))
    assert report.exit_code == 3
    found = counts(report)
    assert found["organization"] == {"read": 2, "created": 1, "rejected": 1}
    assert found["service"] == {"read": 2, "created": 1, "rejected": 1}
    assert found["service_at_location"] == {"read": 2, "created": 1, "rejected": 1}
    assert [agency.name["en"] for agency in Agency.objects.all()] == ["Other Hands"]
    assert field in {problem.field for problem in report.problems}
    assert Phone.objects.count() == 1


def test_what_was_here_of_a_rejected_organization_stays(tmp_path):
    bring(tmp_path, supplied.small())
    rows = edited(supplied.small(), "service", name="", description="New")
    report = bring(tmp_path, edited(rows, "organization", description="New"))
    assert counts(report)["organization"] == {"read": 2, "rejected": 1, "unchanged": 1}
    assert service().organization.description == {"en": "An agency."}
    assert not Entry.objects.exclude(withdrawn_by="").exists()


def test_one_id_twice_with_different_values_is_rejected(tmp_path):
    rows = supplied.small()
    rows["service"].append(supplied.service(name="Another"))
    report = bring(tmp_path, rows)
    assert counts(report)["organization"]["rejected"] == 1
    assert "The id comes twice, with different values." in messages(report)
    assert [problem.line for problem in report.problems if problem.field == "service.id"] == [4]


def test_one_id_twice_with_the_same_values_is_once(tmp_path):
    rows = supplied.small()
    rows["service"].append(supplied.service())
    assert counts(bring(tmp_path, rows)) == fates("created")


def test_a_service_without_its_organization_is_rejected(tmp_path):
    report = bring(tmp_path, edited(supplied.small(), "service", organization_id="gone"))
    assert counts(report)["service"] == {"read": 2, "created": 1, "rejected": 1}
    assert counts(report)["organization"] == {"read": 2, "created": 2}
    assert report.exit_code == 3


def test_a_place_that_is_not_there_rejects_only_what_names_it(tmp_path):
    report = bring(tmp_path, edited(supplied.small(), "service_at_location", location_id="gone"))
    assert counts(report)["service_at_location"] == {"read": 2, "created": 1, "rejected": 1}
    assert counts(report)["service"] == {"read": 2, "created": 2}


def test_parents_that_form_a_loop_are_left_out(tmp_path):
    rows = supplied.small()
    rows["organization"][0]["parent_organization_id"] = "o2"
    rows["organization"][1]["parent_organization_id"] = "o1"
    rows["organization"].append(supplied.organization("o3", parent_organization_id="o1"))
    report = bring(tmp_path, rows)
    assert report.exit_code == 0
    assert messages(report).count("The parents form a loop, so this one was left out.") == 2
    third = Agency.objects.get(entry=entry("organization", "o3"))
    assert third.parent_organization == service().organization
    assert third.parent_organization.parent_organization is None


def test_a_parent_may_come_after_its_children(tmp_path):
    rows = {"organization": [supplied.organization("child", parent_organization_id="parent")]}
    rows["organization"].append(supplied.organization("parent"))
    bring(tmp_path, rows)
    child = Agency.objects.get(entry=entry("organization", "child"))
    assert child.parent_organization.entry == entry("organization", "parent")
    assert set(counts(bring(tmp_path, rows))["organization"]) == {"read", "unchanged"}


def test_two_organizations_at_places_of_each_other(tmp_path):
    rows = supplied.small()
    rows["location"] = [
        supplied.location("l1", organization_id="o1"),
        supplied.location("l2", organization_id="o2"),
    ]
    rows["service_at_location"] = [supplied.at("a1", "s1", "l2"), supplied.at("a2", "s2", "l1")]
    bring(tmp_path, rows)
    assert (
        Location.objects.get(entry=entry("location", "l1")).organization == service().organization
    )
    assert ServiceAtLocation.objects.count() == 2
    again = counts(bring(tmp_path, rows))
    assert all(set(found) == {"read", "unchanged"} for found in again.values())


# -- One supplier for an entry --------------------------------------------------------------------

SHARED = "ac148810-d857-441c-9679-408f346de14b"


def test_an_organization_of_another_supplier_stays_and_services_under_it_are_taken(tmp_path):
    bring(tmp_path, {"organization": [supplied.organization(SHARED)]}, "First")
    rows = {
        "organization": [supplied.organization(SHARED, name="Renamed")],
        "service": [supplied.service(organization_id=SHARED)],
    }
    report = bring(tmp_path, rows, "Second")
    assert report.exit_code == 3
    assert counts(report)["organization"] == {"read": 1, "rejected": 1}
    assert counts(report)["service"] == {"read": 1, "created": 1}
    agency = Agency.objects.get()
    assert agency.name == {"en": "Helping Hands"}
    assert agency.entry.supplier.name == "First"
    assert Service.objects.get().organization == agency


def test_a_better_rank_takes_an_entry_over(tmp_path):
    bring(tmp_path, {"organization": [supplied.organization(SHARED)]}, "First")
    Supplier.objects.create(name="Second", rank=1, language="en")
    rows = {"organization": [supplied.organization(SHARED, name="Renamed")]}
    assert counts(bring(tmp_path, rows, "Second"))["organization"] == {"read": 1, "updated": 1}
    assert Entry.objects.get().supplier.name == "Second"
    again = bring(tmp_path, {"organization": [supplied.organization(SHARED)]}, "First")
    assert counts(again)["organization"] == {"read": 1, "rejected": 1}


def test_a_withdrawn_entry_may_come_from_another_supplier(tmp_path):
    bring(tmp_path, {"organization": [supplied.organization(SHARED)]}, "First")
    Entry.objects.update(withdrawn_by="supplier", withdrawn_at=timezone.now(), number=7)
    bring(tmp_path, {"organization": [supplied.organization(SHARED)]}, "Second")
    found = Entry.objects.get()
    assert (found.supplier.name, found.withdrawn_by, found.number) == ("Second", "", 7)


def test_what_staff_made_is_not_taken_over(tmp_path):
    make.agency("Staff's own", hsds_id=SHARED)
    report = bring(tmp_path, {"organization": [supplied.organization(SHARED)]})
    assert counts(report)["organization"] == {"read": 1, "rejected": 1}
    assert Agency.objects.get().name == {"en": "Staff's own"}


def test_terms_are_shared(tmp_path):
    rows = {"taxonomy_term": [{"id": SHARED, "name": "Food", "description": "Food"}]}
    bring(tmp_path, rows, "First")
    report = bring(tmp_path, edited(rows, "taxonomy_term", name="Nourishment"), "Second")
    assert counts(report)["taxonomy_term"] == {"read": 1, "unchanged": 1}
    assert TaxonomyTerm.objects.get().name == {"en": "Food"}


# -- Withdrawals ----------------------------------------------------------------------------------


def test_what_is_no_longer_listed_is_withdrawn_and_comes_back_with_its_number(tmp_path):
    bring(tmp_path, supplied.many(60))
    take_in()
    number = entry("service", "s7").number
    report = bring(tmp_path, without(supplied.many(60), "service", 7))
    assert counts(report)["service"] == {"read": 59, "unchanged": 59, "withdrawn": 1}
    assert entry("service", "s7").withdrawn_by == Entry.WithdrawnBy.SUPPLIER
    report = bring(tmp_path, supplied.many(60))
    assert counts(report)["service"] == {"read": 60, "unchanged": 59, "updated": 1}
    back = entry("service", "s7")
    assert (back.withdrawn_by, back.number) == ("", number)


@pytest.mark.parametrize("rows", [{}, {"service": []}])
def test_a_file_that_would_withdraw_too_much_changes_nothing(tmp_path, rows):
    bring(tmp_path, supplied.many(60))
    before = list(Entry.objects.order_by("pk").values())
    half = supplied.many(60)
    half["service"] = half["service"][:50]
    half["organization"] = [supplied.organization(name="Renamed")]
    report = bring(tmp_path, half | rows)
    assert report.exit_code == 1
    assert list(Entry.objects.order_by("pk").values()) == before
    assert report.problems[-1].severity == "error"
    assert SupplierImport.objects.first().state == SupplierImport.State.REFUSED
    report = bring(tmp_path, half | rows, allow_withdrawals=True)
    assert report.exit_code == 0
    assert counts(report)["service"]["withdrawn"] >= 10


def test_the_last_entry_of_a_kind_is_not_withdrawn_in_silence(tmp_path):
    bring(tmp_path, supplied.small())
    report = bring(tmp_path, without(supplied.small(), "location"))
    assert report.exit_code == 1


def test_a_partial_file_withdraws_nothing(tmp_path):
    bring(tmp_path, supplied.small())
    report = bring(tmp_path, {"organization": [supplied.organization()]}, partial=True)
    assert counts(report) == {"organization": {"read": 1, "unchanged": 1}}
    assert not Entry.objects.exclude(withdrawn_by="").exists()


def test_what_is_listed_and_rejected_is_not_withdrawn(tmp_path):
    bring(tmp_path, supplied.many(60))
    rows = edited(supplied.many(60), "service", 7, name="")
    assert counts(bring(tmp_path, rows))["service"] == {"read": 60, "rejected": 60}
    assert not Entry.objects.exclude(withdrawn_by="").exists()


def test_a_row_without_an_id_may_be_any_so_none_is_withdrawn(tmp_path):
    bring(tmp_path, supplied.many(60))
    report = bring(tmp_path, edited(supplied.many(60), "service", 7, id=""))
    assert counts(report)["service"] == {"read": 60, "unchanged": 59, "rejected": 1}
    assert report.exit_code == 3
    assert entry("service", "s7").withdrawn_by == ""


def test_entries_of_staff_and_of_others_are_not_withdrawn(tmp_path):
    make.service()
    bring(tmp_path, supplied.many(3), "Other")
    bring(tmp_path, supplied.small())
    assert not Entry.objects.exclude(withdrawn_by="").exists()


# -- What staff did -------------------------------------------------------------------------------


def test_a_field_that_staff_changed_stays_until_it_is_released(tmp_path):
    bring(tmp_path, supplied.small())
    one = service()
    Service.objects.filter(pk=one.pk).update(email="staff@example.org")
    change = StaffChange.objects.create(entry=one.entry, path="email", by="Jo", at=timezone.now())
    rows = edited(supplied.small(), "service", email="supplier@example.org")
    report = bring(tmp_path, rows)
    assert service().email == "staff@example.org"
    assert any("supplier sends a new value" in message for message in messages(report))
    change.refresh_from_db()
    assert change.sent == "supplier@example.org"
    assert not any("new value" in message for message in messages(bring(tmp_path, rows)))
    change.delete()
    bring(tmp_path, rows)
    assert service().email == "supplier@example.org"


def test_a_row_that_staff_changed_added_or_removed_stays(tmp_path):
    bring(tmp_path, supplied.small())
    one, now = service(), timezone.now()
    sent = one.phones.get()
    Phone.objects.filter(pk=sent.pk).update(number="613-555-0177")
    added = make.phone("613-555-0188", service=one)
    for path in (f"phones/{sent.hsds_id}/number", f"phones/{added.hsds_id}"):
        StaffChange.objects.create(entry=one.entry, path=path, by="Jo", at=now)
    other = service("s2").phones.get()
    path = f"phones/{other.hsds_id}"
    StaffChange.objects.create(entry=service("s2").entry, path=path, by="Jo", at=now)
    other.delete()
    bring(tmp_path, supplied.small())
    assert sorted(phone.number for phone in Phone.objects.all()) == ["613-555-0177", "613-555-0188"]


def test_what_staff_withdrew_stays_withdrawn_and_is_reported(tmp_path):
    bring(tmp_path, supplied.small())
    withdrawn = Entry.objects.filter(pk=service().pk)
    withdrawn.update(withdrawn_by="staff", withdrawn_at=timezone.now())
    report = bring(tmp_path, edited(supplied.small(), "service", name="Renamed"))
    assert withdrawn.get().withdrawn_by == "staff"
    assert "Staff withdrew the entry, so it stays withdrawn." in messages(report)
    assert counts(report)["service"] == {"read": 2, "unchanged": 2}


def test_a_merged_entry_stays_merged_and_fills_the_gaps_of_its_survivor(tmp_path):
    bring(tmp_path, supplied.small())
    Entry.objects.filter(pk=service("s2").pk).update(
        merged_into=service().pk, withdrawn_by="merge", withdrawn_at=timezone.now()
    )
    rows = edited(supplied.small(), "service", 1, name="Renamed", email="s2@example.org")
    report = bring(tmp_path, rows)
    assert Entry.objects.get(pk=service("s2").pk).withdrawn_by == "merge"
    assert Service.objects.count() == 2
    assert service().name == {"en": "Food bank"}
    assert service().email == "s2@example.org"
    assert Revision.objects.filter(entry=service().pk, before__isnull=False).count() == 1
    assert any("merged" in message for message in messages(report))
    assert counts(bring(tmp_path, rows))["service"] == {"read": 2, "unchanged": 2}
    bring(tmp_path, edited(rows, "service", description="Food"))
    assert service().email == "s2@example.org"


def test_a_merged_entry_fills_the_gaps_of_one_that_staff_made(tmp_path):
    own = make.service("Staff's own")
    bring(tmp_path, supplied.small())
    Entry.objects.filter(pk=service("s2").pk).update(
        merged_into=own.pk, withdrawn_by="merge", withdrawn_at=timezone.now()
    )
    bring(tmp_path, edited(supplied.small(), "service", 1, email="s2@example.org"))
    own.refresh_from_db()
    assert (own.name, own.email) == ({"en": "Staff's own"}, "s2@example.org")


def test_confidential_and_not_public_are_never_lifted(tmp_path):
    bring(tmp_path, supplied.small())
    Entry.objects.update(secrecy=Secrecy.YES, not_public=True)
    bring(tmp_path, edited(supplied.small(), "service", name="Renamed"))
    assert set(Entry.objects.values_list("secrecy", "not_public")) == {(Secrecy.YES, True)}


def test_an_older_day_of_verification_does_not_replace_a_newer_one(tmp_path):
    bring(tmp_path, edited(supplied.small(), "service", assured_date="2026-06-01"))
    bring(tmp_path, edited(supplied.small(), "service", assured_date="2026-05-01"))
    assert f"{service().assured_date}" == "2026-06-01"
    bring(tmp_path, edited(supplied.small(), "service", assured_date="2026-07-01"))
    assert f"{service().assured_date}" == "2026-07-01"


# -- Languages ------------------------------------------------------------------------------------


def in_french():
    rows = edited(supplied.small(), "service", name="Banque alimentaire", description="Pour tous.")
    return edited(rows, "phone", description="Jour et nuit", number="613-555-0100")


def test_a_file_in_another_language_adds_translations_and_marks_nothing(tmp_path):
    bring(tmp_path, supplied.small())
    report = bring(tmp_path, in_french(), language="fr")
    assert counts(report)["service"] == {"read": 2, "updated": 1, "unchanged": 1}
    one = service()
    assert one.name == {"en": "Food bank", "fr": "Banque alimentaire"}
    assert one.description == {"fr": "Pour tous."}
    assert one.phones.get().description == {"fr": "Jour et nuit"}
    assert one.stale_texts == []
    assert service("s2").name == {"en": "Shelter"}  # the same: no translation
    assert counts(bring(tmp_path, in_french(), language="fr"))["service"]["unchanged"] == 2
    assert counts(bring(tmp_path, supplied.small()))["service"]["unchanged"] == 2


def test_a_file_in_another_language_withdraws_nothing_and_deletes_nothing(tmp_path):
    bring(tmp_path, supplied.small())
    rows = {"organization": [supplied.organization()], "service": [supplied.service(name="Aide")]}
    assert bring(tmp_path, rows, language="fr").exit_code == 0
    assert not Entry.objects.exclude(withdrawn_by="").exists()
    assert Phone.objects.count() == 2


def test_an_entry_may_come_in_the_other_language_only(tmp_path):
    bring(tmp_path, supplied.small())
    rows = {"organization": [supplied.organization("o9", name="Entraide", description="Aide")]}
    rows["phone"] = [supplied.phone("p9", organization_id="o9")]
    bring(tmp_path, rows, language="fr")
    agency = Agency.objects.get(entry=entry("organization", "o9"))
    assert agency.name == {"fr": "Entraide"}
    rows["phone"][0]["number"] = "613-555-0111"
    bring(tmp_path, rows, language="fr")
    assert agency.phones.get().number == "613-555-0111"


def test_a_changed_text_makes_its_translation_stale_until_that_comes_again(tmp_path):
    bring(tmp_path, supplied.small())
    bring(tmp_path, in_french(), language="fr")
    bring(tmp_path, edited(supplied.small(), "service", name="Pantry"))
    assert service().stale_texts == ["name:fr"]
    bring(tmp_path, edited(in_french(), "service", name="Garde-manger"), language="fr")
    assert service().stale_texts == []
    assert service().name == {"en": "Pantry", "fr": "Garde-manger"}


def test_a_language_that_the_directory_does_not_have_is_refused(tmp_path):
    with pytest.raises(NotImported, match="de"):
        bring(tmp_path, supplied.small(), language="de")


def test_without_a_directory_nothing_is_imported(tmp_path, directory):
    directory.delete()
    with pytest.raises(NotImported, match="no directory"):
        bring(tmp_path, supplied.small())


# -- Cells ----------------------------------------------------------------------------------------


def schedule(**cells):
    return supplied.small() | {"schedule": [{"id": "h1", "service_id": "s1", **cells}]}


@pytest.mark.parametrize(
    ("opens", "closes", "expected"),
    [
        ("09:00-05:00", "17:00-05:00", "09:00-17:00"),
        ("9-5", "", "09:00-17:00"),
        ("12noon", "8pm", "12:00-20:00"),
        ("700", "1500", "07:00-15:00"),
        ("8pm", "4:45am", "20:00-04:45"),
        ("13:00Z", "21:00Z", "13:00-21:00"),
    ],
)
def test_hours_as_people_type_them_are_read(tmp_path, opens, closes, expected):
    bring(tmp_path, schedule(freq="WEEKLY", byday="MO", opens_at=opens, closes_at=closes))
    row = Schedule.objects.get()
    assert f"{row.opens_at:%H:%M}-{row.closes_at:%H:%M}" == expected
    assert row.opens_at_offset == {"09:00-05:00": -300, "13:00Z": 0}.get(opens)


def test_hours_in_words_stay_words(tmp_path):
    report = bring(tmp_path, schedule(opens_at="by appointment"))
    row = Schedule.objects.get()
    assert row.opens_at is None
    assert row.description == {"en": "by appointment"}
    assert "The hours cannot be read, so they are shown in words." in messages(report)
    assert set(counts(bring(tmp_path, schedule(opens_at="by appointment")))["service"]) == {
        "read",
        "unchanged",
    }


def test_closings_become_rows_in_either_language(tmp_path):
    notes = "Closed 2026-12-24 to 2026-12-26. Fermé le 2027-01-01. Bring a friend."
    rows = schedule(freq="WEEKLY", byday="MO", notes=notes)
    rows["service"][1]["alert"] = "Closed 2026-12-25."
    bring(tmp_path, rows)
    assert Schedule.objects.get().notes == {"en": "Bring a friend."}
    assert [f"{closing.last_day}" for closing in Schedule.objects.get().closings.all()] == [
        "2026-12-26",
        "2027-01-01",
    ]
    assert service("s2").alert == {}
    assert f"{service('s2').closings.get().first_day}" == "2026-12-25"
    assert set(counts(bring(tmp_path, rows))["service"]) == {"read", "unchanged"}
    bring(tmp_path, schedule(freq="WEEKLY", byday="MO"))
    assert not Closing.objects.exists()


def test_every_cell_is_used_kept_or_reported(tmp_path):
    rows = edited(supplied.small(), "service", minimum_age="twelve", colour="blue")
    rows["phone"][0]["carrier"] = "Bell"
    report = bring(tmp_path, rows)
    assert report.exit_code == 0
    assert report.also_sent == {"colour": 1, "carrier": 1}
    kept = entry("service", "s1").kept
    assert (kept["minimum_age"], kept["colour"]) == ("twelve", "blue")
    assert {"carrier": "Bell"} in kept.values()
    assert [problem.field for problem in report.problems] == ["service.minimum_age"]


@pytest.mark.parametrize(
    ("latitude", "longitude", "expected"),
    [("0", "0", None), ("-75.69", "45.42", (45.42, -75.69)), ("45.42", "-75.69", (45.42, -75.69))],
)
def test_coordinates_are_a_place_or_nothing(tmp_path, latitude, longitude, expected):
    rows = edited(supplied.small(), "location", latitude=latitude, longitude=longitude)
    report = bring(tmp_path, rows)
    place = Location.objects.get()
    assert (place.latitude, place.longitude) == (expected or (None, None))
    assert bool(report.problems) == (latitude in ("0", "-75.69"))
    assert set(counts(bring(tmp_path, rows))["location"]) == {"read", "unchanged"}


def test_control_characters_are_cleaned(tmp_path):
    rows = edited(supplied.small(), "service", description="one\x0btwo\x07", name="It\x92s")
    bring(tmp_path, rows)
    assert service().description == {"en": "one\ntwo "}
    assert service().name == {"en": "It’s"}


def test_a_problem_quotes_nothing_of_the_file(tmp_path):
    rows = edited(supplied.small(), "service", minimum_age="SECRET", status="SECRET")
    rows["phone"][0]["number"] = ""
    report = bring(tmp_path, rows)
    assert len(report.problems) > 2
    assert "SECRET" not in str(report.as_dict())


def test_a_number_that_is_not_plain_is_kept_as_it_came(tmp_path):
    bring(tmp_path, edited(supplied.small(), "phone", extension="007"))
    assert service().phones.get().extension == "007"


# -- JSON -----------------------------------------------------------------------------------------


def nested():
    """A full service with what it nests."""
    phone = {"id": "p1", "number": "613-555-0100"}
    place = {**supplied.location(), "addresses": [{"id": "d1", "address_1": "1 Main Street"}]}
    return {
        "id": "s1",
        "name": "Food bank",
        "status": "active",
        "organization": {**supplied.organization(), "phones": [phone]},
        "service_at_locations": [{"id": "a1", "location": place, "phones": [phone]}],
        "contacts": [{"id": "c1", "name": "Jo", "phones": [phone]}],
        "phones": [phone],
    }


@pytest.mark.parametrize("shape", ["array", "page", "ndjson", "object"])
def test_json_of_any_shape(tmp_path, shape):
    value = {
        "array": [nested()],
        "page": {"total_items": 1, "contents": [nested()]},
        "ndjson": json.dumps(nested()) + "\n\n",
        "object": nested(),
    }[shape]
    report = bring_json(tmp_path, value)
    assert report.format == "hsds-3-json"
    assert report.exit_code == 0
    phone = Phone.objects.get()
    assert phone.service == service()
    assert phone.contact == Contact.objects.get()
    assert phone.organization == Agency.objects.get()
    assert phone.service_at_location == ServiceAtLocation.objects.get()
    assert set(counts(bring_json(tmp_path, value))["service"]) == {"read", "unchanged"}


def test_one_phone_id_in_two_services_makes_two_rows(tmp_path):
    phone = {"id": "p1", "number": "613-555-0100"}
    services = [
        {**supplied.service(f"s{n}"), "organization": supplied.organization(), "phones": [phone]}
        for n in (1, 2)
    ]
    for one in services:
        del one["organization_id"]
    bring_json(tmp_path, services)
    assert [one.phones.count() for one in Service.objects.all()] == [1, 1]
    again = bring_json(tmp_path, services)
    assert set(counts(again)["service"]) == {"read", "unchanged"}
    assert Phone.objects.count() == 2


def test_rows_without_ids_have_one_by_their_place(tmp_path):
    one = nested() | {"phones": [{"number": "613-555-0100"}, {"number": "613-555-0101"}]}
    bring_json(tmp_path, [one])
    assert service().phones.count() == 2
    assert set(counts(bring_json(tmp_path, [one]))["service"]) == {"read", "unchanged"}


def test_services_named_in_an_organization_stay_as_they_are(tmp_path):
    bring_json(tmp_path, [nested()])
    named = {"id": "s1", "name": "Food bank", "status": "active"}
    report = bring_json(tmp_path, [{**supplied.organization(), "services": [named]}], partial=True)
    assert counts(report)["service"] == {"read": 1, "unchanged": 1}
    assert service().phones.count() == 1


def test_a_line_that_is_not_json_is_reported_and_withdraws_nothing(tmp_path):
    services = [{"id": f"s{n}", "name": "Food bank", "status": "active"} for n in range(60)]
    bring_json(tmp_path, services)
    lines = [json.dumps(one) for one in services[:59]]
    report = bring_json(tmp_path, "\n".join([*lines, '{"id": "s59", "name']))
    assert counts(report)["service"]["rejected"] == 1
    assert not Entry.objects.exclude(withdrawn_by="").exists()
    assert report.exit_code == 3


@pytest.mark.parametrize("text", ["", "not json", "[1, 2", '[{"id": "s1"'])
def test_a_file_that_is_no_json_changes_nothing(tmp_path, text):
    assert bring_json(tmp_path, text).exit_code == 1


def test_a_file_that_is_not_there_changes_nothing(tmp_path):
    assert run(tmp_path / "gone.zip", "Region", Options()).exit_code == 1


# -- What came as it came last time is not compared -----------------------------------------------


def test_a_file_that_is_the_same_again_reads_no_rows(tmp_path, django_assert_max_num_queries):
    bring(tmp_path, supplied.small())
    with django_assert_max_num_queries(60):
        bring(tmp_path, supplied.small())


def test_what_staff_changed_and_released_is_compared_again(tmp_path):
    bring(tmp_path, supplied.small())
    one = service()
    Service.objects.filter(pk=one.pk).update(email="staff@example.org")
    Revision.objects.create(entry=one.entry, at=timezone.now(), by="Jo", reason="edit", before=[])
    bring(tmp_path, supplied.small())
    assert service().email == ""


def test_a_field_that_staff_keep_is_reported_though_the_file_is_the_same(tmp_path):
    rows = edited(supplied.small(), "service", email="supplier@example.org")
    bring(tmp_path, rows)
    one = service()
    Service.objects.filter(pk=one.pk).update(email="staff@example.org")
    StaffChange.objects.create(entry=one.entry, path="email", by="Jo", at=timezone.now())
    bring(tmp_path, rows)
    assert service().email == "staff@example.org"


def test_an_undone_import_is_compared_again(tmp_path):
    bring(tmp_path, supplied.small())
    report = bring(tmp_path, edited(supplied.small(), "service", name="Pantry"))
    undo(report.number, "Jo")
    assert service().name == {"en": "Food bank"}
    bring(tmp_path, edited(supplied.small(), "service", name="Pantry"))
    assert service().name == {"en": "Pantry"}
