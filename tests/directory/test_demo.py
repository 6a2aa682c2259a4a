"""The directory of the demonstration has what it says."""

import pytest

from directory.models import Agency, Closing, Entry, ListingLink, Membership, Phone, Service
from integrations.models import Organization, ServiceListing
from scripts.demo import directory as demo

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("directory")]


def test_it_is_planted_once_and_has_every_special_case(client):
    organization = Organization.objects.create(caredove_id="812", name="Birchwood")
    ServiceListing.objects.create(
        organization=organization, caredove_id=demo.LISTING, name="Adult Counselling"
    )
    demo.plant()
    demo.plant()
    assert (Agency.objects.count(), Service.objects.count()) == (60, 150)
    seen = Membership.objects.filter(view__name="pages", present=True, entry__kind="service")
    assert seen.count() == 150
    # Only what it hides itself is hidden: nothing else matches that by chance.
    assert Entry.objects.exclude(secrecy="").count() == 1
    assert Phone.objects.exclude(secrecy="").count() == 1
    assert ListingLink.objects.get().service.name["en"] == demo.LINKED
    assert Closing.objects.exists()
    assert Service.objects.exclude(stale_texts=[]).count() == 1

    def found(need, where=""):
        page = client.post("/directory/?lang=en", {"need": need, "where": where})
        return page.content.decode()

    assert "Open 24 hours" in found("crisis line")
    assert "Café-rencontre francophone" in found("francophone")
    assert "Temporarily closed" in found("dental")
    near = found("shelter", "Sudbury")
    assert "Women’s shelter" in near
    assert "Willow" not in near
    assert "Free counselling, walk-in" in found("counselling", "p3e 1a1")
