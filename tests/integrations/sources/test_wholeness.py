"""Pictures that are made to do harm cost no more time than others, and never raise."""

import struct
import time
import zlib
from collections.abc import Callable
from functools import partial

import pytest

from integrations.sources.formats import GIF, JPEG, PNG, TIFF
from integrations.sources.wholeness import is_whole
from tests.integrations.sources.real_files import picture

HUGE = 60_000


def chunk(kind: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)


def png_bomb() -> bytes:
    header = struct.pack(">IIBBBBB", HUGE, HUGE, 8, 6, 0, 0, 0)
    pixels = chunk(b"IDAT", zlib.compress(bytes(4_000_000)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + pixels + chunk(b"IEND", b"")


def jpeg_of(width: int, height: int) -> bytes:
    """A real JPEG whose header claims another size."""
    jpeg = picture("JPEG")
    place = jpeg.index(b"\xff\xc0") + 5
    return jpeg[:place] + struct.pack(">HH", height, width) + jpeg[place + 4 :]


def jpeg_of_many_scans() -> bytes:
    jpeg = picture("JPEG", (2000, 2000), progressive=True)
    scan = jpeg.rindex(b"\xff\xda")
    return jpeg[:scan] + jpeg[scan:-2] * 300 + b"\xff\xd9"


def gif_of_comments() -> bytes:
    return picture("GIF")[:-1] + (b"\x21\xfe" + b"\xff" + b"x" * 255 + b"\0") * 20_000 + b";"


def tiff(*entries: tuple[int, int, int, int], then: int = 0) -> bytes:
    packed = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    directory = struct.pack("<H", len(entries)) + packed + struct.pack("<I", then)
    return b"II*\0\x08\0\0\0" + directory + bytes(64)


@pytest.mark.parametrize(
    ("make", "form", "expected"),  # made when they are tried: some take a second to make
    [
        (png_bomb, PNG, True),
        (partial(jpeg_of, HUGE, HUGE), JPEG, True),
        (lambda: jpeg_of(6000, 6000)[:-2], JPEG, None),
        (jpeg_of_many_scans, JPEG, True),
        (gif_of_comments, GIF, True),
        (partial(tiff, (273, 4, 2**31, 8), (279, 4, 2**31, 8)), TIFF, None),
        (partial(tiff, (273, 4, 1, 8), then=8), TIFF, None),  # a directory that follows itself
        (partial(tiff, (273, 4, 1, 9_999), (279, 4, 1, 10)), TIFF, False),
        (partial(tiff, (324, 3, 2, 0xFFFF0008), (325, 3, 2, 0x00010001)), TIFF, False),
        (partial(tiff, then=9_999), TIFF, False),
    ],
)
def test_a_picture_that_claims_too_much_is_judged_soon(
    make: Callable[[], bytes], form: str, expected: bool | None
):
    content = make()
    begun = time.process_time()
    assert is_whole(content, form) is expected
    assert time.process_time() - begun < 2
