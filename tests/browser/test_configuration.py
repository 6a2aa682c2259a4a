"""Listings from Caredove and from a file, the configuration's history, and taking it elsewhere."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from playwright.sync_api import Page, expect

from tests.browser.checks import accessible, fits_phone, picture, pictures
from tests.browser.portal import Portal
from tests.integrations.listings.caredove import (
    PASSWORD,
    USERNAME,
    ListingServer,
    listed,
    running_listing_server,
)

IMPORT = "/admin/integrations/servicelisting/import/"


@pytest.fixture(scope="module")
def caredove(portal: Portal) -> Iterator[ListingServer]:
    """Caredove's listing API, which the portal's source knows."""
    with running_listing_server() as server:
        api = {"url": server.url, "username": USERNAME, "password": PASSWORD}
        source = {"name": "caredove", "listing_api": api}
        file = Path(portal.directory / "listing-api.yaml")
        file.write_text(yaml.safe_dump({"sources": [source]}))
        portal.manage("apply_config", str(file))
        yield server


def organization(portal: Portal, caredove_id: str = "812") -> int:
    sql = "SELECT id FROM integrations_organization WHERE caredove_id = ?"
    return int(portal.query(sql, caredove_id)[0][0])


def test_a_liaison_imports_listings_from_caredove(
    liaison: Page, portal: Portal, caredove: ListingServer
) -> None:
    caredove.listings["812"] = [
        listed(4417, "Adult Counselling - Milltown", "Mental health"),
        listed(4418, "Youth Wellness Hub – Milltown and Saint-Télesphore-de-la-Rivière"),
        listed(4419, "Psychiatric Consultation - Milltown"),
        listed(4420, "Supportive Housing - Milltown"),
        listed(4421, "Groupe de soutien pour proches aidants (soirée, en français)", "Familles"),
    ]
    liaison.goto("/admin/integrations/servicelisting/")
    liaison.get_by_role("link", name="Import listings").click()
    accessible(liaison)
    liaison.get_by_label("Organization").select_option("Birchwood Community Mental Health")
    liaison.get_by_role("button", name="Continue").click()
    accessible(liaison)
    fits_phone(liaison)

    liaison.get_by_role("button", name="Ask Caredove").click()

    expect(liaison.get_by_role("heading", name="New", exact=True)).to_be_visible()
    expect(liaison.get_by_text("Meals and Rides - Milltown")).to_be_visible()
    accessible(liaison)
    fits_phone(liaison)
    picture(liaison, "listings-preview")
    liaison.get_by_role("button", name="Import what is chosen").click()
    expect(liaison.get_by_text("1 added, 4 changed, 1 marked as not listed")).to_be_visible()


def test_a_liaison_imports_listings_from_a_file(
    liaison: Page, portal: Portal, tmp_path: Path
) -> None:
    file = tmp_path / "listings.csv"
    file.write_bytes("id;name\n5401;Écoute téléphonique\n;Sans numéro\n".encode("cp1252"))
    liaison.goto(f"{IMPORT}?organization={organization(portal)}")
    liaison.locator("input[type=file]").set_input_files(file)
    liaison.get_by_role("button", name="Read the file").click()

    expect(liaison.get_by_text("The id is missing.")).to_be_visible()
    expect(liaison.get_by_text("Read as Windows-1252")).to_be_visible()
    accessible(liaison)
    liaison.get_by_role("button", name="Import what is chosen").click()
    expect(liaison.get_by_text("1 added, 0 changed, 0 marked")).to_be_visible()


def test_an_administrator_sees_who_changed_what_and_puts_it_back(
    administrator: Page, portal: Portal
) -> None:
    listing = portal.query("SELECT id FROM integrations_servicelisting WHERE caredove_id = '4417'")
    administrator.goto(f"/admin/integrations/servicelisting/{listing[0][0]}/change/")
    administrator.get_by_label("Name").fill("Renamed by mistake")
    administrator.get_by_role("button", name="Save", exact=True).click()

    administrator.goto(f"/admin/integrations/organization/{organization(portal)}/change/")
    administrator.get_by_role("link", name="Configuration history").click()
    expect(administrator.get_by_role("cell", name="administrator").first).to_be_visible()
    accessible(administrator)
    fits_phone(administrator)
    picture(administrator, "configuration-history")
    administrator.get_by_role("link", name="Renamed by mistake").first.click()
    administrator.get_by_role("link", name="History").click()
    accessible(administrator)
    administrator.locator("#change-history tbody tr").nth(1).get_by_role("link").click()
    expect(administrator.get_by_text("What putting it back would change")).to_be_visible()
    accessible(administrator)
    fits_phone(administrator)
    pictures(administrator, "version-put-back")
    administrator.get_by_label("Note").fill("Wrong listing")
    administrator.get_by_role("button", name="Put this version back").click()

    expect(administrator.get_by_text("is as it was on")).to_be_visible()
    expect(administrator.get_by_label("Name")).to_have_value("Adult Counselling - Milltown")


def test_an_administrator_takes_a_configuration_out_and_in(
    administrator: Page, portal: Portal, tmp_path: Path
) -> None:
    administrator.goto(f"/admin/configuration/{organization(portal)}/")
    with administrator.expect_download() as download:
        administrator.get_by_role("link", name="Export configuration").click()
    file = tmp_path / "configuration.yaml"
    text = Path(download.value.path()).read_text()
    file.write_text(text.replace("Youth Wellness Hub", "Youth and Family Hub"))

    administrator.get_by_role("link", name="Import configuration").click()
    accessible(administrator)
    administrator.locator("input[type=file]").set_input_files(file)
    administrator.get_by_role("button", name="Read the file").click()
    expect(administrator.get_by_text("Nothing has changed yet.")).to_be_visible()
    accessible(administrator)
    fits_phone(administrator)
    picture(administrator, "configuration-import")
    administrator.get_by_role("button", name="Import", exact=True).click()

    expect(administrator.get_by_text("was imported.")).to_be_visible()
    expect(administrator.get_by_text("configuration file").first).to_be_visible()
