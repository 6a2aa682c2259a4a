"""Files for the holder of a private key alone, in the format of age (age-encryption.org/v1).

Whoever makes a backup has only the public half of a key, so a stolen portal gives no backup away.
Keys and files are those of the program `age`: `age-keygen` makes a key, and `age --decrypt` opens
a file without Dovetail. Files are written for one key of the type X25519.
"""

import hmac
import os
from base64 import b64decode, b64encode
from itertools import pairwise
from typing import IO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

VERSION = b"age-encryption.org/v1"
CHUNK = 64 * 1024  # bytes of plaintext
_TAG = 16
_FILE_KEY = 16
_END = b"---"  # of the header
_MOST_LINES = 100
_LONGEST_LINE = 200
_RECIPIENT, _IDENTITY = "age", "age-secret-key-"


class NotReadable(Exception):
    """The file or the key is not what it should be: another key's, damaged, or cut short."""


# -- Keys ------------------------------------------------------------------------------------------


def new_key() -> tuple[str, str]:
    """Return a new private key and its public half, as `age-keygen` writes them."""
    private = X25519PrivateKey.generate()
    written = _bech32(_IDENTITY, private.private_bytes_raw()).upper()
    return written, _bech32(_RECIPIENT, private.public_key().public_bytes_raw())


def public_key(text: str) -> X25519PublicKey:
    """Read a public key, `age1…`. Raises NotReadable."""
    return X25519PublicKey.from_public_bytes(_read_bech32(_RECIPIENT, text.strip()))


def private_key(text: str) -> X25519PrivateKey:
    """Read a private key, `AGE-SECRET-KEY-1…`, with comments beside it. Raises NotReadable."""
    lines = [line.strip() for line in text.splitlines()]
    keys = [line for line in lines if line and not line.startswith("#")]
    if len(keys) != 1:
        raise NotReadable("This is not one private key of age.")
    return X25519PrivateKey.from_private_bytes(_read_bech32(_IDENTITY, keys[0].lower()))


# -- Writing ---------------------------------------------------------------------------------------


class Sealing:
    """A file that is written for the holder of a key. What was written is whole after `close`."""

    def __init__(self, out: IO[bytes], recipient: X25519PublicKey) -> None:
        file_key, nonce = os.urandom(_FILE_KEY), os.urandom(16)
        ephemeral = X25519PrivateKey.generate()
        share = ephemeral.public_key().public_bytes_raw()
        wrapping = _wrapping_key(ephemeral.exchange(recipient), share, recipient)
        body = ChaCha20Poly1305(wrapping).encrypt(bytes(12), file_key, None)
        header = b"%s\n-> X25519 %s\n%s\n%s" % (VERSION, _base64(share), _base64(body), _END)
        out.write(header + b" " + _base64(_mac(file_key, header)) + b"\n" + nonce)
        self._out = out
        self._chunks = _Chunks(file_key, nonce)
        self._waiting = bytearray()

    def write(self, data: bytes) -> int:
        self._waiting += data
        while len(self._waiting) > CHUNK:  # the last one is kept: it is sealed as such
            self._out.write(self._chunks.seal(bytes(self._waiting[:CHUNK]), is_last=False))
            del self._waiting[:CHUNK]
        return len(data)

    def close(self) -> None:
        """Write what marks the end: a file without it is refused."""
        self._out.write(self._chunks.seal(bytes(self._waiting), is_last=True))


# -- Reading ---------------------------------------------------------------------------------------


class Unsealing:
    """The plaintext of such a file, to be read from the front. Raises NotReadable.

    What `read` returns is genuine; that nothing is missing after it is known at the end alone.
    """

    def __init__(self, file: IO[bytes], identity: X25519PrivateKey) -> None:
        lines = _header(file)
        file_key = _file_key(lines, identity)
        start = b"".join(lines[:-1]) + _END
        given = _from_base64(lines[-1].removeprefix(_END + b" ").rstrip(b"\n"))
        if not hmac.compare_digest(given, _mac(file_key, start)):
            raise NotReadable("The start of the file was changed.")
        self._file = file
        self._chunks = _Chunks(file_key, file.read(16))
        self._next = file.read(CHUNK + _TAG)
        self._ready = b""
        self._ended = False

    def read(self, size: int = -1) -> bytes:
        """Return up to `size` bytes, fewer at the end alone."""
        found = bytearray()
        while size < 0 or len(found) < size:
            if not self._ready and not self._refill():
                break
            some = self._ready if size < 0 else self._ready[: size - len(found)]
            found += some
            self._ready = self._ready[len(some) :]
        return bytes(found)

    def _refill(self) -> bool:
        if self._ended:
            return False
        sealed, self._next = self._next, self._file.read(CHUNK + _TAG)
        self._ended = not self._next
        self._ready = self._chunks.open(sealed, is_last=self._ended)
        return bool(self._ready)


def _header(file: IO[bytes]) -> list[bytes]:
    """Return the lines before the payload. Raises NotReadable."""
    lines = [file.readline(_LONGEST_LINE)]
    while lines[0] == VERSION + b"\n" and lines[-1] and len(lines) < _MOST_LINES:
        lines.append(file.readline(_LONGEST_LINE))
        if lines[-1].startswith(_END + b" "):
            return lines
    raise NotReadable("This is no file of age.")


def _file_key(lines: list[bytes], identity: X25519PrivateKey) -> bytes:
    """Return the file's key, from whichever of its recipients this is; raises NotReadable."""
    for line, body in pairwise(lines):
        kind, _, share = line.rstrip(b"\n").rpartition(b" ")
        if kind == b"-> X25519":
            found = _unwrapped(_from_base64(share), _from_base64(body.rstrip(b"\n")), identity)
            if found:
                return found
    raise NotReadable("The file was encrypted for another key.")


def _unwrapped(share: bytes, body: bytes, identity: X25519PrivateKey) -> bytes | None:
    try:
        shared = identity.exchange(X25519PublicKey.from_public_bytes(share))
        wrapping = _wrapping_key(shared, share, identity.public_key())
        return ChaCha20Poly1305(wrapping).decrypt(bytes(12), body, None)
    except (InvalidTag, ValueError):
        return None


# -- What both need --------------------------------------------------------------------------------


class _Chunks:
    """The chunks of the payload, each sealed by itself, with its number and whether it ends."""

    def __init__(self, file_key: bytes, nonce: bytes) -> None:
        self._cipher = ChaCha20Poly1305(_derived(file_key, nonce, b"payload"))
        self._number = 0

    def seal(self, plaintext: bytes, *, is_last: bool) -> bytes:
        return self._cipher.encrypt(self._nonce(is_last), plaintext, None)

    def open(self, sealed: bytes, *, is_last: bool) -> bytes:
        try:
            return self._cipher.decrypt(self._nonce(is_last), sealed, None)
        except InvalidTag:
            raise NotReadable("The file is damaged, or its end is missing.") from None

    def _nonce(self, is_last: bool) -> bytes:
        nonce = self._number.to_bytes(11, "big") + bytes([is_last])
        self._number += 1
        return nonce


def _wrapping_key(shared: bytes, share: bytes, recipient: X25519PublicKey) -> bytes:
    return _derived(shared, share + recipient.public_bytes_raw(), VERSION + b"/X25519")


def _mac(file_key: bytes, header: bytes) -> bytes:
    return hmac.digest(_derived(file_key, b"", b"header"), header, "sha256")


def _derived(key: bytes, salt: bytes, info: bytes) -> bytes:
    return HKDF(SHA256(), 32, salt=salt, info=info).derive(key)


def _base64(raw: bytes) -> bytes:
    return b64encode(raw).rstrip(b"=")


def _from_base64(text: bytes) -> bytes:
    try:
        raw = b64decode(text + b"=" * (-len(text) % 4), validate=True)
    except ValueError:
        raise NotReadable("The start of the file is damaged.") from None
    if _base64(raw) != text:
        raise NotReadable("The start of the file is damaged.")
    return raw


# -- Bech32 (BIP 173), in which age writes keys ----------------------------------------------------

_ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)


def _bech32(prefix: str, raw: bytes) -> str:
    values = _regrouped(list(raw), 8, 5)
    checksum = _polymod([*_expanded(prefix), *values, 0, 0, 0, 0, 0, 0]) ^ 1
    values += [checksum >> 5 * (5 - place) & 31 for place in range(6)]
    return f"{prefix}1{''.join(_ALPHABET[value] for value in values)}"


def _read_bech32(prefix: str, text: str) -> bytes:
    start = f"{prefix}1"
    values = [_ALPHABET.find(letter) for letter in text[len(start) :]]
    if not text.startswith(start) or -1 in values or _polymod([*_expanded(prefix), *values]) != 1:
        raise NotReadable("This is no key of age: it begins otherwise, or has a typing error.")
    raw = bytes(_regrouped(values[:-6], 5, 8, pad=False))
    if len(raw) != 32:
        raise NotReadable("This is no X25519 key of age.")
    return raw


def _expanded(prefix: str) -> list[int]:
    return [*(ord(letter) >> 5 for letter in prefix), 0, *(ord(letter) & 31 for letter in prefix)]


def _polymod(values: list[int]) -> int:
    checksum = 1
    for value in values:
        top = checksum >> 25
        checksum = (checksum & 0x1FFFFFF) << 5 ^ value
        for place, number in enumerate(_GENERATOR):
            checksum ^= number if top >> place & 1 else 0
    return checksum


def _regrouped(values: list[int], size: int, into: int, *, pad: bool = True) -> list[int]:
    """Return the same bits in groups of another size; a rest is filled up, or left out."""
    bits, count, groups = 0, 0, []
    for value in values:
        bits, count = bits << size | value, count + size
        while count >= into:
            count -= into
            groups.append(bits >> count & (1 << into) - 1)
    return [*groups, bits << into - count & (1 << into) - 1] if pad and count else groups
