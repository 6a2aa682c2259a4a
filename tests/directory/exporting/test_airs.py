"""AIRS XML 3.0: valid by the schema, whatever is missing; what has no element is counted."""

from datetime import UTC, date, datetime, time
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from lxml import etree

from directory.models import Agency, Closing, Directory, Entry, Schedule, Secrecy, Taxonomy
from directory.taking_in import take_in
from tests.directory import make
from tests.directory.exporting.test_files import exported, filled
from tests.directory.importing.supplied import bring

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("directory")]

NAME = "airs-3.0"
XSD = Path("directory/standards/airs-3.0/airs.xsd")


def read(tmp_path, language="en"):
    """Return the root of a file, which is valid, and the file."""
    written = exported(tmp_path, NAME, language)
    tree = etree.parse(written.path)
    etree.XMLSchema(file=XSD).assertValid(tree)
    return tree.getroot(), written


def text(root, path):
    return [one.text for one in root.findall(path)]


def coded(name="Food bank", **fields):
    """A service with a code of the taxonomy of AIRS."""
    Directory.objects.update(airs_taxonomy="AIRS")
    airs = Taxonomy.objects.filter(short_name="AIRS").first()
    airs = airs or make.taxonomy(short_name="AIRS", loaded_at=datetime(2026, 3, 1, tzinfo=UTC))
    service = make.service(name, **fields)
    make.attribute(service, make.term("Food", code="BD-1800", taxonomy=airs))
    return service


def test_everything_that_there_is_makes_a_valid_file(tmp_path):
    Directory.objects.update(airs_taxonomy="Needs", record_owner="DOVE")
    bring(tmp_path, filled())
    root, written = read(tmp_path)
    assert root.get("SchemaVersion") == "AIRS3.0"
    assert len(root.findall("Agency")) == written.rows["organization"] == 2
    assert root.find("Agency").get("RecordOwner") == "DOVE"
    # A service without a code is a group, and nothing more.
    assert len(root.findall(".//ServiceGroup")) == 2
    assert text(root, ".//SiteService/Taxonomy/Code") == ["B"]
    assert written.not_carried["service.taxonomy"] == 1


def test_the_four_types_go_by_their_numbers(tmp_path):
    service = coded()
    place = make.location(organization=service.organization)
    make.address(place)
    make.at(service, place)
    take_in()
    number = dict(Entry.objects.exclude(number=None).values_list("kind", "number"))
    root, _ = read(tmp_path)
    assert text(root, "Agency/Key") == [str(number["organization"])]
    assert text(root, "Agency/ServiceGroup/Key") == [str(number["service"])]
    assert text(root, "Agency/AgencyLocation/Key") == [str(number["location"])]
    assert text(root, "Agency/Site/Key") == [str(number["location"])]
    (joined,) = root.findall("Agency/Site/SiteService")
    assert joined.find("Key").text == str(number["service_at_location"])
    assert joined.get("ServiceGroupKey") == str(number["service"])
    assert root.get("TaxonomyVersion").startswith("2026-03-01T00:00:00")


def test_no_place_no_phone_and_no_code(tmp_path):
    make.agency("Bare")
    coded("Crisis line", organization=Agency.objects.get())
    root, _ = read(tmp_path)
    assert root.find("Agency/AgencyLocation/NoPhysicalAddress") is not None
    assert root.find("Agency/AgencyLocation/Key") is None
    (site,) = root.findall("Agency/Site")
    assert site.find("Key") is None
    assert site.find("SiteService/Key") is None
    assert root.find("Agency/Phone/ReasonWithheld") is not None
    assert text(root, "Agency/ServiceGroup/Name") == ["Crisis line"]


def test_a_confidential_place_shows_that_it_is_one_and_nothing_else(tmp_path):
    service = coded()
    place = make.location(
        "Hidden Road", organization=service.organization, latitude=45.0, longitude=-75.0
    )
    make.address(place)
    make.phone(location=place)
    make.at(service, place)
    Entry.objects.filter(pk=place.pk).update(secrecy=Secrecy.YES)
    Entry.objects.update(marks=99)
    root, written = read(tmp_path)
    address = root.find("Agency/Site/PhysicalAddress")
    assert address.get("Confidential") == "true"
    assert address.find("ReasonWithheld") is not None
    assert root.find(".//SpatialLocation") is None
    raw = written.path.read_text()
    assert not any(secret in raw for secret in ("Hidden Road", "King Street", "613-555"))


@pytest.mark.parametrize(
    ("email", "taken"),
    [
        ("food@example.org", True),
        ("o'brien@example.org", False),
        ("a@example.community", False),
        ("food.bank-1@mail.example.org", True),
        ("food..bank@example.org", None),
    ],
)
def test_an_address_that_airs_refuses_is_counted(tmp_path, email, taken):
    make.agency(email=email)
    root, written = read(tmp_path)
    if taken is None:  # no e-mail address at all: HSDS refuses it, too
        assert written.not_carried["organization.email"] == 1
        return
    assert bool(text(root, "Agency/Email/Address")) is taken
    assert written.not_carried["organization.email"] == (not taken)


@pytest.mark.parametrize("nasty", ["a\x00b", "a\x0bb", "\ud7ff\ufffe", "<b>&\x1f", "a\x08\r\n\x85"])
def test_text_that_xml_cannot_hold(tmp_path, nasty):
    if "\x00" in nasty and connection.vendor == "postgresql":
        pytest.skip("PostgreSQL stores no NUL, so there is none to write.")
    make.agency(f"Name {nasty}", description={"en": nasty}, tax_id=nasty.replace("\x00", ""))
    root, _ = read(tmp_path)
    assert root.find("Agency/Name").text.startswith("Name")


def test_hours_by_day_and_in_words(tmp_path):
    service = coded()
    hours = {"opens_at": time(22), "closes_at": time(2)}
    usual = Schedule.objects.create(service=service, freq="WEEKLY", byday="MO,SU", **hours)
    Schedule.objects.create(service=service, freq="MONTHLY", byday="2WE", **hours)
    day = date(2026, 12, 25)
    Closing.objects.create(schedule=usual, first_day=day, last_day=day)
    root, _ = read(tmp_path)
    found = root.find(".//SiteService/TimeOpen")
    assert [one.tag for one in found] == ["Sunday", "Monday", "Notes"]
    assert text(found, "Monday/From") + text(found, "Monday/To") == ["22:00:00", "02:00:00"]
    assert found.find("Notes").text.startswith("Closed 2026-12-25. Second Wednesday")


def test_a_place_under_a_second_agency_has_no_key(tmp_path):
    service = coded("Own")
    place = make.location(organization=service.organization)
    make.at(service, place)
    make.at(coded("Guest", organization=make.agency("Guests")), place)
    root, written = read(tmp_path)
    keys = {one.find("Name").text: one.find("Site/Key") for one in root.findall("Agency")}
    assert keys["Helping Hands"] is not None
    assert keys["Guests"] is None
    assert written.rows["location"] == 1


def test_an_agency_stands_in_the_one_above_it_also_in_a_loop(tmp_path):
    top = make.agency("Top")
    below = make.agency("Below", parent_organization=top)
    one, two = make.agency("One"), make.agency("Two")
    Agency.objects.filter(pk=one.pk).update(parent_organization=two)
    Agency.objects.filter(pk=two.pk).update(parent_organization=one)
    root, _ = read(tmp_path)
    assert text(root, "Agency/Agency/Name") == [below.name["en"], "Two"]
    assert len(root.findall(".//Agency")) == 4


def test_every_value_left_out_is_counted(tmp_path):
    service = coded(minimum_age=0.5, maximum_age=17, wait_time={"en": "A week"})
    make.phone(service=service)
    _, written = read(tmp_path)
    lost = written.not_carried
    assert lost["service.minimum_age"] == lost["service.wait_time"] == 1
    assert lost["service.maximum_age"] == lost["phone.number"] == lost["service.name"] == 0
    assert lost["taxonomy_term.name"] == 1
    assert lost["taxonomy_term.code"] == 0


def test_a_service_of_no_agency_is_left_out_and_counted(tmp_path):
    make.agency()
    alone = coded("Alone", organization=None)
    make.at(alone, make.location("Somewhere"))
    root, written = read(tmp_path)
    assert root.findall(".//SiteService") == []
    assert written.not_carried["service.name"] == written.not_carried["location.name"] == 1


def test_more_agencies_take_no_more_statements(tmp_path):
    def plant():
        service = coded()
        make.at(service, make.location(organization=service.organization))
        make.at(service, make.location())  # of another agency
        coded("Crisis line", organization=service.organization)  # at no place

    def statements():
        take_in()
        with CaptureQueriesContext(connection) as asked:
            exported(tmp_path, NAME)
        return len(asked)

    plant()
    few = statements()
    for _ in range(5):
        plant()
    assert statements() == few


def test_without_an_agency_there_is_no_file(tmp_path):
    with pytest.raises(CommandError, match="needs an agency"):
        call_command("export_directory", format=NAME, output=tmp_path)
    assert list(tmp_path.iterdir()) == []
