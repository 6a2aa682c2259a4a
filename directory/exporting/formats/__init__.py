"""The formats of export files, one folder each: the folder's FORMAT is all that the rest knows.

A new folder is found by itself: `docs/directory/adding-an-export-format.md`.
"""

from collections.abc import Mapping
from importlib import import_module
from pkgutil import iter_modules

from directory.exporting.kind import Format


def find() -> Mapping[str, Format]:
    """Return the format of every folder, by its name."""
    folders = sorted(module.name for module in iter_modules(__path__) if module.ispkg)
    found = (import_module(f"{__name__}.{folder}").FORMAT for folder in folders)
    return {one.name: one for one in found}


FORMATS = find()
