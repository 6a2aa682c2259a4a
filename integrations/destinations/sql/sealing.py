"""Values of encrypted columns, in a format that a partner can read with its key.

`dt1:` and base64url with padding of the nonce (12 bytes), then the ciphertext and tag of
AES-256-GCM. The associated data is `table.column:reference`, so that no value can be moved.
"""

import base64
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MARK = "dt1:"
KEY_BYTES = 32
_NONCE_BYTES = 12


class Unreadable(ValueError):
    """A value was not encrypted with this key for this place."""


class Seal:
    """Encrypts and decrypts with a partner's key: 32 bytes, as base64."""

    def __init__(self, key: str) -> None:
        self._cipher = AESGCM(key_of(key))

    def close(self, text: str, column: str, reference: str) -> str:
        """Return the encrypted text for `table.column` of a referral."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._cipher.encrypt(nonce, text.encode(), _place(column, reference))
        return MARK + base64.urlsafe_b64encode(nonce + sealed).decode()

    def open(self, sealed: str, column: str, reference: str) -> str:
        """Return the text; raises Unreadable."""
        try:
            raw = base64.urlsafe_b64decode(sealed.removeprefix(MARK))
            nonce, text = raw[:_NONCE_BYTES], raw[_NONCE_BYTES:]
            return self._cipher.decrypt(nonce, text, _place(column, reference)).decode()
        except (InvalidTag, ValueError):
            raise Unreadable(column) from None


def key_of(text: str) -> bytes:
    """Return the bytes of a key; raises ValueError unless they are 32, as base64."""
    key = base64.b64decode(text.replace("-", "+").replace("_", "/"), validate=True)
    if len(key) != KEY_BYTES:
        raise ValueError("A key has 32 bytes.")
    return key


def _place(column: str, reference: str) -> bytes:
    return f"{column}:{reference}".encode()
