"""Files in a folder below EXPORT_ROOT, for those without a server."""

import os
import shutil
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings

from core.spool import BLOCK
from integrations.destinations.sftp import sentences
from integrations.destinations.sftp.places.place import Place
from integrations.transport import Misconfigured, TryAgain

HERE = "This machine"


class InFolder(Place):
    """A folder of this machine, which is made when it is needed."""

    host = HERE

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._name = str(options["folder"])
        root = Path(settings.EXPORT_ROOT).resolve()
        self._folder = (root / self._name).resolve()
        # Also where a link in it leads elsewhere.
        if not self._folder.is_relative_to(root) or self._is_the_portal_s():
            raise Misconfigured(sentences.NO_FOLDER(folder=self._name))

    def _is_the_portal_s(self) -> bool:
        """Return whether the portal keeps files of its own there."""
        kept = (settings.MEDIA_ROOT, settings.STATE_ROOT, settings.STATIC_ROOT)
        return any(self._folder.is_relative_to(Path(one).resolve()) for one in kept)

    def close(self) -> None:
        """Nothing is open."""

    def check_folder(self) -> None:
        above = self._folder
        while not above.exists():
            above = above.parent
        if not above.is_dir() or not os.access(above, os.W_OK):
            raise Misconfigured(sentences.NO_FOLDER(folder=self._name))

    def size(self, path: str) -> int | None:
        with self._reading():
            try:
                return (self._folder / path).stat().st_size
            except FileNotFoundError:
                return None

    def read(self, path: str) -> Generator[bytes, None, None]:
        with self._reading():
            try:
                with (self._folder / path).open("rb") as file:
                    while block := file.read(BLOCK):
                        yield block
            except FileNotFoundError:
                return

    def write(self, path: str, blocks: Iterable[bytes], start: int) -> None:
        with self._reading():
            at = self._folder / path
            at.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(at, os.O_WRONLY | os.O_CREAT, 0o600)
            with open(descriptor, "wb") as file:
                file.truncate(start)
                file.seek(start)
                for block in blocks:
                    file.write(block)
                file.flush()
                os.fsync(descriptor)

    def rename(self, path: str, becomes: str) -> None:
        with self._reading():
            (self._folder / path).replace(self._folder / becomes)

    def make_folder(self, path: str) -> None:
        with self._reading():
            (self._folder / path).mkdir(mode=0o700, parents=True, exist_ok=True)

    def remove_folder(self, path: str) -> None:
        with self._reading():
            if (self._folder / path).is_dir():
                shutil.rmtree(self._folder / path)

    def names(self, path: str) -> list[str]:
        with self._reading():
            folder = self._folder / path
            return [one.name for one in folder.iterdir()] if folder.is_dir() else []

    def remove(self, path: str) -> None:
        with self._reading():
            (self._folder / path).unlink(missing_ok=True)

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except PermissionError as error:
            text = sentences.NOT_ALLOWED(host=HERE, reason=error.strerror)
            raise Misconfigured(text) from None
        except OSError as error:
            raise TryAgain(sentences.NOT_WRITTEN(host=HERE, reason=error.strerror)) from None
