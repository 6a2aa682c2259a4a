"""HSDS 3.1 as JSON: a zip with an array of full objects for each of four kinds."""

import zipfile
from typing import IO

from directory.exporting.content.carried import Tally
from directory.exporting.content.reading import answers
from directory.exporting.kind import Format
from directory.models import Kind, View

_FILES = {
    "services.json": Kind.SERVICE,
    "organizations.json": Kind.ORGANIZATION,
    "taxonomies.json": Kind.TAXONOMY,
    "taxonomy_terms.json": Kind.TAXONOMY_TERM,
}


def write(file: IO[bytes], view: View, language: str, tally: Tally) -> None:
    """Write the zip, and count its objects."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, kind in _FILES.items():
            with packed.open(name, "w", force_zip64=True) as member:
                before = b"[\n"
                for text in answers(view, kind, language):
                    member.write(before + text.encode())
                    before = b",\n"
                    tally.rows[kind.value] += 1
                member.write(b"\n]\n" if before != b"[\n" else b"[]\n")


FORMAT = Format("hsds-3.1-json", "HSDS 3.1 (JSON)", "zip", write)
