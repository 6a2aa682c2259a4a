"""The formats of files, and which one a file has."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from directory.files.archives import Archive
from directory.files.problems import Unreadable
from directory.importing.formats import hsds_1_1, hsds_json, hsds_tabular, icarol, icarol_json
from directory.importing.rows import Batch


@dataclass(frozen=True)
class Format:
    """One format: how to know it, and how to read it. `needs` are parents that it requires."""

    name: str
    label: str
    is_this: Callable[[Archive], bool]
    read: Callable[[Archive, Batch], None]
    needs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


FORMATS: Mapping[str, Format] = {
    one.name: one
    for one in (
        Format(
            "hsds-1.1",
            "HSDS 1.1 (CSV)",
            hsds_1_1.is_this,
            hsds_1_1.read,
            {"service": ("organization_id",)},
        ),
        Format(
            "hsds-3-tabular",
            "HSDS 3 (CSV)",
            lambda archive: bool(hsds_tabular.tables_in(archive)),
            hsds_tabular.read,
            {"service": ("organization_id",)},
        ),
        Format(
            "icarol-csv",
            "iCarol (CSV)",
            icarol.is_icarol,
            icarol.read,
            {"service": ("organization_id",)},
        ),
        Format(
            "icarol-json",
            "iCarol (JSON)",
            icarol_json.is_this,
            icarol_json.read,
            {"service": ("organization_id",)},
        ),
        Format("hsds-3-json", "HSDS 3 (JSON)", hsds_json.is_json, hsds_json.read),
    )
}


def detect(archive: Archive) -> Format:
    """Return the format of a file; raises Unreadable."""
    for candidate in FORMATS.values():
        if candidate.is_this(archive):
            return candidate
    raise Unreadable("This is no file of a format that can be imported.")
