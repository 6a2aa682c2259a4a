"""The list of tables is the standard's."""

import json
from pathlib import Path

import pytest

from directory.tables import LISTS, TABLES, WITHOUT_ATTRIBUTES, Sort

STANDARD = Path("directory/standards/hsds-3.1")
RESOURCES = {
    resource["name"]: resource
    for resource in json.loads((STANDARD / "datapackage.json").read_text())["resources"]
}
NOT_KEPT = {"metadata", "meta_table_description"}
# The standard's own package has no columns for these; their schemas have.
WITHOUT_COLUMNS = {"unit", "service_capacity"}


def properties(table):
    return json.loads((STANDARD / "schema" / f"{table}.json").read_text())["properties"]


def required(table):
    return json.loads((STANDARD / "schema" / f"{table}.json").read_text())["required"]


def test_every_table_of_the_standard_is_kept():
    assert set(TABLES) == set(RESOURCES) - NOT_KEPT


@pytest.mark.parametrize("name", TABLES)
def test_columns_are_those_of_the_schema_in_its_order(name):
    flat = [
        key
        for key, schema in properties(name).items()
        if schema.get("type") != "array" and "$ref" not in schema
    ]
    assert sorted(TABLES[name].column_names) == sorted(flat)
    assert TABLES[name].file == RESOURCES[name]["path"]
    assert TABLES[name].required == set(required(name))
    if name not in WITHOUT_COLUMNS:
        fields = [field["name"] for field in RESOURCES[name]["schema"]["fields"]]
        assert list(TABLES[name].column_names) == fields


@pytest.mark.parametrize("name", TABLES)
def test_lists_are_those_of_the_schema(name):
    lists = {key for key, schema in properties(name).items() if schema.get("type") == "array"}
    own = set(LISTS.get(name, {})) | (set() if name in WITHOUT_ATTRIBUTES else {"attributes"})
    assert own == lists - {"metadata"}


@pytest.mark.parametrize("name", TABLES)
def test_choices_formats_and_references_are_those_of_the_standard(name):
    keys = {
        key["fields"]: key["reference"]["resource"]
        for key in RESOURCES[name]["schema"].get("foreignKeys") or ()
    }
    for column in TABLES[name].columns.values():
        assert column.choices in ((), tuple(properties(name)[column.name].get("enum", ())))
        assert column.format == properties(name)[column.name].get("format", "")
        if column.name in keys:
            assert (column.sort, column.reference) == (Sort.REFERENCE, keys[column.name])
