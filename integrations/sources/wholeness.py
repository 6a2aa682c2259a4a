"""Whether a file is whole by its own format: its end, its directory, its frame are there.

Pure. Nothing here raises on any bytes, and time and memory are bounded whatever they claim: files
come from outside, and some are made to do harm. So pictures are not decoded, but for JPEG.
"""

import re
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Literal
from zlib import crc32

from integrations.sources.formats import (
    AVI,
    AVIF,
    BMP,
    CDA,
    GIF,
    HEIC,
    JP2,
    JPEG,
    M4A,
    MOV,
    MP4,
    OLE,
    PDF,
    PNG,
    RTF,
    SEVEN_ZIP,
    SVG,
    TIFF,
    WAV,
    WEBP,
    XML,
    Family,
    Format,
    names_in_zip,
    number,
)

MAX_PIXELS = 25_000_000  # of a JPEG; its decoder needs up to six bytes for each
_MAX_SCANS = 100  # of a JPEG: each costs as much time as the whole picture
_MAX_PAGES, _MAX_STRIPS = 1_000, 200_000  # of a TIFF
_MAX_BOXES = 5_000
_TAIL = 1024  # where a PDF must end, by its own rules
_PADDED_TAIL = 64 * 1024
_PADDING = b"\0\r\n\t "


def is_whole(content: bytes, form: Format | None, *, strictly: bool = True) -> bool | None:
    """Return whether the file is whole by its own format; None where the format cannot tell.

    Not strictly, the end mark of a PDF is enough: programs write PDFs without a directory, which
    readers open all the same.
    """
    if form == PDF:
        return _is_whole_pdf(content, strictly)
    if form == JPEG:
        return _is_whole_jpeg(content)
    if form in (PNG, GIF, BMP, TIFF, WEBP):
        return _is_whole_picture(content, form)
    if form in (HEIC, AVIF, JP2, M4A, MP4, MOV):
        return _boxes_are_there(content)
    if form in (WAV, AVI):
        return _riff_is_there(content)
    if form in (XML, SVG):
        return None if content[-_TAIL:].rstrip(_PADDING).endswith(b">") else False
    if form is not None and form.family in (Family.DOCUMENT, Family.ARCHIVE):
        return _directory_is_there(content, form)
    return None


# -- Documents and archives ----------------------------------------------------------------------

_PDF_END = re.compile(rb"startxref\s+(\d{1,15})\s+%%EOF")
_LINEARIZED = re.compile(rb"/Linearized\b[^>]{0,300}?/L\s+(\d{1,15})\b")
_CDA_END = re.compile(rb"ClinicalDocument\s*>\s*(?:<!--.{0,500}?-->\s*)?$", re.DOTALL)


def _is_whole_pdf(content: bytes, strictly: bool) -> bool:
    # Some servers pad, and some programs add a word after the end.
    tail = content[-_PADDED_TAIL:].rstrip(_PADDING)[-_TAIL:]
    # One that is arranged for the web has an end mark near its beginning, too, but says its length.
    linearized = _LINEARIZED.search(content, 0, _TAIL)
    if linearized and int(linearized[1]) > len(content):
        return False
    ends = _PDF_END.findall(tail)
    if not strictly:
        return b"%%EOF" in tail
    return bool(ends) and int(ends[-1]) < len(content)


def _directory_is_there(content: bytes, form: Format) -> bool | None:
    if content.startswith(b"PK"):
        return names_in_zip(content) is not None
    if content.startswith(OLE):
        sector = number(content, 30, 2)
        return sector < 32 and (number(content, 48) + 2) << sector <= len(content)
    if form == SEVEN_ZIP:
        return 32 + number(content, 12, 8) + number(content, 20, 8) <= len(content)
    if form == RTF:
        return content[-_TAIL:].rstrip(_PADDING).endswith(b"}")
    if form == CDA:
        return bool(_CDA_END.search(content[-_TAIL:].rstrip(_PADDING)))
    return None


# -- Pictures: what their frame shows, but a JPEG shows nothing until it is decoded --------------


def _is_whole_picture(content: bytes, form: Format) -> bool | None:
    checks = {BMP: _is_whole_bmp, GIF: _is_whole_gif, PNG: _is_whole_png, TIFF: _is_whole_tiff}
    return checks.get(form, _riff_is_there)(content)


def _is_whole_png(content: bytes) -> bool:
    """Return whether its chunks reach to the last one, and the needed ones have their checksums."""
    view, place = memoryview(content), 8
    while place + 12 <= len(content):
        length = int.from_bytes(view[place : place + 4])
        kind, end = bytes(view[place + 4 : place + 8]), place + 8 + length
        if end + 4 > len(content):
            return False
        is_needed = kind[:1].isupper()
        if is_needed and crc32(view[place + 4 : end]) != int.from_bytes(view[end : end + 4]):
            return False
        if kind == b"IEND":
            return True
        place = end + 4
    return False


def _is_whole_gif(content: bytes) -> bool:
    """Return whether its blocks reach to the trailer."""
    place = 13 + _colors(content, 10)
    while place < len(content):
        kind = content[place]
        if kind == 0x3B:
            return True
        if kind == 0x21:
            place += 2
        elif kind == 0x2C:
            place += 11 + _colors(content, place + 9)
        else:
            return False
        while place < len(content) and content[place]:
            place += content[place] + 1
        place += 1
    return False


def _colors(content: bytes, place: int) -> int:
    """Return the length of the color table that the flags there announce."""
    flags = number(content, place, 1)
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _is_whole_bmp(content: bytes) -> bool:
    start, header = number(content, 10), number(content, 14)
    if header < 40 or number(content, 30):  # an old kind, or compressed: it says its own length
        return number(content, 2) <= len(content)
    width, height = number(content, 18), number(content, 22)
    height = min(height, 2**32 - height)  # from the top down, where it is negative
    row = (width * number(content, 28, 2) + 31) // 32 * 4
    return start + row * height <= len(content)


def _is_whole_tiff(content: bytes) -> bool | None:
    """Return whether the strips or tiles of each page lie within it."""
    order: Literal["little", "big"] = "little" if content.startswith(b"II") else "big"
    if content[2:4].strip(b"\0") != b"*":  # one for huge files
        return None

    def at(place: int, length: int) -> int:
        return int.from_bytes(content[place : place + length], order)

    place, budget = at(4, 4), _MAX_STRIPS
    for _ in range(_MAX_PAGES):
        if not place:
            return True
        count = at(place, 2)
        end = place + 2 + 12 * count
        if end + 4 > len(content):
            return False
        entries = {
            at(entry, 2): (at(entry + 2, 2), at(entry + 4, 4), entry + 8)
            for entry in range(place + 2, end, 12)
        }
        budget -= count + sum(entries.get(tag, (0, 0, 0))[1] for tag in (273, 324))
        if budget < 0:
            return None
        for starts, lengths in ((273, 279), (324, 325)):
            parts = zip(_values(entries, starts, at), _values(entries, lengths, at), strict=False)
            if any(start + length > len(content) for start, length in parts):
                return False
        place = at(end, 4)
    return None


def _values(
    entries: dict[int, tuple[int, int, int]], tag: int, at: Callable[[int, int], int]
) -> Iterator[int]:
    kind, count, place = entries.get(tag, (0, 0, 0))
    width = 2 if kind == 3 else 4
    if count * width > 4:
        place = at(place, 4)
    return (at(place + n * width, width) for n in range(count))


def _is_whole_jpeg(content: bytes) -> bool | None:
    """Return whether it decodes, in an eighth of its size; None where that would cost too much."""
    from PIL import Image, JpegImagePlugin, UnidentifiedImageError  # only who needs it pays for it

    has_its_end = content[-_TAIL:].rstrip(_PADDING).endswith(b"\xff\xd9")
    if content.count(b"\xff\xda") > _MAX_SCANS:
        return has_its_end or None
    try:
        only = [JpegImagePlugin.JpegImageFile.format]  # none of the readers that start programs
        with Image.open(BytesIO(content), formats=only) as picture:
            if picture.width * picture.height > MAX_PIXELS:
                return has_its_end or None
            picture.draft("RGB", (picture.width // 8, picture.height // 8))
            picture.load()
    except (Image.DecompressionBombError, Image.DecompressionBombWarning, MemoryError):
        return has_its_end or None
    except UnidentifiedImageError:  # broken, or of a kind that the decoder does not know
        return None if has_its_end else False
    except Exception:  # whatever a broken picture sets off in a decoder
        return False
    return True


# -- Containers ----------------------------------------------------------------------------------


def _riff_is_there(content: bytes) -> bool | None:
    length = number(content, 4)
    return length + 8 <= len(content) if 0 < length < 0xFFFFFFFF else None


def _boxes_are_there(content: bytes) -> bool | None:
    """Return whether each box of an ISO media file ends within it."""
    place = 0
    for _ in range(_MAX_BOXES):
        if place + 8 > len(content):
            return place <= len(content)
        length = int.from_bytes(content[place : place + 4])
        if length == 1:
            length = int.from_bytes(content[place + 8 : place + 16])
        if length < 8:  # to the end, wherever that is, or no box
            return None
        place += length
    return None
