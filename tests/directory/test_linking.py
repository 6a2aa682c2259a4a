"""A listing that names its service."""

import uuid

import pytest

from directory import linking
from directory.models import ListingLink
from integrations import configuration
from integrations.models import Organization, ServiceListing
from tests.directory import make
from tests.directory.stored import change

pytestmark = pytest.mark.usefixtures("directory")

LISTING = """
organizations:
  - id: "812"
    name: Birchwood
    listings: [{{id: "4417", name: Counselling{more}}}]
"""


def apply(service=None):
    more = "" if service is None else f', directory_service: "{service}"'
    return configuration.apply(LISTING.format(more=more).encode())


def linked():
    return list(ListingLink.objects.values_list("listing__caredove_id", "service"))


class TestConfiguration:
    def test_a_file_sets_changes_and_takes_away_the_link(self):
        service, other = make.service(), make.service()
        apply(service.entry.hsds_id)
        assert linked() == [("4417", service.pk)]
        apply(other.entry.hsds_id)
        assert linked() == [("4417", other.pk)]
        apply()  # what a file leaves out stays
        assert linked() == [("4417", other.pk)]
        apply("")
        assert linked() == []

    def test_a_merged_id_leads_to_its_survivor(self):
        survivor, merged = make.service(), make.service()
        change(merged, merged_into=survivor.entry, withdrawn_by="merge")
        apply(merged.entry.hsds_id)
        assert linked() == [("4417", survivor.pk)]

    @pytest.mark.parametrize("wrong", [uuid.uuid4(), "food bank", "{}"])
    def test_an_id_of_no_service_is_refused(self, wrong):
        with pytest.raises(configuration.ConfigurationError) as raised:
            apply(wrong)
        assert "no service of the directory has this id" in str(raised.value.problems[0])
        assert linked() == []

    def test_an_agency_is_no_service(self):
        with pytest.raises(configuration.ConfigurationError):
            apply(make.agency().entry.hsds_id)


@pytest.fixture
def listing():
    organization = Organization.objects.create(caredove_id="812", name="Birchwood")
    return ServiceListing.objects.create(
        organization=organization, caredove_id="4417", name="Banque-alimentaire"
    )


def test_deleting_either_side_deletes_the_link_alone(listing):
    service = make.service()
    linking.link(listing, service.entry.hsds_id)
    listing.delete()
    assert linked() == []
    service.refresh_from_db()


@pytest.mark.parametrize(
    ("name", "differs"),
    [
        ({"en": "Food bank", "fr": "Banque alimentaire"}, False),
        ({"en": "Food bank"}, True),
        ({"en": "banque  ALIMENTAIRE"}, False),
    ],
)
def test_names_are_compared_by_their_words_in_all_languages(listing, name, differs):
    linking.link(listing, make.service(name).entry.hsds_id)
    assert linking.names_differ(ListingLink.objects.get()) == differs


@pytest.mark.parametrize(
    ("fields", "is_ended"),
    [
        ({}, False),
        ({"status": "temporarily closed"}, True),
        ({"status": "defunct"}, True),
        ({"withdrawn_by": "supplier"}, True),
    ],
)
def test_links_of_what_is_closed_or_withdrawn_are_found(listing, fields, is_ended):
    linking.link(listing, make.service(**fields).entry.hsds_id)
    assert linking.ended().exists() == is_ended
