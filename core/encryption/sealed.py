"""Sealed files: encrypted in frames, so that they are written and read as streams.

    header   "DVT2" (or "DVT1"), key id (8), file nonce (16)
    frame    Fernet token, in binary, of: tag (16), index (8), last flag (1), up to 64 KiB

The tag is a digest of the file's nonce, its label, and in a DVT2 file the key of the row that it
belongs to, so a frame of another file, or a file put in another's place, is refused; so is a frame
out of order (index) and a file cut short (last flag).
All frames but the last have the same length, so any position is found without reading the rest.
"""

import hashlib
import hmac
import io
import os
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Iterator
from typing import IO, Any, NamedTuple
from uuid import UUID

from cryptography.fernet import Fernet, InvalidToken

from core.encryption import KEY_ID_LENGTH, Tampered, keyring

FRAME = 64 * 1024
_UNBOUND, _BOUND = b"DVT1", b"DVT2"
_MAGIC = 4
_NONCE = 16
_HEADER = _MAGIC + KEY_ID_LENGTH + _NONCE
_PREFIX = struct.Struct(">16sQ?")


def _sealed_length(plain_length: int) -> int:
    # Fernet: version 1, time 8, IV 16, AES blocks with 1 to 16 bytes of padding, HMAC 32.
    return 57 + (plain_length // 16 + 1) * 16


_SEALED_FRAME = _sealed_length(_PREFIX.size + FRAME)


def _tag(nonce: bytes, label: str, row: UUID | None) -> bytes:
    # No label holds a NUL, so that of a file of one format is never that of the other.
    bound = label if row is None else f"{label}\0{row}"
    return hashlib.sha256(nonce + bound.encode()).digest()[:16]


def _frames(chunks: Iterable[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Regroup chunks of any size into frames; the flag says which one is the last."""
    pending = bytearray()
    for chunk in chunks:
        pending += chunk
        while len(pending) > FRAME:
            yield bytes(pending[:FRAME]), False
            del pending[:FRAME]
    yield bytes(pending), True


def seal(chunks: Iterable[bytes], into: IO[bytes], label: str, row: UUID | None = None) -> int:
    """Write the chunks as one sealed file under the first key; return their length in bytes.

    Only a reader that gives the same label, and the key of the same row, can open it.
    """
    ring = keyring()
    fernet = ring.fernets[ring.primary]
    nonce = os.urandom(_NONCE)
    tag = _tag(nonce, label, row)
    into.write((_UNBOUND if row is None else _BOUND) + ring.primary.encode() + nonce)
    length = 0
    for index, (frame, last) in enumerate(_frames(chunks)):
        token = fernet.encrypt(_PREFIX.pack(tag, index, last) + frame)
        into.write(urlsafe_b64decode(token))
        length += len(frame)
    return length


class Header(NamedTuple):
    """What stands before the frames of a sealed file."""

    bound: bool  # to a row
    key_id: str
    nonce: bytes


def header_of(sealed: IO[bytes]) -> Header:
    """Return the header of a sealed file, and leave the stream after it; raises Tampered."""
    header = sealed.read(_HEADER)
    magic = header[:_MAGIC]
    if len(header) != _HEADER or magic not in (_UNBOUND, _BOUND):
        raise Tampered("Not a sealed file.")
    key_id = header[_MAGIC:-_NONCE].decode("ascii", "replace")
    return Header(magic == _BOUND, key_id, header[-_NONCE:])


def unseal(sealed: IO[bytes], label: str, row: UUID | None = None) -> "PlainStream":
    """Return the plaintext as a seekable stream, which closes `sealed` when it is closed.

    A file that is bound to no row is opened for each; the stream's `bound` tells. Raises UnknownKey
    or Tampered, here or on reading: what was read before the error is authentic.
    """
    return PlainStream(_Unsealed(sealed, label, row))


class _Unsealed(io.RawIOBase):
    """Decrypts the frame at hand; holds one frame at a time."""

    def __init__(self, sealed: IO[bytes], label: str, row: UUID | None) -> None:
        super().__init__()
        self._sealed = sealed
        header = header_of(sealed)
        self.bound = header.bound
        if header.bound and row is None:
            raise Tampered("A sealed file belongs to a row, and this one has no key.")
        self._fernet: Fernet = keyring().fernet(header.key_id)
        self._tag = _tag(header.nonce, label, row if header.bound else None)
        self._position = 0
        self._cached_index = -1
        self._cached = b""
        body = os.stat(sealed.fileno()).st_size - _HEADER
        self._last_index = max(-(-body // _SEALED_FRAME) - 1, 0)
        # The last frame proves that nothing was cut off, before the first byte is given out.
        self.size = self._last_index * FRAME + len(self._frame(self._last_index))

    def _frame(self, index: int) -> bytes:
        if index != self._cached_index:
            self._cached = self._open_frame(index)
            self._cached_index = index
        return self._cached

    def _open_frame(self, index: int) -> bytes:
        self._sealed.seek(_HEADER + index * _SEALED_FRAME)
        token = urlsafe_b64encode(self._sealed.read(_SEALED_FRAME))
        try:
            plaintext = self._fernet.decrypt(token)
        except InvalidToken:
            raise Tampered(f"Frame {index} of a sealed file was changed or cut.") from None
        prefix = _PREFIX.pack(self._tag, index, index == self._last_index)
        if not hmac.compare_digest(plaintext[: _PREFIX.size], prefix):
            raise Tampered(f"Frame {index} of a sealed file is not in its place.")
        return plaintext[_PREFIX.size :]

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.size}[whence]
        if start + offset < 0:
            raise ValueError("Cannot seek before the start of a file.")
        self._position = start + offset
        return self._position

    def readinto(self, buffer: Any) -> int:
        if self._position >= self.size:
            return 0
        index, offset = divmod(self._position, FRAME)
        piece = self._frame(index)[offset : offset + len(buffer)]
        buffer[: len(piece)] = piece
        self._position += len(piece)
        return len(piece)

    def close(self) -> None:
        if not self.closed:
            self._sealed.close()
        super().close()


class PlainStream(io.BufferedReader):
    """The plaintext of a sealed file: `read(n)`, `seek`, `tell`, and its length as `len`.

    `bound` says whether the file is bound to a row.
    """

    def __init__(self, raw: _Unsealed) -> None:
        super().__init__(raw, FRAME)
        self.size, self.bound = raw.size, raw.bound

    @property
    def len(self) -> int:
        """The whole length in bytes, under the name that multipart encoders look for."""
        return self.size
