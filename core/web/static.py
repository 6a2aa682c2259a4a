"""Static files: hashed, compressed and cached for good where they were collected.

`manage.py collectstatic`, which the installation runs, collects them. Where the files that are
installed are others by now, or nothing was collected, they are sent under their plain names, as
they lie, and the log says so: an upgrade that leaves this out shows its pages all the same.
"""

import logging
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.contrib.staticfiles.storage import StaticFilesStorage
from whitenoise.compress import Compressor
from whitenoise.storage import CompressedManifestStaticFilesStorage

logger = logging.getLogger(__name__)

COLLECTED = "collected.sha256"  # of what


class StaticStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Names each file by its content, as long as that is what was collected."""

    # No file is rewritten to name others by theirs: those of libraries name some that do not exist.
    patterns = ()

    @cached_property
    def is_current(self) -> bool:
        """Whether the files that were collected are those that are installed."""
        place = Path(self.path(COLLECTED))
        if place.exists() and place.read_text() == installed():
            return True
        logger.warning("static files are sent as they lie: run manage.py collectstatic")
        return False

    def url(self, name: Any, force: bool = False) -> str:
        as_it_lies = settings.DEBUG and not force
        if as_it_lies or name not in self.hashed_files or not self.is_current:
            return StaticFilesStorage.url(self, name)
        return str(super().url(name, force))

    def create_compressor(self, **options: Any) -> Compressor:
        """Leave source maps as they are: half of all bytes, which a debugger alone reads."""
        options["extensions"] = (*Compressor.SKIP_COMPRESS_EXTENSIONS, "map")
        return super().create_compressor(**options)

    def load_manifest(self) -> tuple[dict[str, str], str]:
        try:
            return super().load_manifest()  # type: ignore[no-any-return]
        except ValueError:
            return {}, ""  # it was not written to its end

    def save_manifest(self) -> None:
        super().save_manifest()
        Path(self.path(COLLECTED)).write_text(installed())


def installed() -> str:
    """Return a digest of all static files that are installed, by name and content."""
    digest = sha256()
    for finder in get_finders():
        for name, storage in sorted(finder.list([]), key=lambda found: str(found[0])):
            digest.update(f"{name}\0".encode())
            with storage.open(name) as file:
                digest.update(sha256(file.read()).digest())
    return digest.hexdigest()
