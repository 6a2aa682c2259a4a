"""The parts of a source document, and which of several is meant: the main phone, the home address.

A path leads to one value of a document: `("registrant", "phones", 0, "number")`.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from mapping.document import Address, Document, Email, Language, Phone

Path: TypeAlias = tuple[str | int, ...]
Value: TypeAlias = str | int | bool

VOID_REQUESTS = frozenset({"entered-in-error", "revoked"})
VOID_APPOINTMENTS = frozenset({"cancelled", "canceled", "entered-in-error"})

PHONE_USES = ("home", "mobile", "work")
LAST = 1_000_000  # the rank of what has none

# What gives an item its name or its place among others, and says nothing by itself.
_NAMES_AND_PLACES = {
    ("form_answers", "form"),
    ("form_answers", "form_name"),
    ("form_answers", "key"),
    ("form_answers", "label"),
    ("messages", "id"),
    ("attachments", "key"),
    ("attachments", "sha256"),
    ("also_sent", "key"),
    ("also_sent", "group"),
    ("also_sent", "label"),
    ("unreadable", "field"),
    ("unreadable", "path"),
    ("phones", "slot"),
    ("phones", "rank"),
    ("emails", "slot"),
    ("emails", "rank"),
    ("addresses", "slot"),
    ("languages", "preferred"),
}
# Says what is taken back, and what the message is like; not anything about the referral.
_OF_THE_MESSAGE = frozenset({"withdrawn", "aliases", "parts", "warned"})


def is_empty(value: object) -> bool:
    """Return whether a value of a document says nothing. No and 0 do say something."""
    if isinstance(value, str):
        return not value.strip()
    return value is None or value == [] or value == {}


def leaves(document: Document) -> Iterator[tuple[Path, Value]]:
    """Yield each thing that a document says, and where: every value that is not empty.

    Left out are the keys, labels and ranks that only name or order the values beside them, and
    that something is not former.
    """
    return (leaf for leaf in _leaves(document, ()) if leaf[0][0] not in _OF_THE_MESSAGE)


def _leaves(part: Any, path: Path) -> Iterator[tuple[Path, Value]]:
    if isinstance(part, Mapping):
        for key, value in part.items():
            yield from _leaves(value, (*path, key))
    elif isinstance(part, list):
        for index, value in enumerate(part):
            yield from _leaves(value, (*path, index))
    elif not is_empty(part) and not _is_silent(path, part):
        yield path, part


def _is_silent(path: Path, value: Value) -> bool:
    if path[-1] == "former":
        return not value
    return (path[-3:-2] + path[-1:]) in _NAMES_AND_PLACES


def value_at(document: Document, path: Path) -> Value | None:
    """Return the value at a path, or None when it is absent or empty."""
    part: Any = document
    for step in path:
        try:
            part = part[step]
        except (KeyError, IndexError, TypeError):
            return None
    return None if is_empty(part) else part


def ordered_phones(document: Document) -> list[tuple[int, Phone]]:
    """Return the phones by rank, then home, mobile, work, untyped; each with its index.

    Former ones come last.
    """
    phones = document.get("registrant", {}).get("phones", [])
    return sorted(
        enumerate(phones),
        key=lambda phone: (_is_former(phone[1]), _rank(phone[1]), _use(phone[1])),
    )


def chosen_phones(document: Document) -> tuple[int, ...]:
    """Return the index of the main phone, then of the alternate: the next different number.

    Former ones are chosen only where there is no current one.
    """
    given = [pair for pair in ordered_phones(document) if pair[1].get("number", "").strip()]
    current = [pair for pair in given if not _is_former(pair[1])]
    numbers: dict[str, int] = {}
    for index, phone in current or given:
        numbers.setdefault(_dialled(phone["number"].strip()), index)
    return tuple(numbers.values())[:2]


def ordered_emails(document: Document) -> list[tuple[int, Email]]:
    """Return the e-mail addresses by rank, former ones last; each with its index."""
    emails = document.get("registrant", {}).get("emails", [])
    return sorted(enumerate(emails), key=lambda email: (_is_former(email[1]), _rank(email[1])))


def chosen_email(document: Document) -> int | None:
    """Return the index of the e-mail address with the best rank."""
    given = (
        index for index, email in ordered_emails(document) if not is_empty(email.get("address"))
    )
    return next(given, None)


def ordered_addresses(document: Document) -> list[tuple[int, Address]]:
    """Return the addresses, home first, former ones last; each with its index."""
    addresses = document.get("registrant", {}).get("addresses", [])
    return sorted(enumerate(addresses), key=lambda address: _home_first(address[1]))


def chosen_address(document: Document) -> int | None:
    """Return the index of the first address that is not empty, home first, former ones last."""
    addresses = ordered_addresses(document)
    return next((index for index, address in addresses if _is_filled(address)), None)


def chosen_language(document: Document) -> int | None:
    """Return the index of the preferred language, else of the only one."""
    languages = document.get("registrant", {}).get("languages", [])
    named = [index for index, language in enumerate(languages) if _is_named(language)]
    preferred = [index for index in named if languages[index].get("preferred")]
    return next(iter(preferred or (named if len(named) == 1 else ())), None)


def chosen_health_number(document: Document) -> int | None:
    """Return the index of the provincial health number among the registrant's identifiers.

    A former one is chosen only where there is no current one.
    """
    identifiers = document.get("registrant", {}).get("identifiers", [])
    given = [
        (bool(identifier.get("former")), index)
        for index, identifier in enumerate(identifiers)
        if identifier.get("type") == "JHN" and not is_empty(identifier.get("value"))
    ]
    return min(given)[1] if given else None


def is_withdrawn(document: Document) -> bool:
    """Return whether the sender has taken back the request itself."""
    return document.get("request_status", "").strip().casefold() in VOID_REQUESTS


def is_void(document: Document) -> bool:
    """Return whether the appointment does not take place."""
    status = document.get("appointment", {}).get("status", "")
    return status.strip().casefold() in VOID_APPOINTMENTS


def _is_former(part: Phone | Email | Address) -> bool:
    return part.get("former", False)


def _rank(part: Phone | Email) -> int:
    return part.get("rank") or LAST


def _use(phone: Phone) -> int:
    use = phone.get("use", "")
    return PHONE_USES.index(use) if use in PHONE_USES else len(PHONE_USES)


def _dialled(number: str) -> str:
    """Return what is the same for two ways of writing one number."""
    digits = re.sub(r"\D", "", number)
    return digits.removeprefix("1") if len(digits) >= 10 else number.casefold()


def _home_first(address: Address) -> int:
    return 3 if _is_former(address) else {"home": 0, "old": 2}.get(address.get("use", ""), 1)


def _is_filled(address: Address) -> bool:
    return any(path[0] not in ("use", "slot", "former") for path, _ in _leaves(address, ()))


def _is_named(language: Language) -> bool:
    return not (is_empty(language.get("name")) and is_empty(language.get("code")))
