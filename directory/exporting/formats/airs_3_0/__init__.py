"""AIRS XML 3.0: one file, agency by agency, so that memory does not grow with the directory."""

from collections import defaultdict
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import IO, Any

from django.utils import timezone
from django.utils.translation import gettext as _
from lxml import etree

from directory.exporting.content.carried import Tally
from directory.exporting.formats.airs_3_0.agencies import Writer
from directory.exporting.kind import Format, NothingToWrite
from directory.formats import airs
from directory.models import Agency, Directory, Kind, Membership, Taxonomy, View


def write(file: IO[bytes], view: View, language: str, tally: Tally) -> None:
    """Write the XML, and count what it cannot carry. Raises NothingToWrite without an agency."""
    children = _children(view)
    if not children:
        raise NothingToWrite(_("An AIRS file needs an agency, and none is visible."))
    directory = Directory.objects.get()
    taxonomy = Taxonomy.named(directory.airs_name)
    with etree.xmlfile(file, encoding="utf-8") as xml:
        xml.write_declaration()
        with xml.element("Source", _head(directory, taxonomy)):
            Writer(xml, view, directory, language, taxonomy, tally, children).write_all()


def _head(directory: Directory, taxonomy: Taxonomy | None) -> dict[str, str]:
    now = timezone.now()
    loaded = (taxonomy.loaded_at or taxonomy.entry.last_modified) if taxonomy else None
    owner = f" ({directory.record_owner})" if directory.record_owner else ""
    return {
        "SourceEntity": f"{directory.name}{owner}",
        "OriginTimestamp": now.isoformat(timespec="seconds"),
        "SoftwareVendor": "Dovetail",
        "SoftwareVersion": _software_version(),
        "TaxonomyVersion": (loaded or now).isoformat(timespec="seconds"),
        "SchemaVersion": airs.VERSION,
    }


def _software_version() -> str:
    try:
        return version("dovetail")
    except PackageNotFoundError:
        return "1"


def _children(view: View) -> dict[int | None, list[int]]:
    """Return the agencies of the view below each other, by the parent's key; None: those on top.

    Where parents form a loop, one of it is on top: each agency is written once.
    """
    present = Membership.objects.filter(view=view, present=True, entry__kind=Kind.ORGANIZATION)
    keys = present.values("entry")
    agencies = Agency.objects.filter(pk__in=keys).order_by("entry__number")
    parents: dict[int, Any] = dict(agencies.values_list("pk", "parent_organization"))
    children: dict[int | None, list[int]] = defaultdict(list)
    for key, parent in parents.items():
        is_below = parent in parents and not _is_head_of_loop(key, parents)
        children[parent if is_below else None].append(key)
    return children


def _is_head_of_loop(key: int, parents: dict[int, Any]) -> bool:
    """Return whether an agency is, in the end, its own parent, and the first of that loop."""
    loop = list(_above(key, parents))
    return key in loop and key == min(loop)


def _above(key: int, parents: dict[int, Any]) -> Iterator[int]:
    seen: set[int] = set()
    at = parents.get(key)
    while at is not None and at in parents and at not in seen:
        seen.add(at)
        yield at
        at = parents.get(at)


FORMAT = Format("airs-3.0", "AIRS XML 3.0", "xml", write)
