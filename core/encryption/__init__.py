"""Encryption at rest: Fernet (AES-128-CBC with HMAC-SHA256) under several keys.

`settings.ENCRYPTION_KEYS` lists URL-safe base64 of 32 bytes each: the first key encrypts, all of
them decrypt. One look at an encrypted value tells its format and which key it needs:

    2:<key id>:<token>   belongs to one row: the token holds its context, the row, and the plaintext
    <key id>:<token>     belongs to no row: the token holds its context and the plaintext

What is stored in a row has had the first form since rows have keys (`core.rowkeys`). The second is
that of earlier values, read until REFUSE_UNBOUND, and of what is no row's, such as a sealed form.
"""

import hashlib
import re
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from uuid import UUID

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

KEY_BYTES = 32
KEY_ID_LENGTH = 8
_KEY_ID = re.compile(rb"[0-9a-f]{%d}" % KEY_ID_LENGTH)
_BOUND = b"2:"
_CONTEXT_END = b"\0"


class EncryptionError(Exception):
    """A value that cannot be read. The message never holds the value."""

    safe_to_log = True


class UnknownKey(EncryptionError):
    """The value was encrypted with a key that is not in ENCRYPTION_KEYS."""

    def __init__(self, key_id: str) -> None:
        super().__init__(f"Encrypted with key {key_id}, which is not in ENCRYPTION_KEYS.")
        self.key_id = key_id


class Tampered(EncryptionError):
    """The value was changed, cut, or moved here from elsewhere."""


class Unbound(Tampered):
    """A stored value or file of the form that is bound to no row, which REFUSE_UNBOUND refuses."""

    def __init__(self, what: str) -> None:
        super().__init__(f"Bound to no row, and REFUSE_UNBOUND is set ({what}).")


@dataclass(frozen=True)
class Keyring:
    """The keys by id; `primary` is the id of the one that encrypts."""

    primary: str
    fernets: Mapping[str, Fernet] = field(repr=False)

    def fernet(self, key_id: str) -> Fernet:
        """Return the key with this id; raises UnknownKey."""
        try:
            return self.fernets[key_id]
        except KeyError:
            raise UnknownKey(key_id) from None


def keyring() -> Keyring:
    """Return the keys of ENCRYPTION_KEYS; raises ImproperlyConfigured where they are unusable."""
    return _keyring(tuple(settings.ENCRYPTION_KEYS))


@lru_cache(maxsize=8)
def _keyring(keys: tuple[str, ...]) -> Keyring:
    if not keys:
        raise ImproperlyConfigured("ENCRYPTION_KEYS is empty: nothing can be stored or read.")
    raw_keys = [_raw_key(key, position) for position, key in enumerate(keys, start=1)]
    return Keyring(
        primary=key_id(raw_keys[0]),
        fernets={key_id(raw): Fernet(key) for raw, key in zip(raw_keys, keys, strict=True)},
    )


def derived_keys(purpose: str) -> Mapping[str, bytes]:
    """Return, by the id of the key that it stems from, a key for another purpose; the first first.

    What is known of a derived key says nothing of the key, nor of one for another purpose.
    """
    return _derived_keys(tuple(settings.ENCRYPTION_KEYS), purpose)


@lru_cache(maxsize=32)
def _derived_keys(keys: tuple[str, ...], purpose: str) -> Mapping[str, bytes]:
    raw_keys = [_raw_key(key, position) for position, key in enumerate(keys, start=1)]
    return {
        key_id(raw): HKDF(SHA256(), KEY_BYTES, salt=None, info=purpose.encode()).derive(raw)
        for raw in raw_keys
    }


def _raw_key(key: str, position: int) -> bytes:
    try:
        raw = urlsafe_b64decode(key)
    except ValueError:
        raw = b""
    if len(raw) != KEY_BYTES:
        raise ImproperlyConfigured(
            f"ENCRYPTION_KEYS: key {position} is not URL-safe base64 of {KEY_BYTES} bytes."
        )
    return raw


def key_id(raw_key: bytes) -> str:
    """Return the id of a key: the first 8 hexadecimal digits of its SHA-256."""
    return hashlib.sha256(raw_key).hexdigest()[:KEY_ID_LENGTH]


def encrypt(plaintext: bytes, context: str = "", row: UUID | str | None = None) -> bytes:
    """Return the encrypted value under the first key.

    `context` says where the value belongs ("app.model.field"), `row` to which row, by its key. Only
    the same two decrypt it.
    """
    ring = keyring()
    label = _label(context, row)
    token = ring.fernets[ring.primary].encrypt(label + _CONTEXT_END + plaintext)
    return _start(ring, bound=row is not None) + token


def decrypt(value: bytes, context: str = "", row: UUID | str | None = None) -> bytes:
    """Return the plaintext; raises UnknownKey, or Tampered for anything else that is wrong.

    A value that is bound to no row belongs to no `row` either.
    """
    start = len(_BOUND) if is_bound(value) else 0
    end = start + KEY_ID_LENGTH
    found_id = value[start:end]
    if not _KEY_ID.fullmatch(found_id) or value[end : end + 1] != b":":
        raise Tampered(f"Not an encrypted value ({context or 'no context'}).")
    if is_bound(value) != (row is not None):
        raise Tampered(f"An encrypted value of elsewhere was moved here ({context}).")
    fernet = keyring().fernet(found_id.decode())
    try:
        found_label, _, plaintext = fernet.decrypt(value[end + 1 :]).partition(_CONTEXT_END)
    except InvalidToken:
        raise Tampered(f"An encrypted value was changed ({context or 'no context'}).") from None
    if found_label != _label(context, row):
        raise Tampered(f"An encrypted value of elsewhere was moved here ({context}).")
    return plaintext


def decrypt_stored(value: bytes, context: str, row: UUID | str | None) -> bytes:
    """Return the plaintext of what is stored in a row; also of the earlier form, while it may be.

    `row` is None for a row that has no key yet. Raises UnknownKey or Tampered. `rotate_keys` reads
    by this, too: what is refused must not become something that is read.
    """
    if is_bound(value):
        return decrypt(value, context, row)
    if settings.REFUSE_UNBOUND:
        raise Unbound(context)
    return decrypt(value, context)


def _label(context: str, row: UUID | str | None) -> bytes:
    # The format is a part of what is authenticated: a value of one never passes for the other.
    return context.encode() if row is None else f"2 {context} {row}".encode()


def is_bound(value: bytes) -> bool:
    """Say whether the value has the form of those that are bound to a row."""
    return value.startswith(_BOUND)


def bound_start() -> bytes:
    """Return how a value begins that is bound to a row, whatever its key."""
    return _BOUND


def current_start(*, bound: bool) -> bytes:
    """Return how a value begins that is encrypted with the first key."""
    return _start(keyring(), bound=bound)


def _start(ring: Keyring, *, bound: bool) -> bytes:
    return (_BOUND if bound else b"") + ring.primary.encode() + b":"


def is_current(value: bytes) -> bool:
    """Say whether the value is encrypted with the first key."""
    return value.startswith(current_start(bound=is_bound(value)))
