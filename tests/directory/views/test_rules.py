"""Who sees which entry: a view picks services, and the rest follows."""

import pytest

from directory.models import Supplier
from directory.taking_in import take_in
from tests.directory import make
from tests.directory.stored import change, members, seen

pytestmark = pytest.mark.usefixtures("directory")


@pytest.fixture
def shelter():
    """A service of an agency at a location of its own, with a term each."""
    service = make.service("Shelter")
    at = make.at(service, make.location(organization=service.organization))
    for row in (service, at, at.location):
        make.attribute(row, make.term(parent=make.term()))
    return at


def everything(at):
    return {at.pk, at.service_id, at.location_id, at.service.organization_id}


def test_with_a_service_comes_the_rest(shelter):
    take_in()
    assert members() >= everything(shelter)
    assert len(members()) == 4 + 3 * 4  # each term has a taxonomy, and a parent with one


@pytest.mark.parametrize(
    ("status", "is_in"),
    [("active", True), ("temporarily closed", True), ("inactive", False), ("defunct", False)],
)
def test_services_of_two_statuses_are_public(shelter, status, is_in):
    change(shelter.service, status=status)
    assert bool(members()) is is_in


@pytest.mark.parametrize(
    "hiding",
    [
        {"secrecy": "yes"},
        {"secrecy": "matches"},
        {"not_public": True},
        {"withdrawn_by": "staff"},
        {"withdrawn_by": "supplier"},
    ],
)
def test_what_is_hidden_takes_along_what_is_its_alone(shelter, hiding):
    take_in()
    before = members()
    change(shelter.service, **hiding)
    # An agency whose services are all withdrawn has none.
    left = set()
    if "withdrawn_by" in hiding:
        agency, location = shelter.service.organization_id, shelter.location_id
        left = {agency, location} | {one for one in members() if one not in everything(shelter)}
    assert members() == left
    change(shelter.service, secrecy="", not_public=False, withdrawn_by="", withdrawn_at=None)
    assert members() == before


@pytest.mark.parametrize("hiding", [{"secrecy": "yes"}, {"not_public": True}])
def test_a_hidden_agency_takes_its_services_along(shelter, hiding):
    change(shelter.service.organization, **hiding)
    assert members() == set()


def test_a_withdrawn_agency_leaves_its_services_without_one(shelter):
    change(shelter.service.organization, withdrawn_by="staff")
    assert shelter.service_id in members()
    assert "organization" not in seen(shelter.service)
    assert "organization_id" not in seen(shelter.location)


def test_a_service_at_a_location_that_is_out_is_out(shelter):
    for hiding in ({"not_public": True}, {"withdrawn_by": "staff"}):
        change(shelter.location, **hiding)
        assert not {shelter.pk, shelter.location_id} & members()
        assert "service_at_locations" not in seen(shelter.service)
        assert "locations" not in seen(shelter.service.organization)
        change(shelter.location, not_public=False, withdrawn_by="", withdrawn_at=None)
        assert {shelter.pk, shelter.location_id} <= members()


def test_a_location_of_another_agency_comes_with_the_service_and_without_its_owner():
    owner = make.agency("Owner")
    make.service(organization=owner, status="inactive")
    at = make.at(make.service(), make.location(organization=owner))
    take_in()
    assert at.location_id in members()
    assert owner.pk not in members()
    assert "organization_id" not in seen(at.location)
    assert "organization_id" not in seen(at.service)["service_at_locations"][0]["location"]


def test_an_agencys_own_locations_come_even_without_a_service_there():
    agency = make.service().organization
    location = make.location(organization=agency)
    take_in()
    assert location.pk in members()
    assert [one["id"] for one in seen(agency)["locations"]] == [str(location.entry.hsds_id)]


def test_an_agency_without_services_is_in_and_one_with_hidden_ones_is_not():
    without = make.agency()
    withdrawn = make.service(withdrawn_by="staff").organization
    inactive = make.service(status="inactive").organization
    confidential = make.service(secrecy="yes").organization
    take_in()
    assert members() == {without.pk, withdrawn.pk}
    make.service(organization=without, status="defunct")
    change(without)
    assert members() == {withdrawn.pk}
    assert not {inactive.pk, confidential.pk} & members()


def test_an_agency_shows_the_services_of_the_view_alone():
    service = make.service("Open")
    make.service("Closed", organization=service.organization, status="inactive")
    make.service("Secret", organization=service.organization, secrecy="yes")
    take_in()
    assert [one["name"] for one in seen(service.organization)["services"]] == ["Open"]


def test_a_parent_agency_outside_of_the_view_is_not_named():
    parent = make.agency("Parent")
    child = make.agency("Child", parent_organization=parent)
    take_in()
    assert seen(child)["parent_organization_id"] == str(parent.entry.hsds_id)
    change(parent, secrecy="yes")
    assert "parent_organization_id" not in seen(child)


def test_a_confidential_location_keeps_its_id_type_and_a_neutral_name(shelter):
    make.address(shelter.location)
    make.phone(location=shelter.location)
    shelter.description = {"en": "Behind the church on King Street."}
    shelter.save()
    change(shelter.location, secrecy="yes", latitude=45.4, longitude=-75.7)
    kept = {
        "id": str(shelter.location.entry.hsds_id),
        "location_type": "physical",
        "name": "Confidential location",
    }
    assert seen(shelter.location) == kept
    (place,) = seen(shelter.service)["service_at_locations"]
    assert place["location"] == kept
    assert "description" not in place
    assert seen(shelter.service.organization)["locations"] == [kept]
    assert "description" not in seen(shelter)


def test_a_term_is_in_while_something_in_the_view_shows_it():
    term = make.term()
    service = make.service()
    attribute = make.attribute(service, term)
    take_in()
    assert {term.pk, term.taxonomy_id} <= members()
    attribute.delete()
    change(service)
    assert not {term.pk, term.taxonomy_id} & members()


def test_a_term_of_something_hidden_is_out():
    service, term = make.service(), make.term()
    contact = service.contacts.create(name={"en": "Ann"}, secrecy="yes")
    make.attribute(contact, term)
    make.attribute(make.at(service, make.location(), not_public=True), term)
    take_in()
    assert term.pk not in members()


def test_all_terms_of_a_shared_taxonomy_are_in(directory):
    directory.share_all_terms = ["Needs"]
    directory.save()
    taxonomy = make.taxonomy(short_name="Needs")
    terms = {make.term(taxonomy=taxonomy).pk for _ in range(2)}
    other = make.term(taxonomy=make.taxonomy("Other"))
    take_in()
    assert members() == {taxonomy.pk, *terms}
    assert other.pk not in members()


def test_what_a_supplier_keeps_to_our_pages_is_not_in_the_api():
    ours = Supplier.objects.create(name="ours", reshare=False)
    kept = make.service("Kept", supplier=ours, organization=make.agency(supplier=ours))
    free = make.service("Free")
    kept_place = make.location(supplier=ours)
    at = make.at(free, kept_place)
    take_in()
    assert {kept.pk, kept.organization_id, free.pk, kept_place.pk, at.pk} <= members("pages")
    assert members("api") == {free.pk, free.organization_id}
    assert "service_at_locations" in seen(free, "pages")
    assert "service_at_locations" not in seen(free, "api")


def test_a_program_of_another_agency_goes_with_that_agency():
    other = make.agency("Other")
    program = other.programs.create(name={"en": "Meals"})
    service = make.service(program=program)
    take_in()
    assert seen(service)["program"]["organization_id"] == str(other.entry.hsds_id)
    change(other, not_public=True)
    assert "program" not in seen(service)


def test_a_removed_entry_keeps_its_row_with_a_new_number(shelter):
    from tests.directory.stored import numbers

    take_in()
    before = numbers()
    change(shelter.service, status="defunct")
    assert shelter.service_id not in members()
    assert numbers()[shelter.service_id] > max(before.values())


def test_the_hash_of_a_view_moves_with_what_it_sees_alone():
    """A service at a location that is not public changes, and the public view sees nothing."""
    from directory.models import Membership

    service = make.service()
    hidden = make.at(service, make.location(), not_public=True)
    take_in()
    before = Membership.objects.get(view__name="pages", entry=service.pk)
    assert before.cut
    change(hidden, description={"en": "Changed."})
    after = Membership.objects.get(view__name="pages", entry=service.pk)
    assert after.hash == before.hash
