"""File names from outside become safe to store, send and show."""

import re
import unicodedata
from mimetypes import MimeTypes

MAX_LENGTH = 120
_MAX_EXTENSION = 12

_RESERVED = re.compile(r'[<>:"|?*%]')
_DEVICES = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)", re.IGNORECASE)
_EXTENSION = re.compile(rf"\.[A-Za-z0-9]{{1,{_MAX_EXTENSION - 1}}}$")

# Built-in types only: the same name on every machine.
_types = MimeTypes(filenames=())


def safe_filename(name: str, *, fallback: str, content_type: str = "") -> str:
    """Return a file name without path, control, reserved or invisible characters.

    Keeps the extension, adds the one of `content_type` where there is none, and is at most 120
    characters long. `fallback` stands in for a name of which nothing is left.
    """
    name = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    name = "".join(" " if c.isspace() else c for c in name if c.isspace() or _is_visible(c))
    name = _RESERVED.sub("_", " ".join(name.split())).strip(" .")
    if not name.strip("_ ."):
        return fallback
    if _DEVICES.match(name):
        name = f"_{name}"
    if not _EXTENSION.search(name):
        name += _types.guess_extension(content_type) or ""
    return _shortened(name)


def _is_visible(character: str) -> bool:
    return not unicodedata.category(character).startswith("C")


def _shortened(name: str) -> str:
    extension = match[0] if (match := _EXTENSION.search(name)) else ""
    stem = name.removesuffix(extension)
    return stem[: MAX_LENGTH - len(extension)].rstrip(" .") + extension
