"""File names from outside become safe to store, send and show."""

import re
import unicodedata
from mimetypes import MimeTypes

from integrations.sources import formats
from integrations.sources.formats import Format

MAX_LENGTH = 120
_MAX_EXTENSION = 12

_RESERVED = re.compile(r'[<>:"|?*%]')
_DEVICES = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)", re.IGNORECASE)
_EXTENSION = re.compile(rf"\.[A-Za-z0-9]{{1,{_MAX_EXTENSION - 1}}}$")
# Of addresses and of programs: they say nothing true of a document, and give way.
_OF_NO_CONTENT = frozenset(
    (".bin", ".dat", ".tmp", ".exe", ".php", ".asp", ".aspx", ".ashx", ".jsp", ".cgi")
)

# Built-in types only: the same name on every machine.
_types = MimeTypes(filenames=())
_MAPPED = frozenset(_types.types_map[True])


def safe_filename(
    name: str, *, fallback: str, content_type: str = "", form: Format | None = None
) -> str:
    """Return a file name without path, control, reserved or invisible characters.

    It has the extension of `form`, the format of the content, whatever its own says. Without a
    format it keeps its extension, and gets that of `content_type` where it has none; "v1.2" and
    "Dr.Roy" have none. It is at most 120 characters long. `fallback` stands in for a name of which
    nothing is left.
    """
    name = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    if not (name.isascii() and name.isprintable()):
        name = "".join(" " if c.isspace() else c for c in name if c.isspace() or _is_visible(c))
    name = _RESERVED.sub("_", " ".join(name.split())).strip(" .")
    if not name.strip("_ ."):
        name = fallback
    if _DEVICES.match(name):
        name = f"_{name}"
    if form is not None:
        return _shortened(_named_for(name, form, content_type))
    if not _is_known(extension_of(name)):
        name += _types.guess_extension(content_type) or ""
    return _shortened(name)


def extension_of(name: str) -> str:
    """Return what may be the extension of a name (".pdf"), or nothing."""
    return match[0] if (match := _EXTENSION.search(name.rstrip(" ."))) else ""


def _named_for(name: str, form: Format, content_type: str) -> str:
    extension = extension_of(name)
    if extension.lower() in form.extensions:
        return name
    if formats.by_extension(extension) or extension.lower() in _OF_NO_CONTENT:
        name = name.removesuffix(extension)
        if extension_of(name).lower() in form.extensions:  # "letter.pdf.exe"
            return name
    return name + formats.extension_for(form, content_type)


def _is_known(extension: str) -> bool:
    folded = extension.lower()
    return bool(formats.by_extension(folded)) or folded in _OF_NO_CONTENT | _MAPPED


def _is_visible(character: str) -> bool:
    return not unicodedata.category(character).startswith("C")


def _shortened(name: str) -> str:
    extension = extension_of(name)
    stem = name.removesuffix(extension)
    return stem[: MAX_LENGTH - len(extension)].rstrip(" .") + extension
