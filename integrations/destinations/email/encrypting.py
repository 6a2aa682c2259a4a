"""A PDF under a passphrase: AES-256, revision 6 (ISO 32000-2, 7.6.4). Pure.

Libraries that write PDF files choose keys and salts at random, so that no two files are the same.
Here each try of a message must bring the same bytes. So these come from a secret of ours, the
passphrase and the content: nobody else can tell them from random ones, and other content has
others. pikepdf reads the file that is encrypted; `qpdf` and pikepdf open what is made, in tests.
"""

import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import pikepdf
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

LONGEST_PASSPHRASE = 127  # bytes; the format cuts what is longer
EVERYTHING_ALLOWED = -4  # who has the passphrase may print and copy
_BLOCK = 16
_NO_IV = bytes(_BLOCK)
_HASHES = (hashlib.sha256, hashlib.sha384, hashlib.sha512)


def encrypted(plain: bytes, passphrase: str, secret: bytes) -> bytes:
    """Return a PDF file that opens with the passphrase alone: the same for the same arguments.

    `plain` is a PDF without encryption. Raises pikepdf.PdfError where it is none.
    """
    seed = _Seed(secret, passphrase.encode(), plain)
    out = bytearray(b"%PDF-2.0\n%\xbf\xf7\xa2\xfe\n")
    offsets: list[int] = []
    with pikepdf.explicit_conversion(), pikepdf.open(BytesIO(plain)) as pdf:
        cipher = _Cipher(seed)
        for number, content in enumerate(_objects(pdf, cipher), start=1):
            offsets.append(len(out))
            out += b"%d 0 obj\n%b\nendobj\n" % (number, content)
        root = pdf.Root.objgen[0]
    key = _dictionary(seed, cipher.key)
    offsets.append(len(out))
    out += b"%d 0 obj\n%b\nendobj\n" % (len(offsets), key)
    table = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(offsets) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    name = seed.take(b"id", _BLOCK).hex().encode()
    out += b"trailer\n<< /Size %d /Root %d 0 R /Encrypt %d 0 R /ID [<%b> <%b>] >>\n" % (
        *(len(offsets) + 1, root, len(offsets)),
        *(name, name),
    )
    out += b"startxref\n%d\n%%%%EOF\n" % table
    return bytes(out)


# -- Objects ---------------------------------------------------------------------------------------


def _objects(pdf: pikepdf.Pdf, cipher: "_Cipher") -> Iterator[bytes]:
    """Yield every object of a file whose objects are numbered from 1, its content encrypted."""
    for thing in pdf.objects:
        if isinstance(thing, pikepdf.Stream):
            content = cipher.encrypt(thing.read_raw_bytes())
            _encrypt_strings(thing.stream_dict, cipher)
            thing.stream_dict.Length = len(content)
            head = thing.stream_dict.unparse(resolved=True)
            yield b"%b\nstream\n%b\nendstream" % (head, content)
        elif isinstance(thing, pikepdf.String):
            yield _string(thing, cipher).unparse()
        else:
            if isinstance(thing, pikepdf.Dictionary | pikepdf.Array):
                _encrypt_strings(thing, cipher)
            yield thing.unparse(resolved=True)


def _encrypt_strings(within: Any, cipher: "_Cipher") -> None:
    """Encrypt the strings that stand in a dictionary or array itself, however deep."""
    named = isinstance(within, pikepdf.Dictionary)
    for key, value in list(within.items() if named else enumerate(within)):
        if not isinstance(value, pikepdf.Object) or value.is_indirect:
            continue
        if isinstance(value, pikepdf.String):
            within[key] = _string(value, cipher)
        elif isinstance(value, pikepdf.Dictionary | pikepdf.Array):
            _encrypt_strings(value, cipher)


def _string(value: pikepdf.Object, cipher: "_Cipher") -> pikepdf.String:
    return pikepdf.String(cipher.encrypt(bytes(value)))


# -- Keys ------------------------------------------------------------------------------------------


class _Seed:
    """Bytes that look random, the same for the same secret, passphrase and content."""

    def __init__(self, secret: bytes, passphrase: bytes, content: bytes) -> None:
        self.passphrase = passphrase[:LONGEST_PASSPHRASE]
        of_content = hashlib.sha512(content).digest() + passphrase
        self._key = hmac.digest(secret, of_content, "sha512")

    def take(self, purpose: bytes, length: int) -> bytes:
        return hmac.digest(self._key, purpose, "sha512")[:length]


class _Cipher:
    """Encrypts strings and streams with the key of the file."""

    def __init__(self, seed: _Seed) -> None:
        self.key = seed.take(b"key", 32)
        self._seed = seed
        self._count = 0

    def encrypt(self, content: bytes) -> bytes:
        self._count += 1
        iv = self._seed.take(b"iv %d" % self._count, _BLOCK)
        padder = PKCS7(8 * _BLOCK).padder()
        return iv + _cbc(self.key, iv, padder.update(content) + padder.finalize())


@dataclass(frozen=True, slots=True)
class _Entry:
    """What a password is checked by, and what it opens: `U` and `UE`, or `O` and `OE`."""

    check: bytes
    key: bytes


def _entry(seed: _Seed, name: bytes, password: bytes, key: bytes, user: bytes = b"") -> _Entry:
    validation, opening = seed.take(name + b" validation", 8), seed.take(name + b" key", 8)
    check = _hash(password, validation, user) + validation + opening
    return _Entry(check, _cbc(_hash(password, opening, user), _NO_IV, key))


def _dictionary(seed: _Seed, key: bytes) -> bytes:
    """Return the encryption dictionary. The owner's password is one that nobody knows."""
    user = _entry(seed, b"user", seed.passphrase, key)
    owner = _entry(seed, b"owner", seed.take(b"owner", 32), key, user.check)
    allowed = EVERYTHING_ALLOWED.to_bytes(4, "little", signed=True)
    permissions = allowed + b"\xff\xff\xff\xffTadb" + seed.take(b"permissions", 4)
    return pikepdf.Dictionary(
        Filter=pikepdf.Name.Standard,
        V=5,
        R=6,
        Length=256,
        P=EVERYTHING_ALLOWED,
        EncryptMetadata=True,
        U=pikepdf.String(user.check),
        UE=pikepdf.String(user.key),
        O=pikepdf.String(owner.check),
        OE=pikepdf.String(owner.key),
        Perms=pikepdf.String(_ecb(key, permissions)),
        CF=pikepdf.Dictionary(
            StdCF=pikepdf.Dictionary(
                AuthEvent=pikepdf.Name.DocOpen, CFM=pikepdf.Name.AESV3, Length=32
            )
        ),
        StmF=pikepdf.Name.StdCF,
        StrF=pikepdf.Name.StdCF,
    ).unparse()


def _hash(password: bytes, salt: bytes, user: bytes) -> bytes:
    """Return the hash of algorithm 2.B."""
    found = hashlib.sha256(password + salt + user).digest()
    rounds = 0
    while True:
        rounds += 1
        mixed = _cbc(found[:16], found[16:32], (password + found + user) * 64)
        found = _HASHES[sum(mixed[:16]) % 3](mixed).digest()
        if rounds >= 64 and mixed[-1] <= rounds - 32:
            return found[:32]


def _cbc(key: bytes, iv: bytes, content: bytes) -> bytes:
    encryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor()
    return encryptor.update(content) + encryptor.finalize()


def _ecb(key: bytes, block: bytes) -> bytes:
    encryptor = Cipher(algorithms.AES(key), modes.ECB()).encryptor()  # noqa: S305 - as specified
    return encryptor.update(block) + encryptor.finalize()
