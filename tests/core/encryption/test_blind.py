"""A private word is found by its digest, which says nothing without the keys."""

import base64
import secrets
from typing import Any

import pytest

from core.encryption import blind

CONTEXT = "a place"


def new_key() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


def test_the_same_word_has_the_same_digest_and_another_one_elsewhere() -> None:
    assert blind.digest("word", CONTEXT) == blind.digest("word", CONTEXT)
    assert blind.digest("word", CONTEXT) != blind.digest("word", "elsewhere")
    assert blind.digest("word", CONTEXT) != blind.digest("ward", CONTEXT)


def test_another_installation_has_other_digests(settings: Any) -> None:
    _, here = blind.digest("word", CONTEXT)
    settings.ENCRYPTION_KEYS = [new_key()]

    assert blind.digest("word", CONTEXT)[1] != here


@pytest.mark.parametrize("place", [0, 1])
def test_a_word_is_found_under_an_old_key_too(settings: Any, place: int) -> None:
    stored = blind.digest("word", CONTEXT)
    keys = list(settings.ENCRYPTION_KEYS)  # not the list itself: other tests have it, too
    settings.ENCRYPTION_KEYS = [*keys[:place], new_key(), *keys[place:]]

    assert stored[1] in blind.digests("word", CONTEXT)
    assert (blind.digest("word", CONTEXT) == stored) is (place == 1)
