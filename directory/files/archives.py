"""A supplier's file, folder or zip as a set of named files, within limits.

A zip is never unpacked to disk: its files are read one by one, and what they really hold counts,
not what the zip says of itself.
"""

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from tempfile import TemporaryFile
from typing import BinaryIO

from directory.files.problems import Unreadable

MAX_FILES = 1000
MAX_BYTES = 2 << 30  # of all files together
MAX_RATIO = 250  # of a file's bytes to those in the zip: texts reach 30
_RATIO_COUNTS_FROM = 100 << 20  # below this, nothing bad can come of it
_CHUNK = 1 << 16
_ERRORS = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError)


class Archive:
    """The files of an import by name, without their folders."""

    def __init__(self, path: Path) -> None:
        """Raises Unreadable where there is no such file, or a zip is broken or beyond limits."""
        self._path = path
        self._zip: zipfile.ZipFile | None = None
        self._left = MAX_BYTES
        if path.is_dir():
            files = [file for file in sorted(path.iterdir()) if file.is_file()]
            self._members: dict[str, Path | zipfile.ZipInfo] = {file.name: file for file in files}
        elif path.is_file():
            self._members = self._members_of_file(path)
        else:
            raise Unreadable(f"There is no file or folder named {path.name}.")
        if len(self._members) > MAX_FILES:
            raise Unreadable(f"There are more than {MAX_FILES} files in {path.name}.")

    def __iter__(self) -> Iterator[str]:
        """Yield the names of the files."""
        return iter(self._members)

    def __len__(self) -> int:
        return len(self._members)

    @contextmanager
    def open(self, name: str) -> Iterator[BinaryIO]:
        """Open a file for reading and seeking; raises Unreadable, also while it is copied."""
        member = self._members[name]
        if isinstance(member, Path):
            with member.open("rb") as file:
                yield file
            return
        with TemporaryFile() as copy:
            self._copy(member, copy)
            copy.seek(0)
            yield copy

    def close(self) -> None:
        if self._zip:
            self._zip.close()

    def _members_of_file(self, path: Path) -> dict[str, Path | zipfile.ZipInfo]:
        if not zipfile.is_zipfile(path):
            return {path.name: path}
        try:
            self._zip = zipfile.ZipFile(path)
        except _ERRORS:
            raise Unreadable(f"{path.name} is a zip that cannot be read.") from None
        members: dict[str, Path | zipfile.ZipInfo] = {}
        for info in self._zip.infolist():
            name = PurePosixPath(info.filename.replace("\\", "/")).name
            if info.is_dir() or name.startswith((".", "__MACOSX")) or "__MACOSX" in info.filename:
                continue
            if name in members:
                raise Unreadable(f"{path.name} has two files named {name}.")
            members[name] = info
        return members

    def _copy(self, info: zipfile.ZipInfo, copy: BinaryIO) -> None:
        if self._zip is None:  # pragma: no cover - only members of a zip come here
            return
        if info.flag_bits & 1:
            raise Unreadable("The zip has a password. Send it without one.")
        most = max(_RATIO_COUNTS_FROM, info.compress_size * MAX_RATIO)
        size = 0
        try:
            with self._zip.open(info) as packed:
                while chunk := packed.read(_CHUNK):
                    size += len(chunk)
                    self._left -= len(chunk)
                    if size > most or self._left < 0:
                        raise Unreadable("The zip holds far more than its size can hold: a bomb.")
                    copy.write(chunk)
        except _ERRORS:
            raise Unreadable(f"A file in {self._path.name} is damaged.") from None
