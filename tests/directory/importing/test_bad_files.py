"""Files that are broken, hostile, huge, or interrupted."""

import json
import zipfile

import pytest

from directory.files import archives
from directory.importing import applying
from directory.importing.comparing import parts
from directory.importing.running import Options, run
from directory.models import Agency, Entry, Phone, Service, SupplierImport
from tests.directory.importing import supplied
from tests.directory.importing.supplied import bring, bring_json, counts

pytestmark = [pytest.mark.django_db, pytest.mark.long, pytest.mark.usefixtures("directory")]


def test_a_zip_bomb_changes_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "_RATIO_COUNTS_FROM", 1 << 20)
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("services.csv", b"id,name\r\n" + b"0" * (2 << 20))
    report = run(path, "Region", Options())
    assert report.exit_code == 1
    assert "bomb" in report.problems[0].message
    assert not Entry.objects.exists()


@pytest.mark.parametrize("is_json", [pytest.param(True, marks=pytest.mark.whole), False])
def test_fifty_megabytes_of_description_reject_only_their_organization(tmp_path, is_json):
    huge = "x" * (50 << 20)
    rows = supplied.small()
    rows["service"][0]["description"] = huge
    if is_json:
        services = [
            {**rows["service"][n], "organization": rows["organization"][n]} for n in range(2)
        ]
        for one in services:
            del one["organization_id"]
        report = bring_json(tmp_path, services)
    else:
        report = bring(tmp_path, rows)
    assert report.exit_code == 3
    assert counts(report)["service"] == {"read": 2, "created": 1, "rejected": 1}
    assert any("longer than" in problem.message for problem in report.problems)
    assert len(json.dumps(report.as_dict())) < 10_000


def test_headings_without_rows_change_nothing(tmp_path):
    bring(tmp_path, supplied.small())
    before = list(Entry.objects.order_by("pk").values())
    rows = {name: [] for name in supplied.small()}
    assert bring(tmp_path, rows).exit_code == 1
    assert list(Entry.objects.order_by("pk").values()) == before


def test_a_file_in_windows_1252_with_semicolons(tmp_path):
    path = tmp_path / "organizations.csv"
    path.write_bytes("id;name;description\r\n1;L’Érable;Où\x0bquand\r\n".encode("cp1252"))
    assert run(path, "Region", Options()).exit_code == 0
    agency = Agency.objects.get()
    assert agency.name == {"en": "L’Érable"}
    assert agency.description == {"en": "Où\nquand"}


def test_a_file_of_no_known_format_changes_nothing(tmp_path):
    path = tmp_path / "letter.pdf"
    path.write_bytes(b"%PDF-1.7 nothing")
    report = run(path, "Region", Options())
    assert report.exit_code == 1
    assert not SupplierImport.objects.exists()  # there is no such supplier


def test_an_import_that_is_interrupted_leaves_whole_organizations(tmp_path, monkeypatch):
    monkeypatch.setattr(parts, "PART", 1)
    rows = {"organization": [], "service": [], "phone": []}
    for n in range(6):
        rows["organization"].append(supplied.organization(f"o{n}"))
        rows["service"].append(supplied.service(f"s{n}", organization_id=f"o{n}"))
        rows["phone"].append(supplied.phone(f"p{n}", service_id=f"s{n}"))
    write, written = applying._Part.write, []

    def interrupted(part):
        write(part)
        written.append(part)
        if len(written) == 4:
            raise KeyboardInterrupt

    monkeypatch.setattr(applying._Part, "write", interrupted)
    with pytest.raises(KeyboardInterrupt):
        bring(tmp_path, rows)
    assert Agency.objects.count() == 3
    assert all(one.services.get().phones.count() == 1 for one in Agency.objects.all())
    monkeypatch.setattr(applying._Part, "write", write)
    assert counts(bring(tmp_path, rows))["organization"] == {
        "read": 6,
        "created": 3,
        "unchanged": 3,
    }
    assert (Service.objects.count(), Phone.objects.count()) == (6, 6)


@pytest.mark.parametrize(
    "value",
    [
        [1, "two", None],
        [{"id": "s1"}],
        [{"id": {}, "name": "A", "status": "active"}],
        [{"id": "s1", "name": ["A"], "status": "active"}],
        [{"id": "s1", "name": "A", "status": "active", "phones": "none"}],
        [{"id": "s1", "name": "A", "status": "active", "phones": [[], 3, {"id": "p"}]}],
        [{"id": "s1", "name": "A", "status": "active", "organization": []}],
        [{"id": "s1", "name": "A", "status": "active", "minimum_age": 1e400}],
        [{"id": "s1", "name": "A\ud800\0", "status": "active"}],
        [{"id": "s" * 5000, "name": "A", "status": "active"}],
        {"contents": [{"id": "s1", "name": "A", "status": "active", "schedules": [{"byday": 3}]}]},
        [{"id": "s1", "name": True, "status": "active", "last_modified": "yesterday"}],
    ],
)
def test_json_of_any_content_is_taken_or_reported(tmp_path, value):
    report = bring_json(tmp_path, value)
    assert report.exit_code in (0, 1, 3)
    read = sum(fates["read"] for fates in report.counts.values())
    fates = ("created", "rejected", "unchanged")
    assert read == sum(found[fate] for found in report.counts.values() for fate in fates)


def test_deep_nesting_ends(tmp_path):
    contact = {"id": "c", "name": "Jo"}
    for _ in range(100):
        contact = {"id": "c", "name": "Jo", "phones": [{"id": "p", "contacts": [contact]}]}
    one = {"id": "s1", "name": "A", "status": "active", "contacts": [contact]}
    assert bring_json(tmp_path, [one]).exit_code in (0, 1)
    assert bring_json(tmp_path, "[" * 100_000).exit_code == 1
