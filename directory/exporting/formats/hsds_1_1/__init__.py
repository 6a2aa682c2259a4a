"""HSDS 1.1 as CSV: a zip with a file for each table of the standard, and its data package."""

from typing import IO

from core.database import clock
from directory.exporting.content import flattening
from directory.exporting.content.carried import Tally
from directory.exporting.formats.hsds_1_1 import datapackage
from directory.exporting.formats.hsds_1_1.rows import Writer
from directory.exporting.kind import Format
from directory.exporting.packing import Package
from directory.models import Directory, View


def write(file: IO[bytes], view: View, language: str, tally: Tally) -> None:
    """Write the zip, and count its rows and what it cannot carry."""
    directory = Directory.objects.get()
    with Package(datapackage.columns(), datapackage.paths(), tally) as package:
        year = clock.now().astimezone(directory.zone).year
        flattening.rows(view, language, Writer(package, tally, directory.zone, year).add)
        package.pack(file, datapackage.describe(directory.license))


FORMAT = Format("hsds-1.1", "HSDS 1.1 (CSV)", "zip", write)
