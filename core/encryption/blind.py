"""Finding a private word without keeping it: a blind index.

Beside the encrypted value stands a digest (HMAC-SHA256) of the word. Whoever has the database and
no key of ENCRYPTION_KEYS can neither read the word nor try likely ones.
"""

import hashlib
import hmac

from core.encryption import derived_keys

PURPOSE = "blind index: "


def digest(word: str, context: str) -> tuple[str, str]:
    """Return the id of the first key, and the word's digest under it, to be stored.

    `context` says where the word belongs; the same word has another digest elsewhere.
    """
    return next(iter(_digests(word, context).items()))


def digests(word: str, context: str) -> list[str]:
    """Return the word's digest under each key, to look for."""
    return list(_digests(word, context).values())


def _digests(word: str, context: str) -> dict[str, str]:
    return {
        key_id: hmac.new(key, word.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()
        for key_id, key in derived_keys(PURPOSE + context).items()
    }
