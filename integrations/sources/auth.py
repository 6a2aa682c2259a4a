"""Who sends this? HTTP Basic and Standard Webhooks signatures, checked without a database.

Basic secrets are kept as scrypt hashes, because operators choose some of them, and a stolen
database must not give those away. scrypt on every request would be slow, and a lever for whoever
wants to slow us down, so each process remembers what it has checked, keyed by an HMAC under a key
that lives and dies with the process: neither the secret nor anything to guess it from is kept.
"""

import base64
import binascii
import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Iterable, Mapping
from threading import Lock

from django.contrib.auth.hashers import ScryptPasswordHasher

# About 25 ms and 8 MiB: a tenth of Django's cost for people's passwords, paid once a process.
_COST = {"n": 2**13, "r": 8, "p": 1}
_MAX_REMEMBERED = 1024
_MAX_HEADER = 4096
_MAX_SIGNATURES = 16
_TOLERANCE = 300  # seconds
_TIMESTAMP = re.compile(r"[1-9][0-9]{9}")  # until the year 2286
_ID = re.compile(r"[!-~]{1,256}")

_hasher = ScryptPasswordHasher()


def read_basic(authorization: str) -> tuple[str, str] | None:
    """Return key id and secret of an Authorization header, or None when it is no HTTP Basic."""
    scheme, _, encoded = authorization.strip().partition(" ")
    if scheme.lower() != "basic" or len(encoded) > _MAX_HEADER:
        return None
    try:
        pair = base64.b64decode(encoded.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        return None
    key_id, colon, secret = pair.partition(":")
    # PostgreSQL compares no text that holds a NUL.
    return (key_id, secret) if colon and key_id and secret and "\0" not in pair else None


def read_bearer(authorization: str) -> tuple[str, str] | None:
    """Return key id and secret of `Bearer <key>:<secret>`, or None when it is no such header."""
    scheme, _, pair = authorization.strip().partition(" ")
    if scheme.lower() != "bearer" or len(pair) > _MAX_HEADER:
        return None
    key_id, _, secret = pair.strip().partition(":")
    return (key_id, secret) if key_id and secret and "\0" not in pair else None


def hash_secret(secret: str) -> str:
    """Return the hash to store, with its own salt and cost."""
    return _hasher.encode(secret, _hasher.salt(), **_COST)


def verify_secret(secret: str, stored: str) -> bool:
    """Return whether the secret is the one that was hashed, comparing in constant time."""
    return _verified.recall(secret, stored)


def is_costly(secret: str, stored: str) -> bool:
    """Return whether verifying costs a hash: it was not done in this process before."""
    return not _verified.knows(secret, stored)


def check_signature(
    headers: Mapping[str, str], body: bytes, signing_secrets: Iterable[str]
) -> bool:
    """Return whether one of the secrets signed the body, as Standard Webhooks has it.

    Several signatures may stand in the header; what is no `v1` signature there is passed over.
    The timestamp may be 5 minutes off. The body is taken byte by byte, whatever it holds.
    Each header has one spelling: a request that was changed on its way is refused, however little.
    """
    lower = {name.lower(): value for name, value in headers.items()}
    name, sent_at = lower.get("webhook-id", ""), lower.get("webhook-timestamp", "")
    if not _is_id(name) or not _is_recent(sent_at):
        return False
    given = _signatures(lower.get("webhook-signature", ""))
    return any(_signed(f"{name}.{sent_at}.", body, secret, given) for secret in signing_secrets)


def _is_id(name: str) -> bool:
    """Return whether an id leaves no doubt where it ends.

    What is signed is id, timestamp, and body with full stops between them. An id that holds a
    timestamp could be cut there, and the rest of the request moved along.
    """
    parts = name.split(".")[1:]
    return bool(_ID.fullmatch(name)) and not any(map(_TIMESTAMP.fullmatch, parts))


def _is_recent(timestamp: str) -> bool:
    """Return whether these are whole seconds, in digits alone, of the last or next 5 minutes.

    `int` and `float` would also read "+1795710088", "1_795_710_088", "1795710088.0", and the digits
    of other scripts.
    """
    if not _TIMESTAMP.fullmatch(timestamp):
        return False
    return abs(time.time() - int(timestamp)) <= _TOLERANCE


def _signatures(header: str) -> list[bytes]:
    """Return the v1 signatures, in base64 as they came."""
    items = (item.partition(",") for item in header[:_MAX_HEADER].split(" ")[:_MAX_SIGNATURES])
    return [signature.encode() for version, _, signature in items if version == "v1"]


def _signed(heading: str, body: bytes, secret: str, signatures: Iterable[bytes]) -> bool:
    key = _signing_key(secret)
    if not key:
        return False
    mac = hmac.new(key, heading.encode(), hashlib.sha256)
    mac.update(body)
    # Compared in base64: several texts are read as the same bytes, and only one is the signature.
    signature = base64.b64encode(mac.digest())
    return any(hmac.compare_digest(signature, given) for given in signatures)


def _signing_key(secret: str) -> bytes:
    """Return the key of a signing secret: base64, with or without `whsec_`, else as it stands."""
    encoded = secret.strip().removeprefix("whsec_")
    try:
        return base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (binascii.Error, ValueError):
        return encoded.encode()


class _Verified:
    """What this process has found out about secrets, right ones and wrong ones."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        # Apart, so that guesses cannot crowd out what is right.
        self._seen: dict[bool, set[bytes]] = {True: set(), False: set()}
        self._lock = Lock()

    def knows(self, secret: str, stored: str) -> bool:
        """Return whether the answer is remembered."""
        name = self._name(secret, stored)
        return any(name in names for names in self._seen.values())

    def recall(self, secret: str, stored: str) -> bool:
        """Return whether the secret is the stored one, hashing it only the first time."""
        name = self._name(secret, stored)
        for answer, names in self._seen.items():
            if name in names:
                return answer
        answer = _is_hash_of(secret, stored)
        with self._lock:
            names = self._seen[answer]
            if len(names) >= _MAX_REMEMBERED:
                names.clear()
            names.add(name)
        return answer

    def _name(self, secret: str, stored: str) -> bytes:
        return hmac.digest(self._key, f"{stored}\0{secret}".encode(), "sha256")


def _is_hash_of(secret: str, stored: str) -> bool:
    try:
        return bool(_hasher.verify(secret, stored))
    except (ValueError, AssertionError):
        return False


_verified = _Verified()

# No secret has this hash: comparing with it takes an unknown key id the time of a wrong secret.
NO_SECRET = "scrypt${n}${salt}${r}${p}${digest}".format(
    salt=_hasher.salt(), digest=base64.b64encode(secrets.token_bytes(64)).decode(), **_COST
)
