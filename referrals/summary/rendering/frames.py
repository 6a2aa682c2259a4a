"""Messages between a renderer and its supervisor: four bytes of length, then the content."""

import struct
from typing import IO

LENGTH = struct.Struct(">I")
MAX_LENGTH = 64 * 1024 * 1024  # bytes


def send(stream: IO[bytes], content: bytes) -> None:
    stream.write(LENGTH.pack(len(content)) + content)
    stream.flush()


def receive(stream: IO[bytes]) -> bytes:
    """Return the next message; raises EOFError when the other side is gone or sends nonsense."""
    header = stream.read(LENGTH.size)
    if len(header) < LENGTH.size:
        raise EOFError
    (length,) = LENGTH.unpack(header)
    content = stream.read(length) if length <= MAX_LENGTH else b""
    if len(content) < length:
        raise EOFError
    return content
