"""What a format of export files is. Each is one folder in `directory/exporting/formats`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import IO

from directory.exporting.content.carried import Tally
from directory.models import View


class NothingToWrite(Exception):
    """The view has nothing that a file of this format can be made of. `message` is for people."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True)
class Format:
    """One format of files.

    `write(file, view, language, tally)` writes what a view shows, in one language, in constant
    memory; it counts rows in the tally, and each value that the format has no place for. It may
    raise NothingToWrite. It runs within one snapshot of the database. `label` is for people.
    """

    name: str
    label: str
    extension: str
    write: Callable[[IO[bytes], View, str, Tally], None]
