"""Files of a view: valid, whole, and the same when they are brought in again."""

import csv
import errno
import hashlib
import io
import json
import os
import re
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.core.management import CommandError, call_command

from directory import changes
from directory.exporting import writing
from directory.exporting.formats.hsds_3_1_tabular import datapackage
from directory.exporting.writing import FORMATS, write
from directory.importing.running import Options, run
from directory.models import Answer, Directory, Entry, Secrecy, Service
from directory.taking_in import take_in
from directory.views.rules import api_view
from tests.directory import make, standard
from tests.directory.importing import supplied
from tests.directory.importing.supplied import bring, zipped

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.long,
    pytest.mark.usefixtures("directory"),
]

EXAMPLES = Path("directory/standards/hsds-3.1/examples")
AS_JSON = pytest.param("hsds-3.1-json", marks=pytest.mark.whole)
NOT_EQUAL = {"last_modified"}  # by the contract


def exported(tmp_path, format="hsds-3.1-tabular", language="en"):
    return write(FORMATS[format], api_view(), language, tmp_path)


def tables(path):
    with zipfile.ZipFile(path) as packed:
        return {
            name: list(csv.DictReader(io.TextIOWrapper(packed.open(name), "utf-8", newline="")))
            for name in packed.namelist()
            if name.endswith(".csv")
        }


def arrays(path):
    with zipfile.ZipFile(path) as packed:
        return {name: json.loads(packed.read(name)) for name in packed.namelist()}


def filled():
    """Rows of every table, some with several parents."""
    rows = supplied.small()
    rows["service"][0] |= {"program_id": "g1", "email": "food@example.org", "minimum_age": 12}
    rows["location"][0] |= {"latitude": 45.4215, "longitude": -75.6972, "organization_id": "o1"}
    rows["program"] = [{"id": "g1", "organization_id": "o1", "name": "Food", "description": "F"}]
    rows["contact"] = [{"id": "c1", "organization_id": "o1", "service_id": "s1", "name": "Jo"}]
    rows["phone"][0] |= {"contact_id": "c1", "location_id": "l1", "extension": 12}
    rows["phone"].append(supplied.phone("p3", organization_id="o2", extension="007"))
    rows["language"] = [{"id": "n1", "phone_id": "p1", "name": "French", "code": "fr"}]
    hours = {"freq": "WEEKLY", "byday": "MO", "opens_at": "09:00", "closes_at": "17:00-04:00"}
    rows["schedule"] = [{"id": "h1", "service_at_location_id": "a1", **hours}]
    rows["schedule"][0]["notes"] = "Closed 2026-12-25. Bring “a friend”,\nor two"
    rows["address"] = [
        {
            "id": "d1",
            "location_id": "l1",
            "address_1": "1 Main Street",
            "city": "Milltown",
            "state_province": "ON",
            "postal_code": "K1A 0B1",
            "country": "CA",
            "address_type": "physical",
        }
    ]
    rows["accessibility"] = [{"id": "y1", "location_id": "l1", "description": "Ramp"}]
    rows["service_area"] = [{"id": "e1", "service_id": "s1", "name": "Milltown"}]
    rows["cost_option"] = [{"id": "k1", "service_id": "s1", "amount": 2.5, "currency": "CAD"}]
    rows["funding"] = [{"id": "f1", "organization_id": "o1", "service_id": "s1", "source": "Town"}]
    rows["required_document"] = [{"id": "r1", "service_id": "s1", "document": "None"}]
    rows["organization_identifier"] = [
        {"id": "i1", "organization_id": "o1", "identifier_type": "number", "identifier": "12"}
    ]
    rows["url"] = [{"id": "w1", "service_id": "s1", "url": "https://example.org/a"}]
    rows["unit"] = [{"id": "u1", "name": "Bed"}]
    rows["service_capacity"] = [
        {"id": "z1", "service_id": "s2", "unit_id": "u1", "available": 3, "maximum": 10}
        | {"updated": "2026-11-30T14:05:00Z"}
    ]
    rows["taxonomy"] = [{"id": "x1", "name": "Needs", "description": "What people need"}]
    rows["taxonomy_term"] = [
        {"id": "t1", "code": "A", "name": "Food", "description": "Food", "taxonomy_id": "x1"},
        {"id": "t2", "code": "B", "name": "Bread", "description": "Bread", "taxonomy_id": "x1"},
    ]
    rows["taxonomy_term"][1]["parent_id"] = "t1"
    rows["attribute"] = [
        {"id": "b1", "link_id": "s1", "link_entity": "service", "taxonomy_term_id": "t2"},
        {"id": "b2", "link_id": "p1", "link_entity": "phone", "taxonomy_term_id": "t1"},
    ]
    return rows


# -- What is in them ------------------------------------------------------------------------------


def test_a_tabular_file_has_every_table_of_the_standard_with_its_columns(tmp_path):
    bring(tmp_path, filled())
    written = exported(tmp_path)
    with zipfile.ZipFile(written.path) as packed:
        names = set(packed.namelist())
        assert names == {"datapackage.json"} | {
            datapackage.paths()[n] for n in datapackage.columns()
        }
        for name, columns in datapackage.columns().items():
            raw = packed.read(datapackage.paths()[name]).decode()
            assert raw.startswith(",".join(columns) + "\r\n")
            assert "\ufeff" not in raw
    assert written.rows["service"] == 2
    assert written.rows["language"] == 1
    assert "metadata" not in written.rows


def test_ids_are_unique_and_references_name_what_is_there(tmp_path):
    bring(tmp_path, filled())
    found = tables(exported(tmp_path).path)
    package = json.loads(zipfile.ZipFile(exported(tmp_path).path).read("datapackage.json"))
    ids = {one["name"]: [row["id"] for row in found[one["path"]]] for one in package["resources"]}
    for resource in package["resources"]:
        rows = found[resource["path"]]
        assert len(set(ids[resource["name"]])) == len(rows)
        for key in resource["schema"].get("foreignKeys", ()):
            named = {row[key["fields"]] for row in rows} - {""}
            assert named <= set(ids[key["reference"]["resource"]])
        for field in resource["schema"]["fields"]:
            values = [row[field["name"]] for row in rows]
            if field["constraints"].get("required"):
                assert all(values), field
            if field["constraints"].get("unique"):
                assert len({*values} - {""}) == len([value for value in values if value])


def test_cells_are_written_as_the_contract_states(tmp_path):
    bring(tmp_path, filled())
    found = tables(exported(tmp_path).path)
    (schedule,) = found["schedules.csv"]
    assert (schedule["opens_at"], schedule["closes_at"]) == ("09:00:00-05:00", "17:00:00-04:00")
    assert schedule["notes"] == "Closed 2026-12-25. Bring “a friend”,\nor two"
    (place,) = found["locations.csv"]
    assert (place["latitude"], place["longitude"]) == ("45.4215", "-75.6972")
    assert {row["extension"] for row in found["phones.csv"]} == {"", "12"}
    assert any("007" in row["description"] for row in found["phones.csv"])
    assert {row["link_entity"] for row in found["attributes.csv"]} == {"service", "phone"}
    assert found["metadata.csv"] == []


def test_coordinates_have_six_decimals(tmp_path):
    make.at(make.service(), make.location(latitude=45.42150012, longitude=-75.0))
    (place,) = tables(exported(tmp_path).path)["locations.csv"]
    assert (place["latitude"], place["longitude"]) == ("45.4215", "-75")


def test_a_phone_of_several_parents_is_one_row(tmp_path):
    bring(tmp_path, filled())
    found = tables(exported(tmp_path).path)
    (row,) = [row for row in found["phones.csv"] if row["extension"] == "12"]
    assert all(row[f"{parent}_id"] for parent in ("service", "contact", "location"))
    assert [row["phone_id"] for row in found["languages.csv"]] == [row["id"]]


def test_one_id_under_two_services_becomes_two(tmp_path):
    one, two = make.service("One"), make.service("Two")
    phone = make.phone(service=one)
    make.phone(service=two, hsds_id=phone.hsds_id)
    found = tables(exported(tmp_path).path)["phones.csv"]
    assert {row["service_id"] for row in found} == {str(s.entry.hsds_id) for s in (one, two)}
    assert len({row["id"] for row in found}) == 2
    assert tables(exported(tmp_path).path)["phones.csv"] == found


def test_a_json_file_has_full_objects_of_the_standard(tmp_path):
    bring(tmp_path, filled())
    written = exported(tmp_path, "hsds-3.1-json")
    found = arrays(written.path)
    assert set(found) == {
        "services.json",
        "organizations.json",
        "taxonomies.json",
        "taxonomy_terms.json",
    }
    for name, schema in {
        "services.json": "service",
        "organizations.json": "organization",
        "taxonomies.json": "taxonomy",
        "taxonomy_terms.json": "taxonomy_term",
    }.items():
        assert len(found[name]) == written.rows[schema]
        for value in found[name]:
            standard.check(schema, value)


def test_nothing_makes_empty_arrays_and_headings(tmp_path):
    assert arrays(exported(tmp_path, "hsds-3.1-json").path)["services.json"] == []
    assert tables(exported(tmp_path).path)["services.csv"] == []


def test_the_license_stands_in_the_package(tmp_path, directory):
    license = {"name": "CC BY 4.0", "url": "https://example.org/license"}
    Directory.objects.update(license=license)
    package = json.loads(zipfile.ZipFile(exported(tmp_path).path).read("datapackage.json"))
    assert package["licenses"] == [{"title": "CC BY 4.0", "path": "https://example.org/license"}]


def test_what_the_standard_refuses_is_counted(tmp_path):
    rows = filled()
    rows["service"][0] |= {"email": "not an address", "url": "javascript"}
    rows["service"][1] |= {"email": "neither is this"}
    rows["schedule"][0]["freq"] = "DAILY"
    rows["url"][0]["url"] = "no link"
    bring(tmp_path, rows)
    for format in ("hsds-3.1-json", "hsds-3.1-tabular"):
        assert exported(tmp_path, format).not_carried == {
            "service.email": 2,
            "service.url": 1,
            "schedule.freq": 1,
            "url.url": 1,
        }
    Entry.objects.filter(kind="service").update(not_public=True)
    changes.everything_changed()
    assert exported(tmp_path).not_carried == {}


# -- What is not ----------------------------------------------------------------------------------


def test_a_file_has_only_what_the_view_sees(tmp_path):
    bring(tmp_path, filled())
    Entry.objects.filter(kind="location").update(secrecy=Secrecy.YES)
    hidden = Service.objects.get(name__en="Shelter")
    Entry.objects.filter(pk=hidden.pk).update(not_public=True, marks=99)
    Entry.objects.update(marks=99)
    for format in FORMATS:
        text = whole_text(exported(tmp_path, format).path)
        assert "Food bank" in text
        assert "Shelter" not in text
        assert "1 Main Street" not in text
        assert "45.42" not in text


def whole_text(path):
    """Return all that stands in a file, also in the files of a zip."""
    if not zipfile.is_zipfile(path):
        return path.read_text(encoding="utf-8")
    with zipfile.ZipFile(path) as packed:
        return "".join(packed.read(name).decode() for name in packed.namelist())


# -- Round trips ----------------------------------------------------------------------------------


def rows_by_id(found):
    return {
        name: {row["id"]: {k: v for k, v in row.items() if k not in NOT_EQUAL} for row in rows}
        for name, rows in found.items()
    }


def test_the_official_tables_come_out_as_they_went_in(tmp_path):
    report = run(EXAMPLES / "csv", "Example", Options())
    named = {problem.record for problem in report.problems}
    found = rows_by_id(tables(exported(tmp_path).path))
    for path in sorted((EXAMPLES / "csv").glob("*.csv")):
        if path.name in ("metadata.csv", "meta_table_descriptions.csv"):
            assert found[path.name] == {}
            continue
        for row in csv.DictReader(path.open(newline="")):
            if row["id"] in named or path.name in UNREFERENCED:
                continue
            expected = {k: v for k, v in row.items() if k not in NOT_EQUAL}
            for column in ("opens_at", "closes_at"):
                if column in expected:
                    expected[column] = f"{expected[column]}-05:00"
            assert found[path.name][row["id"]] == expected


# Terms, taxonomies and units that nothing in the view refers to.
UNREFERENCED = ("taxonomies.csv", "taxonomy_terms.csv", "units.csv")


@pytest.mark.whole
@pytest.mark.parametrize("format", ["hsds-3.1-tabular", "hsds-3.1-json"])
@pytest.mark.parametrize("example", ["csv", "service_full.json", "organization_full.json"])
def test_what_came_out_comes_in_and_out_the_same(tmp_path, format, example):
    run(EXAMPLES / example, "Example", Options())
    assert_same_again(tmp_path, format)


@pytest.mark.postgres
@pytest.mark.parametrize("format", ["hsds-3.1-tabular", AS_JSON])
def test_rows_of_every_table_come_in_and_out_the_same(tmp_path, format):
    bring(tmp_path, filled())
    assert_same_again(tmp_path, format)


def assert_same_again(tmp_path, format):
    """Into the same portal nothing changes; into an empty one it is the same."""
    first = exported(tmp_path, format).path.rename(tmp_path / "first.zip")
    before = list(Entry.objects.order_by("pk").values("hsds_id", "number", "last_modified"))
    report = run(
        first, Entry.objects.exclude(supplier=None).first().supplier.name, Options(partial=True)
    )
    assert report.exit_code == 0
    take_in()
    assert list(Entry.objects.order_by("pk").values("hsds_id", "number", "last_modified")) == before
    expected = content(first)
    empty()
    assert run(first, "Again", Options()).exit_code == 0
    second = exported(tmp_path, format).path
    assert content(second) == expected


def content(path):
    if tables(path):
        return rows_by_id(tables(path))
    return {name: [undated(value) for value in values] for name, values in arrays(path).items()}


def undated(value):
    return json.loads(re.sub(r'"last_modified": "[^"]*"', '"last_modified": ""', json.dumps(value)))


def empty():
    """Delete every entry, as only a test may."""
    from directory import models

    for model in (
        *(models.Attribute, models.ServiceCapacity, models.Unit, models.Revision),
        *(models.ServiceAtLocation, models.Service, models.Location, models.Agency),
        *(models.TaxonomyTerm, models.Taxonomy, models.Entry),
    ):
        model.objects.all().delete()
    assert not Answer.objects.exists()


@pytest.mark.parametrize("format", ["hsds-3.1-tabular", AS_JSON])
def test_both_languages_come_in_and_out_the_same(tmp_path, format):
    bring(tmp_path, filled())
    french = filled()
    french["service"][0] |= {"name": "Banque alimentaire", "description": "Pour tous"}
    only = supplied.organization("o9", name="Entraide", description="Aide")
    french["organization"] = [*french["organization"], only]
    french["service"].append(supplied.service("s9", organization_id="o9", name="Écoute"))
    bring(tmp_path, french, language="fr")
    files = {}
    for language in ("en", "fr"):
        path = exported(tmp_path, format, language).path
        files[language] = path.rename(tmp_path / f"{language}.zip")
    before = {language: content(path) for language, path in files.items()}
    assert before["en"] != before["fr"]
    empty()
    for language, path in files.items():
        run(path, "Again", Options(language=language))
    for language in files:
        assert content(exported(tmp_path, format, language).path) == before[language]


# -- The command ----------------------------------------------------------------------------------


def test_the_command_writes_a_file_and_states_what_is_in_it(tmp_path, capsys):
    bring(tmp_path, filled())
    output = tmp_path / "out.zip"
    arguments = ["--format", "hsds-3.1-tabular", "--output", str(output), "--json"]
    call_command("export_directory", *arguments, "--language", "fr")
    printed = json.loads(capsys.readouterr().out)
    assert set(printed) == {"file", "sha256", "rows", "not_carried"}
    assert printed["file"] == str(output)
    assert printed["sha256"] == hashlib.sha256(output.read_bytes()).hexdigest()
    assert printed["rows"]["service"] == 2
    assert not list(tmp_path.glob(".out*"))


def test_a_folder_gets_a_file_with_its_own_name(tmp_path, capsys):
    call_command("export_directory", "--format", "hsds-3.1-json", "--output", str(tmp_path))
    (path,) = tmp_path.glob("*.zip")
    assert re.fullmatch(r"directory-hsds-3\.1-json-en-\d{8}\.zip", path.name)


def test_what_cannot_be_written_is_an_error(tmp_path):
    arguments = ["--format", "hsds-3.1-json", "--output"]
    with pytest.raises(CommandError, match="language"):
        call_command("export_directory", *arguments, str(tmp_path), "--language", "de")
    with pytest.raises(CommandError, match="folder"):
        call_command("export_directory", *arguments, str(tmp_path / "gone" / "a.zip"))
    Directory.objects.all().delete()
    with pytest.raises(CommandError, match="no directory"):
        call_command("export_directory", *arguments, str(tmp_path))


def test_the_command_names_a_full_disk_and_leaves_the_last_good_file(tmp_path, monkeypatch):
    output = zipped(tmp_path / "out.zip", supplied.small())
    before = output.read_bytes()

    def full(*arguments):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(writing, "os", SimpleNamespace(**{**vars(os), "fsync": full}))
    with pytest.raises(CommandError, match="No space left on device"):
        call_command("export_directory", "--format", "hsds-3.1-json", "--output", str(output))
    assert output.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["out.zip"]


def test_a_file_that_was_there_stays_until_the_new_one_is_whole(tmp_path, monkeypatch):
    output = zipped(tmp_path / "out.zip", supplied.small())
    before = output.read_bytes()

    def fail(*arguments):
        raise OSError("full")

    broken = FORMATS["hsds-3.1-json"].__class__("hsds-3.1-json", "HSDS", "zip", fail)
    with pytest.raises(OSError, match="full"):
        write(broken, api_view(), "en", output)
    assert output.read_bytes() == before
    assert not list(tmp_path.glob(".out*"))
