"""The directory of the demonstration has what it says."""

import pytest

from directory.duplicates.finding import find
from directory.exporting import scheduled
from directory.models import (
    Closing,
    DataPartner,
    Entry,
    ExportRun,
    ListingLink,
    Membership,
    Merge,
    Phone,
    ScheduledExport,
    Service,
)
from integrations.destinations.webhook.contract import SECRET
from integrations.models import Organization, ServiceListing
from scripts.demo import directory as demo
from scripts.demo.directory import others
from tests.directory import agreed

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("directory")]


def test_it_is_planted_once_and_has_every_special_case(client):
    organization = Organization.objects.create(caredove_id="812", name="Birchwood")
    ServiceListing.objects.create(
        organization=organization, caredove_id=demo.LISTING, name="Adult Counselling"
    )
    demo.plant()
    demo.plant()
    here = Entry.objects.filter(withdrawn_by="", kind="service")
    assert (here.filter(supplier=None).count(), here.exclude(supplier=None).count()) == (150, 10)
    seen = Membership.objects.filter(view__name="pages", present=True, entry__kind="service")
    assert seen.count() == 160
    # Only what it hides itself is hidden, and the county's shelter, which matches it: nothing else
    # matches by chance.
    hidden = set(Entry.objects.exclude(secrecy="").values_list("kind", "secrecy"))
    assert hidden == {("location", "yes"), ("location", "matches")}
    assert Entry.objects.exclude(secrecy="").count() == 2
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
    assert "Willow" not in found("shelter for women")
    assert "Free counselling, walk-in" in found("counselling", "p3e 1a1")


def test_other_systems_read_and_fill_it(settings, tmp_path):
    settings.EXPORT_ROOT = str(tmp_path)
    demo.plant("https://receiver.example.org/notices", SECRET)
    assert DataPartner.objects.count() == 3
    assert DataPartner.objects.exclude(notify_url="").count() == 1
    assert Merge.objects.count() == 1
    agencies = [pair for pair in find() if pair.kind == "organization"]
    assert len(agencies) == others.DUPLICATES
    for export in ScheduledExport.objects.all():
        run = scheduled.run(export.pk, now=True)
        assert (run.state, run.message) == (ExportRun.State.DONE, "")
        assert "Willow" not in (tmp_path / export.folder / run.file).read_bytes().decode("latin-1")
    # A visitor, a data partner, and the county's own list agree on what is confidential.
    listed = agreed.client(DataPartner.objects.get(name=others.PARTNERS[0]))
    assert b"Willow" not in listed.get("/hsds/3.1/services?full=true&per_page=500").content
