"""An export format is added by following the docs, word for word."""

import csv
import json
import re
import textwrap
from pathlib import Path

import pytest
from django.core.management import call_command

from directory.exporting import formats, writing
from tests.directory import make

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("directory")]

DOC = Path("docs/directory/adding-an-export-format.md")


@pytest.fixture
def phone_list(tmp_path, monkeypatch):
    """The folder that the docs describe, among those of the product."""
    folder = tmp_path / "phone_list"
    folder.mkdir()
    table, module = re.findall(r"```python\n(.*?)```", DOC.read_text(), re.S)
    (folder / "table.py").write_text(textwrap.dedent(table))
    (folder / "__init__.py").write_text(textwrap.dedent(module))
    monkeypatch.setattr(formats, "__path__", [*formats.__path__, str(tmp_path)])
    return formats.find()


def test_the_format_of_the_docs_writes_its_file(tmp_path, phone_list, monkeypatch, capsys):
    monkeypatch.setattr("directory.management.commands.export_directory.FORMATS", phone_list)
    service = make.service("Food bank", email="food@example.org", minimum_age=12)
    make.phone(service=service, extension="7")
    output = tmp_path / "phones.csv"
    call_command("export_directory", format="phone-list", output=output, json=True)
    with output.open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert row == {
        "Service": "Food bank",
        "E-mail": "food@example.org",
        "Phone": "613-555-0100",
        "Extension": "7",
    }
    report = json.loads(capsys.readouterr().out)
    assert report["rows"] == {"phone": 1}
    assert report["not_carried"]["service.minimum_age"] == 1
    assert "service.name" not in report["not_carried"]


def test_the_formats_of_the_product_are_its_folders():
    assert set(writing.FORMATS) == {
        "airs-3.0",
        "hsds-1.1",
        "hsds-3.1-json",
        "hsds-3.1-tabular",
        "icarol-csv",
    }


def test_the_docs_list_every_format():
    text = Path("docs/directory/files.md").read_text()
    assert all(f"| `{name}` |" in text for name in writing.FORMATS)
