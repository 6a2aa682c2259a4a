"""Ids that Caredove gives: which are usable, and what they say."""

import re
from collections.abc import Iterable
from hashlib import sha256

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from integrations.sources.caredove.events import LOCAL_ID, REFERENCE_NUMBER, UUID_LIKE
from integrations.sources.caredove.links import is_sign_in_link, without_sign_in_links
from integrations.sources.parsed import FieldError

MAX_EVENT_ID = 200
MAX_CODE = 100
MAX_KEY = 64

_REFERENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:~@+-]{0,63}")
_PLAIN = re.compile(rf"[A-Za-z0-9._:~@+/#?=&%|-]{{1,{MAX_KEY}}}")
_EVENT_ID = re.compile(rf"[!-~]{{1,{MAX_EVENT_ID}}}")

NO_REFERENCE = gettext_noop(
    "This cannot be a Reference #. It must have 1 to 64 letters, digits or . _ : ~ @ + - "
    "and begin with a letter or digit."
)


def is_reference(text: str) -> bool:
    """Return whether the text can be an id: safe to show, in an address, in a log."""
    return bool(_REFERENCE.fullmatch(text))


def is_number(text: str) -> bool:
    """Return whether the id has the form of Caredove's 10-digit Reference #."""
    return bool(REFERENCE_NUMBER.fullmatch(text))


def is_global(text: str) -> bool:
    """Return whether the id is one that only Caredove gives, the same in every message."""
    return bool(REFERENCE_NUMBER.fullmatch(text) or UUID_LIKE.fullmatch(text))


def is_local(text: str) -> bool:
    """Return whether the id only tells the parts of one message apart ("sr-1")."""
    return bool(LOCAL_ID.fullmatch(text))


def references(found: Iterable[str]) -> tuple[str, ...]:
    """Return the usable ids, each once, the 10-digit Reference # first.

    A referral has one Reference #: a second one would be another referral's, and is left out.
    """
    usable = dict.fromkeys(reference for reference in found if is_reference(reference))
    numbers = [reference for reference in usable if REFERENCE_NUMBER.fullmatch(reference)]
    return (*numbers[:1], *(reference for reference in usable if reference not in numbers))


def event_id(text: str) -> str:
    """Return the sender's id of an event; of one too long or odd to store, its hash."""
    if not text or _EVENT_ID.fullmatch(text):
        return text
    return f"sha256:{sha256(text.encode()).hexdigest()}"


def key(text: str) -> str:
    """Return an id to compare, for which columns have room; of another one, its hash.

    A sign-in link is none that may be kept.
    """
    if len(text) <= MAX_KEY and without_sign_in_links(text) == text:
        return text
    return _hashed(text)


def shown_key(text: str) -> str:
    """Return an id to compare that may stand in a document; of an odd or long one, its hash."""
    is_plain = _PLAIN.fullmatch(text) and not is_sign_in_link(text)
    return text if is_plain or not text else _hashed(text)


def _hashed(text: str) -> str:
    return f"sha256:{sha256(text.encode()).hexdigest()[:32]}"


def missing(field: str, what: str) -> FieldError:
    """Return the error for a field that must be there."""
    return FieldError(field, " ".join((_("This is missing."), what)))
