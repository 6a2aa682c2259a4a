"""A merge, field by field; taken back; and the supplier that sends the same again."""

import pytest
from django.contrib.auth import get_user_model

from directory.duplicates.merging import NotMerged, fields, merge, take_back
from directory.importing.ids import identify
from directory.importing.running import Options, run
from directory.models import Agency, Entry, Phone, Secrecy, Service, ServiceAtLocation
from directory.taking_in import take_in
from tests.directory import make
from tests.directory.importing import supplied
from tests.directory.importing.supplied import bring
from tests.directory.stored import answer

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("directory")]


@pytest.fixture
def user(db):
    return get_user_model().objects.create(username="jo")


def two_agencies():
    one = make.agency("Helping Hands", website={}, email="a@example.org")
    two = make.agency(
        {"en": "Helping Hand", "fr": "Coup de main"},
        website={"en": "https://example.org"},
        email="b@example.org",
    )
    return one, two


def test_the_survivor_has_what_was_chosen_and_what_it_lacked(user):
    one, two = two_agencies()
    make.phone(organization=two)
    named = {field.name for field in fields(one.entry, two.entry)}
    assert named == {"name:en", "name:fr", "website:en", "email", "phones"}
    merge(one.pk, two.pk, {"email": "other"}, user)
    one.refresh_from_db()
    assert one.name == {"en": "Helping Hands", "fr": "Coup de main"}
    assert (one.website, one.email) == ({"en": "https://example.org"}, "b@example.org")
    assert Phone.objects.get().organization == one
    two.entry.refresh_from_db()
    assert (two.entry.merged_into, two.entry.withdrawn_by) == (one.entry, "merge")


@pytest.mark.parametrize(
    ("choice", "numbers"),
    [("", ["1"]), ("other", ["2"]), ("both", ["1", "2"])],
)
def test_lists_are_mine_the_other_s_or_both(user, choice, numbers):
    one, two = two_agencies()
    make.phone("1", organization=one)
    make.phone("2", organization=two)
    merge(one.pk, two.pk, {"phones": choice}, user)
    assert sorted(one.phones.values_list("number", flat=True)) == numbers


def test_what_pointed_to_the_other_points_to_the_survivor(user):
    one, two = two_agencies()
    service = make.service(organization=two)
    place = make.location(organization=two)
    take_in()
    merge(one.pk, two.pk, {}, user)
    take_in()
    service.refresh_from_db()
    place.refresh_from_db()
    assert service.organization == place.organization == one
    assert answer(service)["organization"]["name"] == "Helping Hands"


def test_a_service_that_both_have_at_one_place_is_there_once(user):
    agency = make.agency()
    one, two = (make.service("Food", organization=agency) for _ in range(2))
    place = make.location()
    kept, gone = make.at(one, place), make.at(two, place)
    merge(one.pk, two.pk, {}, user)
    assert ServiceAtLocation.objects.get(entry__withdrawn_by="") == kept
    assert Entry.objects.get(pk=gone.pk).merged_into_id == kept.pk


def test_confidential_stays_confidential(user):
    one, two = make.location("Hall"), make.location("Shelter", secrecy=Secrecy.YES)
    merge(one.pk, two.pk, {}, user)
    assert Entry.objects.get(pk=one.pk).secrecy == Secrecy.YES


def test_the_same_pair_twice_a_circle_and_odd_pairs_are_refused(user):
    one, two = two_agencies()
    three = make.agency("Third")
    merge(one.pk, two.pk, {}, user)
    for pair in (
        (one.pk, two.pk),  # another person was quicker
        (two.pk, one.pk),  # a circle
        (two.pk, three.pk),
        (three.pk, three.pk),
        (three.pk, 10**9),
        (three.pk, make.service(organization=three).pk),
    ):
        with pytest.raises(NotMerged):
            merge(*pair, {}, user)


def test_an_alias_of_the_other_leads_to_the_last_survivor(user):
    one, two = two_agencies()
    three = make.agency("Third")
    merge(one.pk, two.pk, {}, user)
    last = merge(three.pk, one.pk, {}, user)
    assert Entry.objects.get(pk=two.pk).merged_into_id == three.pk
    take_back(last.pk, user)
    assert Entry.objects.get(pk=two.pk).merged_into_id == one.pk


def test_taking_back_makes_it_as_it_was(user):
    one, two = two_agencies()
    make.phone("1", organization=one)
    make.phone("2", organization=two)
    service = make.service(organization=two)
    before = {row.pk: Agency.objects.filter(pk=row.pk).values().get() for row in (one, two)}
    done = merge(one.pk, two.pk, {"email": "other", "phones": "other"}, user)
    assert take_back(done.pk, user).left == []
    assert before == {row.pk: Agency.objects.filter(pk=row.pk).values().get() for row in (one, two)}
    assert [phone.number for phone in one.phones.all()] == ["1"]
    assert [phone.number for phone in two.phones.all()] == ["2"]
    service.refresh_from_db()
    assert service.organization == two
    entry = Entry.objects.get(pk=two.pk)
    assert (entry.merged_into, entry.withdrawn_by) == (None, "")
    with pytest.raises(NotMerged):
        take_back(done.pk, user)
    merge(one.pk, two.pk, {}, user)  # once more


# -- What suppliers send afterward ----------------------------------------------------------------


def two_suppliers(tmp_path):
    """One agency with a service, as two suppliers list it."""
    bring(tmp_path, supplied.small(), source="North")
    rows = {
        "organization": [supplied.organization("x1", name="Helping Hand", website="https://x.org")],
        "service": [supplied.service("y1", organization_id="x1", name="Food banks")],
    }
    bring(tmp_path, rows, source="South")
    take_in()
    return rows


def key(source, table, id):
    return Entry.objects.get(hsds_id=identify(source, table, id)).pk


@pytest.mark.parametrize("nights", [5])
def test_what_was_merged_stays_merged_for_five_nights(tmp_path, user, nights):
    rows = two_suppliers(tmp_path)
    merge(key("North", "organization", "o1"), key("South", "organization", "x1"), {}, user)
    merge(key("North", "service", "s1"), key("South", "service", "y1"), {}, user)
    take_in()
    before = list(Entry.objects.order_by("pk").values("pk", "withdrawn_by", "last_modified"))
    agency = Agency.objects.values().get(pk=key("North", "organization", "o1"))
    for _ in range(nights):
        for source, sent in (("South", rows), ("North", supplied.small())):
            report = bring(tmp_path, sent, source=source)
            assert not any(c["created"] + c["withdrawn"] for c in report.counts.values())
    take_in()
    assert list(Entry.objects.order_by("pk").values("pk", "withdrawn_by", "last_modified")) == (
        before
    )
    assert Agency.objects.values().get(pk=agency["entry_id"]) == agency


def test_the_other_s_supplier_fills_gaps_and_the_survivor_s_leaves_them(tmp_path, user):
    rows = two_suppliers(tmp_path)
    survivor = key("North", "organization", "o1")
    merge(survivor, key("South", "organization", "x1"), {}, user)
    rows["organization"][0] |= {"legal_status": "Charity"}
    bring(tmp_path, rows, source="South")
    sent = supplied.small()
    sent["organization"][0] |= {"tax_id": "12"}
    bring(tmp_path, sent, source="North")
    found = Agency.objects.get(pk=survivor)
    assert (found.legal_status, found.tax_id) == ({"en": "Charity"}, "12")
    assert found.website == {"en": "https://x.org"}


def test_a_new_service_under_the_merged_agency_belongs_to_the_survivor(tmp_path, user):
    rows = two_suppliers(tmp_path)
    survivor = key("North", "organization", "o1")
    merge(survivor, key("South", "organization", "x1"), {}, user)
    rows["service"].append(supplied.service("y2", organization_id="x1", name="New"))
    assert bring(tmp_path, rows, source="South").exit_code == 0
    assert Service.objects.get(name__en="New").organization_id == survivor


def test_a_file_through_a_new_portal_keeps_to_its_rank(tmp_path, user):
    """A better rank replaces what another supplier lists under the same id; a worse one is
    rejected, and its services are taken all the same."""
    from directory.models import Supplier

    first = {"organization": [supplied.organization("7e7b7f34-5b6e-4a5f-9d57-1f0a7f9a0b11")]}
    bring(tmp_path, first, source="North")
    Supplier.objects.filter(name="North").update(rank=5)
    Supplier.objects.create(name="Better", rank=1)
    Supplier.objects.create(name="Worse", rank=9)
    other = {"organization": [first["organization"][0] | {"name": "Renamed"}]}
    assert bring(tmp_path, other, source="Worse").exit_code == 3
    assert Agency.objects.get().name == {"en": "Helping Hands"}
    assert bring(tmp_path, other, source="Better").exit_code == 0
    assert Agency.objects.get().name == {"en": "Renamed"}
    assert Entry.objects.get(kind="organization").supplier.name == "Better"
    assert run(tmp_path / "supplied.zip", "Better", Options()).exit_code == 0
