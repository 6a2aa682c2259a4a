"""Encrypted file storage: every file that Django keeps goes through here."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, NoReturn
from uuid import UUID, uuid4

from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import Storage
from django.db.models import Model
from django.utils._os import safe_join
from django.utils.deconstruct import deconstructible

from core.encryption import Tampered, Unbound, keyring, sealed
from core.rowkeys import NAME, key_for_files, known_key

_FILE_MODE = 0o600
_DIRECTORY_MODE = 0o700
_PART_SUFFIX = ".part"
_LOCK = ".lock"


@deconstructible(path="core.storage.EncryptedFileStorage")
class EncryptedFileStorage(Storage):
    """Sealed files under MEDIA_ROOT, with random names and without public addresses.

    A file is bound to its name, and by `save_for` to the row that names it: put in another's place
    on disk, or named by another row, it is refused. A name that was returned is on disk, whole:
    files are written beside their place, synced, and renamed.
    """

    @property
    def root(self) -> Path:
        return Path(settings.MEDIA_ROOT)

    # -- Files of rows ---------------------------------------------------------------------------

    def save_for(self, row: Model, folder: str, content: "File[Any]") -> str:
        """Write a file that this row will name, in a StoredFileField; return its name.

        The row may still be to be inserted.
        """
        return self._sealed(self.get_available_name(f"{folder}/file"), content, key_for_files(row))

    def open_of(self, row: Model, column: str = "stored_as") -> "File[bytes]":
        """Open the file that a row names; the bytes are decrypted as they are read.

        Raises FileNotFoundError, UnknownKey, or Tampered: also for one that belongs to another row.
        """
        place: _Place = (getattr(row, column), known_key(row))
        try:
            return self._file(place)
        except (Tampered, FileNotFoundError):
            now = _place_now(row, column)
            if now is None or now == place:
                raise
        # `rotate_keys` has bound it meanwhile, or has given the row a file of its own.
        return self._file(now)

    def _file(self, place: "_Place") -> "File[bytes]":
        name, row = place
        return File(self.stream(name, row), name=name)

    # -- All files -------------------------------------------------------------------------------

    def stream(self, name: str, row: UUID | None = None) -> sealed.PlainStream:
        """Open the plaintext as a seekable stream that holds two frames in memory.

        `row` is the key of the row that names it. A file of the earlier form, which is bound to no
        row, is opened for each, until REFUSE_UNBOUND. Raises FileNotFoundError, or UnknownKey or
        Tampered (also while it is read).
        """
        # One look at the file tells its form and reads it: it may be replaced at any moment.
        stream = sealed.unseal(self._path(name).open("rb"), name, row)
        if not stream.bound and settings.REFUSE_UNBOUND:
            stream.close()
            raise Unbound("a file")
        return stream

    def size(self, name: str) -> int:
        """Return the length of the plaintext in bytes; only the last frame is decrypted."""
        with self.stream(name) as stream:
            return stream.size

    def exists(self, name: str) -> bool:
        return self._path(name).is_file()

    def delete(self, name: str) -> None:
        """Remove the file for good; one that is not there is no error."""
        path = self._path(name)
        with self._locked():
            path.unlink(missing_ok=True)
        if path.parent.is_dir():
            _sync_directory(path.parent)

    def names(self) -> Iterator[str]:
        """Yield the name of every stored file, in order."""
        for path in sorted(self.root.rglob("*")):
            if path.is_file() and not path.name.startswith("."):
                yield path.relative_to(self.root).as_posix()

    def still(self) -> AbstractContextManager[None]:
        """Keep every file as it is: within the block nothing is deleted, replaced, or new."""
        return self._locked()

    def link_all(self, folder: Path) -> dict[str, Path]:
        """Link every file into a folder of the same file system; return the links by name.

        A file that is deleted or replaced later is still there by its link. `names` passes over
        the links, as it does over whatever begins with a full stop.
        """
        links = {name: folder / f".{number}" for number, name in enumerate(self.names())}
        for name, link in links.items():
            link.hardlink_to(self._path(name))
        return links

    def get_modified_time(self, name: str) -> datetime:
        """Return when the file was written, aware."""
        return datetime.fromtimestamp(self._path(name).stat().st_mtime, UTC)

    def url(self, name: str | None) -> NoReturn:
        raise ValueError("Encrypted files have no public address.")

    def header(self, name: str) -> sealed.Header:
        """Return what stands before the file's frames; raises FileNotFoundError or Tampered."""
        with self._path(name).open("rb") as file:
            return sealed.header_of(file)

    def reseal(self, name: str, row: UUID | None = None) -> bool:
        """Encrypt the file with the first key, and bind it to the row, if it is not; say whether.

        A file that is deleted meanwhile stays deleted.
        """
        header = self.header(name)
        if header.key_id == keyring().primary and header.bound == (row is not None):
            return False
        path = self._path(name)
        with self.stream(name, row) as stream, self._written_to(path, only_over=True) as out:
            sealed.seal(iter(lambda: stream.read(sealed.FRAME), b""), out, name, row)
        return True

    def copy(self, name: str, row: UUID) -> str:
        """Copy a file that is bound to no row, or to this one, for the row; return its name."""
        with self.stream(name, row) as stream:
            return self._sealed(self.get_available_name(name), File(stream), row)

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        """Return a random name in the folder of `name`; the rest of `name` may be personal."""
        random = uuid4().hex
        return (Path(name).parent / random[:2] / random).as_posix()

    def _open(self, name: str, mode: str = "rb") -> "File[bytes]":
        if mode != "rb":
            raise ValueError("Encrypted files are opened for reading only.")
        return File(self.stream(name), name=name)

    def _save(self, name: str, content: "File[Any]") -> str:
        return self._sealed(name, content)

    def _sealed(self, name: str, content: "File[Any]", row: UUID | None = None) -> str:
        path = self._path(name)
        self._make_directory(path.parent)
        with self._written_to(path) as out:
            sealed.seal(content.chunks(sealed.FRAME), out, name, row)
        return name

    def _path(self, name: str) -> Path:
        return Path(safe_join(self.root, name))

    def _make_directory(self, directory: Path) -> None:
        if directory.is_dir():
            return
        self._make_directory(directory.parent)
        directory.mkdir(mode=_DIRECTORY_MODE, exist_ok=True)
        _sync_directory(directory.parent)

    @contextmanager
    def _written_to(self, path: Path, only_over: bool = False) -> Iterator[IO[bytes]]:
        """Give a stream that becomes the file at `path` when it was written without error."""
        part = path.with_name(f".{uuid4().hex}{_PART_SUFFIX}")
        try:
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FILE_MODE)
            with open(descriptor, "wb") as out:
                yield out
                out.flush()
                os.fsync(out.fileno())
            with self._locked():
                if path.exists() or not only_over:
                    part.replace(path)
            _sync_directory(path.parent)
        finally:
            part.unlink(missing_ok=True)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Keep deleting and re-encrypting apart, so that no deleted file comes back."""
        self._make_directory(self.root)
        descriptor = os.open(self.root / _LOCK, os.O_RDWR | os.O_CREAT, _FILE_MODE)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


_Place = tuple[str, UUID | None]  # the name of a file, and the key of the row that names it


def _place_now(row: Model, column: str) -> _Place | None:
    """Return what the database says by now; None where the row is gone."""
    rows = type(row)._base_manager.filter(pk=row.pk)
    return rows.values_list(column, NAME).first()


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
