"""iCarol's CSV: levels, marks, private cells, hours, addresses, codes, languages."""

import csv
import io

import pytest

from directory.formats.icarol import HEADINGS
from directory.importing.ids import identify
from directory.importing.running import Options, run
from directory.models import (
    Agency,
    Contact,
    Directory,
    Entry,
    Location,
    Phone,
    Schedule,
    Secrecy,
    Service,
    ServiceAtLocation,
    Taxonomy,
    TaxonomyTerm,
)
from directory.taking_in import take_in
from tests.directory import make
from tests.directory.importing.supplied import counts, messages

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("directory")]


def agency(number="100", **cells):
    return {
        "ResourceAgencyNum": number,
        "TaxonomyLevelName": "Agency",
        "PublicName": "Helping Hands",
        "ParentAgencyNum": number,
        "AgencyStatus": "Active",
    } | cells


def program(number="200", **cells):
    named = {"TaxonomyLevelName": "Program", "PublicName": "Food bank", "ParentAgencyNum": "100"}
    return agency(number) | named | cells


def site(number="300", **cells):
    named = {"TaxonomyLevelName": "Site", "PublicName": "Main Street", "ParentAgencyNum": "100"}
    return agency(number) | named | cells


def at_site(number="400", **cells):
    named = {"TaxonomyLevelName": "ProgramAtSite", "PublicName": "Food bank at Main Street"}
    linked = {"ConnectsToSiteNum": "300", "ConnectsToProgramNum": "200", "IsLinkOnly": "TRUE"}
    return agency(number) | named | linked | {"ParentAgencyNum": "100"} | cells


def small(**of_program):
    return [agency(), program(**of_program), site(), at_site()]


def bring(tmp_path, rows, *, end="\r\n", encoding="utf-8", headings=HEADINGS, **options):
    more = [name for row in rows for name in row if name not in headings]
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, [*headings, *dict.fromkeys(more)], lineterminator=end)
    writer.writeheader()
    writer.writerows(rows)
    path = tmp_path / "icarol.csv"
    path.write_bytes(file.getvalue().encode(encoding))
    return run(path, "211", Options(**options))


def entry(kind, number):
    return Entry.objects.get(kind=kind, hsds_id=identify("211", kind, number))


def test_the_four_levels_are_brought_in_once_with_their_numbers(tmp_path):
    report = bring(tmp_path, small())
    assert report.format == "icarol-csv"
    assert report.exit_code == 0
    assert not report.problems
    one = ServiceAtLocation.objects.get()
    assert one.service.name == {"en": "Food bank"}
    assert one.service.organization == one.location.organization == Agency.objects.get()
    assert set(Entry.objects.values_list("number", flat=True)) == {100, 200, 300, 400}
    again = counts(bring(tmp_path, small()))
    assert all(set(found) == {"read", "unchanged"} for found in again.values())


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_any_line_end_encoding_and_order_of_headings(tmp_path, end, encoding):
    rows = small(AgencyDescription="L’Érable\x0bet")
    options = {"end": end, "encoding": encoding, "headings": tuple(reversed(HEADINGS))}
    assert bring(tmp_path, rows, **options).exit_code == 0
    assert Service.objects.get().description == {"en": "L’Érable\net"}


def test_a_number_that_is_taken_gets_a_new_one_and_a_problem(tmp_path):
    make.agency(number=100)
    report = bring(tmp_path, small())
    assert any("gets a new number" in message for message in messages(report))
    take_in()
    assert entry("organization", "100").number == 401


@pytest.mark.parametrize(
    ("number", "kept"),
    [(str(9 * 10**15), True), (str(9 * 10**15 + 1), False), ("9" * 200, False), ("0", False)],
    ids=["the highest", "one more", "many digits", "none"],
)
def test_a_number_above_the_limit_gets_a_new_one_and_a_problem(tmp_path, number, kept):
    report = bring(tmp_path, [agency(number)])
    take_in()
    assert (Entry.objects.get().number == int(number[:16])) is kept
    is_too_large = len(number) > 1 and not kept
    assert any("too large" in message for message in messages(report)) is is_too_large
    assert not any(number in message for message in messages(report))


def test_a_number_of_thousands_of_digits_rejects_only_its_entry(tmp_path):
    report = bring(tmp_path, [*small(), agency("9" * 5_000)])
    assert counts(report)["organization"] == {"read": 2, "created": 1, "rejected": 1}


@pytest.mark.parametrize(
    ("level", "cells", "status", "not_public"),
    [
        ("service", {}, "active", False),
        ("service", {"AgencyStatus": "Inactive"}, "inactive", False),
        ("service", {"AgencyStatus": "Active but do not refer"}, "active", True),
        ("service", {"ExcludeFromWebsite": "Yes"}, "active", True),
        ("service", {"ExcludeFromDirectory": "Yes"}, "active", True),
        ("service", {"ExcludeFromWebsite": "No"}, "active", False),
        ("organization", {"AgencyStatus": "Inactive"}, "", True),
        ("location", {"AgencyStatus": "Inactive"}, "", True),
        ("service_at_location", {"AgencyStatus": "Active but do not refer"}, "", True),
    ],
)
def test_status_and_mark(tmp_path, level, cells, status, not_public):
    makers = {
        "organization": agency,
        "service": program,
        "location": site,
        "service_at_location": at_site,
    }
    rows = [make_row(**cells) if kind == level else make_row() for kind, make_row in makers.items()]
    bring(tmp_path, rows)
    assert Entry.objects.get(kind=level).not_public is not_public
    if status:
        assert Service.objects.get().status == status


@pytest.mark.parametrize("flag", ["Yes", "TRUE"])
def test_what_is_private_is_confidential(tmp_path, flag):
    address = {"PhysicalAddress1": "1 Hidden Road", "PhysicalCity": "Milltown"}
    mailing = {"MailingAddress1": "PO Box 1", "MailingCity": "Milltown"}
    phone = {
        "Phone1Number": "613-555-0100",
        "Phone1IsPrivate": flag,
        "Phone2Number": "613-555-0101",
    }
    person = {"MainContactName": "Jo", "MainContactIsPrivate": flag}
    place = site(**address, **mailing, PhysicalAddressIsPrivate=flag, MailingAddressIsPrivate=flag)
    bring(tmp_path, [agency(**person), program(**phone), place, at_site()])
    assert entry("location", "300").secrecy == Secrecy.YES
    kinds = dict(Location.objects.get().addresses.values_list("address_type", "private"))
    assert kinds == {"physical": False, "postal": True}
    assert dict(Phone.objects.values_list("number", "secrecy")) == {
        "613-555-0100": Secrecy.YES,
        "613-555-0101": Secrecy.NO,
    }
    assert Contact.objects.get().secrecy == Secrecy.YES


def test_phones_by_kind_with_their_extensions(tmp_path):
    phones = {
        "Phone1Number": "613-555-0100 ext. 12",
        "Phone1Name": "Reception",
        "Phone5Number": "613-555-0105",
        "Phone5name": "Evening",
        "PhoneFax": "613-555-0109",
        "PhoneTTY": "613-555-0108",
    }
    bring(tmp_path, small(**phones))
    found = {row.number: (row.extension, row.type, row.description) for row in Phone.objects.all()}
    assert found == {
        "613-555-0100": ("12", "", {"en": "Reception"}),
        "613-555-0105": ("", "", {"en": "Evening"}),
        "613-555-0109": ("", "fax", {}),
        "613-555-0108": ("", "tty", {}),
    }


@pytest.mark.parametrize(
    ("cells", "expected", "words"),
    [
        (
            {"Hours": "Mon 08:00 - 16:00; Tue 08:00 - 16:00; "},
            [("MO,TU", "08:00", "16:00")],
            [],
        ),
        ({"HoursOfOperation": "Mon-Fri 9-5"}, [("MO,TU,WE,TH,FR", "09:00", "17:00")], []),
        ({"HoursOfOperation": "by appointment"}, [], ["by appointment"]),
        (
            {"Hours": "Sat 20:00 - 04:45; ", "HoursOfOperation": "And by appointment"},
            [("SA", "20:00", "04:45")],
            ["And by appointment"],
        ),
        ({"HoursOfOperation": "24/7"}, [("MO,TU,WE,TH,FR,SA,SU", "00:00", "23:59")], []),
        ({"Hours": "Mon till late"}, [], ["Mon till late"]),
    ],
)
def test_hours(tmp_path, cells, expected, words):
    bring(tmp_path, small(**cells))
    rows = Schedule.objects.all()
    plain = [row for row in rows if row.freq]
    assert [(row.byday, f"{row.opens_at:%H:%M}", f"{row.closes_at:%H:%M}") for row in plain] == (
        expected
    )
    assert [row.description["en"] for row in rows if not row.freq] == words


def test_an_agency_s_own_address_becomes_a_location_of_it(tmp_path):
    address = {"PhysicalAddress1": "1 Main Street", "PhysicalCity": "Milltown"}
    bring(tmp_path, [agency(**address)])
    place = Location.objects.get()
    assert place.entry.hsds_id == identify("211", "location", "100")
    assert place.organization == Agency.objects.get()
    assert place.addresses.get().address_1 == {"en": "1 Main Street"}
    again = counts(bring(tmp_path, [agency(**address)]))
    assert all(set(found) == {"read", "unchanged"} for found in again.values())


@pytest.mark.parametrize("cells", [{"PhysicalAddress1": "1 Main Street"}, {"PhysicalCity": "Here"}])
def test_an_address_without_a_street_or_a_city_is_none_and_is_kept(tmp_path, cells):
    bring(tmp_path, [agency(**cells)])
    assert not Location.objects.exists()
    assert cells.items() <= Entry.objects.get().kept.items()


def test_codes_are_terms_of_the_directory_s_taxonomy(tmp_path):
    Directory.objects.update(airs_taxonomy="Needs")
    known = make.term("Food", code="BD-1800", taxonomy=make.taxonomy(short_name="Needs"))
    codes = {"TaxonomyCodes": "BD-1800; BH-1800", "TaxonomyTerm": "Food; Shelter; "}
    bring(tmp_path, small(**codes))
    assert Taxonomy.objects.count() == 1
    new = TaxonomyTerm.objects.exclude(pk=known.pk).get()
    assert (new.code, new.name, new.taxonomy) == ("BH-1800", {"en": "Shelter"}, known.taxonomy)
    again = counts(bring(tmp_path, small(**codes)))
    assert set(again["service"]) == {"read", "unchanged"}
    assert TaxonomyTerm.objects.count() == 2


def test_what_a_program_states_becomes_rows_and_columns(tmp_path):
    cells = {
        "AgencyDescription": "<p>Food &amp; more</p>",
        "Eligibility": "Everybody",
        "LanguagesOfferedList": "English; French",
        "Coverage": "Milltown; Hearst; ",
        "DocumentsRequired": "None",
        "TemporaryMessage": "Moved",
        "TemporaryMessageAppears": "2026-11-01 00:00:00",
        "TemporaryMessageExpires": "1900-01-01 00:00:00",
        "LastVerifiedOn": "2026-10-01 10:00:00",
        "UpdatedOn": "2026-10-02 10:00:00",
    }
    report = bring(tmp_path, small(**cells))
    assert not report.problems
    one = Service.objects.get()
    assert one.description == {"en": "Food & more"}
    assert one.eligibility_description == {"en": "Everybody"}
    assert [row.name["en"] for row in one.languages.all()] == ["English", "French"]
    assert [row.name["en"] for row in one.service_areas.all()] == ["Milltown", "Hearst"]
    assert one.required_documents.get().document == {"en": "None"}
    assert (one.alert, f"{one.alert_from}", one.alert_until) == (
        {"en": "Moved"},
        "2026-11-01",
        None,
    )
    assert f"{one.assured_date}" == "2026-10-01"
    assert one.entry.supplier_modified.isoformat() == "2026-10-02T14:00:00+00:00"


def test_other_headings_are_kept_and_unknown_ones_counted(tmp_path):
    cells = {"SearchHints": "pantry", "InternalNotes": "call first", "OurOwn": "x"}
    report = bring(tmp_path, small(**cells))
    kept = Entry.objects.get(kind="service").kept
    assert cells.items() <= kept.items()
    assert report.also_sent == {"OurOwn": 1}


def test_rows_of_two_languages_are_one_record(tmp_path):
    rows = small(LanguageOfRecord="English")
    rows.append(program(LanguageOfRecord="French", PublicName="Banque alimentaire"))
    report = bring(tmp_path, rows)
    assert not report.problems
    assert Service.objects.get().name == {"en": "Food bank", "fr": "Banque alimentaire"}
    again = counts(bring(tmp_path, rows))
    assert again["service"] == {"read": 2, "unchanged": 2}
    assert not Entry.objects.exclude(withdrawn_by="").exists()


def test_a_level_that_is_unknown_is_rejected_and_withdraws_nothing(tmp_path):
    bring(tmp_path, small())
    report = bring(tmp_path, [agency(), program(TaxonomyLevelName="Planet")])
    assert report.exit_code == 3
    assert not Entry.objects.exclude(withdrawn_by="").exists()


def test_a_program_without_its_agency_is_rejected(tmp_path):
    report = bring(tmp_path, [agency(), program(ParentAgencyNum="999")])
    assert counts(report)["service"] == {"read": 1, "rejected": 1}
