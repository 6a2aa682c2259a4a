"""Whether a tabular data package is true: what frictionless checks, in a few lines."""

import csv
import io
import json
import re
import zipfile
from datetime import date, datetime
from pathlib import Path
from typing import Any

_TYPES = {
    "string": str,
    "number": float,
    "integer": int,
    "boolean": lambda text: {"true": True, "false": False}[text],
    "date": date.fromisoformat,
    "datetime": datetime.fromisoformat,
    "time": lambda text: datetime.fromisoformat(f"2026-01-01T{text}"),
}


def check_package(path: Path) -> None:
    """Fail where a cell is not what its column demands, or a key names nothing."""
    with zipfile.ZipFile(path) as packed:
        package = json.loads(packed.read("datapackage.json"))
        files = {
            one["name"]: list(csv.reader(_text(packed, one["path"])))
            for one in package["resources"]
        }
    for one in package["resources"]:
        heading, *rows = files[one["name"]]
        fields = one["schema"]["fields"]
        assert heading == [field["name"] for field in fields]
        for place, field in enumerate(fields):
            _check_column(one["name"], field, [row[place] for row in rows])
        for key in one["schema"].get("foreignKeys", ()):
            there = files[key["reference"]["resource"]]
            ids = {row[there[0].index(key["reference"]["fields"])] for row in there[1:]}
            named = {row[heading.index(key["fields"])] for row in rows} - {""}
            assert named <= ids, (one["name"], key["fields"])


def _text(packed: zipfile.ZipFile, name: str) -> io.TextIOWrapper:
    return io.TextIOWrapper(packed.open(name), "utf-8", newline="")


def _check_column(table: str, field: dict[str, Any], values: list[str]) -> None:
    named, constraints = f"{table}.{field['name']}", field.get("constraints") or {}
    present = [value for value in values if value]
    if constraints.get("required"):
        assert len(present) == len(values), named
    if constraints.get("unique") or field["name"] == "id":
        assert len(set(present)) == len(present), named
    if allowed := constraints.get("enum"):
        assert set(present) <= set(allowed), named
    for value in present:
        if field.get("format") == "%Y":
            assert re.fullmatch(r"\d{4}", value), named
        elif field.get("format") == "uri":
            assert re.match(r"[a-z]+:", value), named
        else:
            _TYPES[field["type"]](value)
