"""Bytes that wait on this machine's disk until they are sent; nobody else can read them there."""

import hashlib
import os
import tempfile
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR

BLOCK = 64 * 1024
IN_MEMORY = 256 * 1024  # bytes; what is less never touches the disk
_CIPHER_BLOCK = 16


class TooLarge(Exception):
    """More bytes than the spool takes."""


class Spool:
    """A temporary file without a name, encrypted with a key that only this object has.

    It is written once, from the front, and read as often as needed. `size` and `sha256` are those
    of what was written.
    """

    def __init__(self, most: int | None = None) -> None:
        self._most = most
        self._key, self._nonce = os.urandom(32), os.urandom(8)
        self._file: Any = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115
        self._encryptor = self._cipher(0).encryptor()
        self._hash = hashlib.sha256()
        self.size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    def write(self, data: bytes) -> None:
        """Append bytes; raises TooLarge where there are more than it takes."""
        self.size += len(data)
        if self._most is not None and self.size > self._most:
            raise TooLarge
        self._hash.update(data)
        self._file.write(self._encryptor.update(data))

    def blocks(self, start: int = 0) -> Iterator[bytes]:
        """Yield what was written, from a place on, in blocks."""
        before = start % _CIPHER_BLOCK  # a stream cipher is entered at the start of its blocks
        self._file.seek(start - before)
        decryptor = self._cipher((start - before) // _CIPHER_BLOCK).decryptor()
        while data := self._file.read(BLOCK):
            if plain := decryptor.update(data)[before:]:
                yield plain
            before = 0

    def _cipher(self, block: int) -> Cipher[CTR]:
        return Cipher(AES(self._key), CTR(self._nonce + block.to_bytes(8, "big")))
