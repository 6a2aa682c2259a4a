"""Files of suppliers, in the fewest words, and importing them."""

import csv
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from directory.importing.reports import Report
from directory.importing.running import Options, run
from directory.tables import TABLES

Rows = Mapping[str, Sequence[Mapping[str, Any]]]


def organization(id: str = "o1", **cells: Any) -> dict[str, Any]:
    return {"id": id, "name": "Helping Hands", "description": "An agency."} | cells


def service(id: str = "s1", **cells: Any) -> dict[str, Any]:
    return {"id": id, "organization_id": "o1", "name": "Food bank", "status": "active"} | cells


def location(id: str = "l1", **cells: Any) -> dict[str, Any]:
    return {"id": id, "location_type": "physical", "name": "Main Street"} | cells


def at(id: str = "a1", service_id: str = "s1", location_id: str = "l1", **cells: Any) -> Any:
    return {"id": id, "service_id": service_id, "location_id": location_id} | cells


def phone(id: str = "p1", **cells: Any) -> dict[str, Any]:
    return {"id": id, "number": "613-555-0100"} | cells


def small() -> dict[str, list[dict[str, Any]]]:
    """Two organizations with a service each, at one place, with a phone."""
    return {
        "organization": [organization(), organization("o2", name="Other Hands")],
        "service": [service(), service("s2", organization_id="o2", name="Shelter")],
        "location": [location()],
        "service_at_location": [at(), at("a2", "s2")],
        "phone": [phone(service_id="s1"), phone("p2", service_id="s2")],
    }


def many(number: int) -> dict[str, list[dict[str, Any]]]:
    """One organization with many services."""
    return {
        "organization": [organization()],
        "service": [service(f"s{n}", name=f"Service {n}") for n in range(number)],
    }


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return rows as CSV, with all columns that one of them has."""
    headings = list(dict.fromkeys(["id", *(name for row in rows for name in row)]))
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, headings, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()


def zipped(path: Path, rows: Rows) -> Path:
    """Write tables into a zip."""
    with zipfile.ZipFile(path, "w") as packed:
        for name, some in rows.items():
            packed.writestr(TABLES[name].file, table(some))
    return path


def bring(tmp_path: Path, rows: Rows, source: str = "Region", **options: Any) -> Report:
    """Import tables of a supplier."""
    return run(zipped(tmp_path / "supplied.zip", rows), source, Options(**options))


def bring_json(tmp_path: Path, value: Any, source: str = "Region", **options: Any) -> Report:
    """Import a JSON value of a supplier; a text as it is."""
    path = tmp_path / "supplied.json"
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    return run(path, source, Options(**options))


def counts(report: Report) -> dict[str, dict[str, int]]:
    """Return the counts that are not zero."""
    found = {
        kind: {fate: number for fate, number in fates.items() if number}
        for kind, fates in report.counts.items()
    }
    return {kind: fates for kind, fates in found.items() if fates}


def messages(report: Report) -> list[str]:
    return [problem.message for problem in report.problems]
