"""A data partner's files: what its agreement shows, in every format, and nothing more."""

from datetime import date, timedelta

import pytest
from django.core.management import CommandError, call_command

from directory.exporting.formats import FORMATS
from directory.models import Contact, Directory, Taxonomy
from tests.directory import agreed, make
from tests.directory.exporting.test_files import whole_text

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("directory")]

EXCLUDED = ["contact", "service.wait_time", "phone", "service.assured_date", "service.alert"]
SECRETS = [
    "secret-name",
    "secret@example.org",
    "secret-wait",
    "555-0199",
    "2026-01-02",
    "secret-al",
]


def world():
    Directory.objects.update(airs_taxonomy="AIRS")
    service = make.service(
        wait_time={"en": "secret-wait"},
        assured_date=date(2026, 1, 2),
        alert={"en": "secret-alert"},
    )
    airs = Taxonomy.objects.first() or make.taxonomy(short_name="AIRS")
    make.attribute(service, make.term("Food", code="BD-1800", taxonomy=airs))
    make.phone("613-555-0199", service=service)
    Contact.objects.create(
        organization=service.organization, name={"en": "secret-name"}, email="secret@example.org"
    )


def test_a_file_has_nothing_that_the_agreement_excludes(tmp_path):
    world()
    partner = agreed.partner(exclude_fields=EXCLUDED)
    client = agreed.client(partner)
    for name, format in FORMATS.items():
        path = tmp_path / f"file.{format.extension}"
        call_command("export_directory", format=name, partner=partner.name, output=path)
        text = whole_text(path)
        sent = client.get(f"/api/v1/directory/exports/{name}")
        assert sent.status_code == 200
        assert "private" in sent.headers["Cache-Control"]
        assert "Food bank" in text
        assert [secret for secret in SECRETS if secret in text] == []
        call_command("export_directory", format=name, output=path)
        assert all(secret in whole_text(path) for secret in ("555-0199",))


@pytest.mark.parametrize(
    "fields",
    [
        {"valid_until": date.today() - timedelta(days=2)},  # noqa: DTZ011 - either side of midnight
        {"valid_from": date.today() + timedelta(days=2)},  # noqa: DTZ011
    ],
)
def test_nothing_goes_out_before_or_after_the_agreement(tmp_path, fields):
    partner = agreed.partner(**fields)
    with pytest.raises(CommandError, match="holds today"):
        call_command("export_directory", format="icarol-csv", partner=partner.name, output=tmp_path)
    assert list(tmp_path.iterdir()) == []
