"""The commands that bring in files, their reports and exit codes."""

import json

import pytest
from django.core.management import CommandError, call_command

from directory.models import Place, Service, Taxonomy, TaxonomyTerm
from tests.directory.importing import supplied

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("directory")]


def import_directory(path, *options, capsys):
    """Return the exit code and the report."""
    code = 0
    try:
        call_command("import_directory", str(path), "--source", "Region", "--json", *options)
    except SystemExit as ended:
        code = ended.code
    return code, json.loads(capsys.readouterr().out)


def test_the_report_has_the_form_of_the_contract(tmp_path, capsys):
    rows = supplied.small()
    rows["service"][0] |= {"minimum_age": "twelve", "colour": "blue"}
    path = supplied.zipped(tmp_path / "file.zip", rows)
    code, report = import_directory(path, capsys=capsys)
    assert code == 0
    assert set(report) == {"import", "format", "records", "problems", "also_sent"}
    assert report["format"] == "hsds-3-tabular"
    assert report["records"]["service"] == {
        "read": 2,
        "created": 2,
        "updated": 0,
        "unchanged": 0,
        "withdrawn": 0,
        "rejected": 0,
    }
    assert report["problems"] == [
        {
            "file": "services.csv",
            "line": 2,
            "record": "s1",
            "field": "service.minimum_age",
            "message": "The value is not a number.",
            "severity": "warning",
        }
    ]
    assert report["also_sent"] == {"colour": 1}


def test_exit_codes(tmp_path, capsys):
    rows = supplied.small()
    rows["service"][0]["name"] = ""
    path = supplied.zipped(tmp_path / "file.zip", rows)
    assert import_directory(path, capsys=capsys)[0] == 3
    assert import_directory(tmp_path / "gone.zip", capsys=capsys)[0] == 1
    with pytest.raises(CommandError):
        call_command("import_directory", str(path), "--source", "Region", "--language", "de")


def test_an_import_is_undone_by_its_number(tmp_path, capsys):
    path = supplied.zipped(tmp_path / "file.zip", supplied.small())
    _, report = import_directory(path, capsys=capsys)
    call_command("undo_import", str(report["import"]), "--json")
    assert json.loads(capsys.readouterr().out) == {"put_back": 0, "withdrawn": 7, "left": []}
    with pytest.raises(CommandError, match="undone"):
        call_command("undo_import", str(report["import"]))


TERMS = """code,name,parent_code,description,language,synonyms
BD,Basic needs,,What people need,en,
BD,Besoins de base,,,fr,
BD-1800,Food,BD,Food for people,en,groceries; meals
BD-1800,Nourriture,BD,,fr,épicerie
"""


def terms(tmp_path, text):
    path = tmp_path / "terms.csv"
    path.write_text(text)
    return str(path)


def test_a_taxonomy_is_brought_in_and_brought_up_to_date(tmp_path, capsys):
    path = terms(tmp_path, TERMS)
    call_command("import_taxonomy", path, "--taxonomy", "Needs", "--version", "2026")
    assert "2 created, 0 updated, 0 unchanged" in capsys.readouterr().out
    taxonomy = Taxonomy.objects.get()
    assert (taxonomy.short_name, taxonomy.version) == ("Needs", "2026")
    assert taxonomy.loaded_at
    food = TaxonomyTerm.objects.get(code="BD-1800")
    assert food.name == {"en": "Food", "fr": "Nourriture"}
    assert food.synonyms == {"en": ["groceries", "meals"], "fr": ["épicerie"]}
    assert food.parent.code == "BD"
    path = terms(tmp_path, TERMS.replace("Nourriture", "Aliments"))
    call_command("import_taxonomy", path, "--taxonomy", "Needs")
    assert "0 created, 1 updated, 1 unchanged" in capsys.readouterr().out
    assert TaxonomyTerm.objects.count() == 2


def test_terms_of_hsds_are_a_taxonomy_too(tmp_path, capsys):
    first, second = "3f7b145d-84af-42d7-8fae-eaca714b02b2", "0bc248fa-dc27-4650-9ba4-8f1a24ef16a2"
    text = "id,code,name,description,parent_id,taxonomy,language,taxonomy_id,term_uri\n"
    text += (
        f"{first},A,Food,Food,{second},,eng,,http://example.org/a\n{second},B,Needs,Needs,,,,,\n"
    )
    call_command("import_taxonomy", terms(tmp_path, text), "--taxonomy", "Needs")
    food = TaxonomyTerm.objects.get(code="A")
    assert str(food.entry.hsds_id) == first
    assert str(food.parent.entry.hsds_id) == second
    assert food.name == {"en": "Food"}


def test_terms_that_cannot_be_taken_are_reported(tmp_path, capsys):
    text = "code,name,parent_code\nA,One,B\nB,Two,A\n,Three,\nD,Four,X\n"
    call_command("import_taxonomy", terms(tmp_path, text), "--taxonomy", "Needs")
    out = capsys.readouterr().out
    assert "loop" in out
    assert "A term needs a code and a name." in out
    assert "names nothing" in out
    assert TaxonomyTerm.objects.count() == 3
    with pytest.raises(CommandError, match="code"):
        call_command("import_taxonomy", terms(tmp_path, "id\n1\n"), "--taxonomy", "Needs")


def test_places_are_brought_in_and_brought_up_to_date(tmp_path, capsys):
    path = tmp_path / "places.csv"
    path.write_text(
        "postcode,latitude,longitude,areas\n"
        "K1A 0B1,45.42,-75.69,Ottawa;Ontario\nk1a,45.4,-75.7,Ottawa\n12345-6789,42.8,-73.9,\n"
        "Milltown,45,-75,\nK2A 0B1,0,0,\n"
    )
    call_command("import_places", str(path))
    out = capsys.readouterr().out
    assert "3 postcodes" in out
    assert out.count("error:") == 2
    assert Place.objects.get(postcode="K1A0B1").areas == ["Ottawa", "Ontario"]
    assert set(Place.objects.values_list("postcode", flat=True)) == {"K1A0B1", "K1A", "12345-6789"}
    path.write_text("postcode,latitude,longitude,areas\nK1A0B1,45.5,-75.69,\n")
    call_command("import_places", str(path))
    assert Place.objects.get(postcode="K1A0B1").latitude == 45.5
    assert not Service.objects.exists()
