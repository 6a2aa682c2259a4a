"""Phone numbers and extensions: kept as they came, and compared, linked and checked by number."""

import re
from dataclasses import dataclass

import phonenumbers
from phonenumbers import (
    PhoneNumber,
    PhoneNumberFormat,
    PhoneNumberType,
    ValidationResult,
    shortnumberinfo,
)

REGION = "CA"  # its numbers are those of the United States, too
_EXTENSION = re.compile(
    r"[\s,;(]*(?:\b(?:ext(?:ension)?|extn|x|poste|p)|#)[\s.:#]*(\d{1,8})\)?\s*$",
    re.IGNORECASE | re.ASCII,
)
_SHORT = re.compile(r"\D*(?:\d(?:-?\d){2,3}|\d{5,6})\D*", re.ASCII)
_IN_WORDS = re.compile(
    r"(?:(?P<before>.+) \()?(?:ext\.|poste) (?P<extension>[^\s()]{1,50})(?(before)\))", re.S
)
_PLAIN_EXTENSION = re.compile(r"0|[1-9]\d{0,14}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Phone:
    """A phone number: `number` as people write it, without its extension."""

    number: str
    extension: str = ""


def split(text: str) -> Phone:
    """Return number and extension of a text such as `705-555-0142 ext. 12` or `poste 12`."""
    found = _EXTENSION.search(text)
    if found is None or not re.search(r"\d", text[: found.start()]):
        return Phone(text.strip())
    return Phone(text[: found.start()].strip(), found[1])


def extension_in_words(description: str) -> tuple[str, str]:
    """Return a description, and the extension that a file of ours put at its end.

    HSDS has numbers for extensions, so `007` stands in words: `Reception (ext. 007)`.
    """
    found = _IN_WORDS.fullmatch(description)
    if found is None or is_plain_extension(found["extension"]):
        return description, ""
    return found["before"] or "", found["extension"]


def key(number: str) -> str:
    """Return what is equal for all spellings of a number, to compare by: `+17055550142`.

    A text that is no number compares by its digits, and by its letters where it has none.
    """
    parsed = _parse(number)
    if parsed is not None:
        parsed.extension = None
        return phonenumbers.format_number(parsed, PhoneNumberFormat.E164)
    return re.sub(r"\D", "", number) or number.casefold().strip()


def link(number: str, extension: str = "") -> str | None:
    """Return the `tel:` link of a number, or None where it cannot be dialed as it stands."""
    parsed = _parse(number)
    if parsed is None:
        digits = re.sub(r"\D", "", number)
        return f"tel:{digits}" if _is_short(number) else None
    parsed.extension = extension if extension.isdecimal() else parsed.extension
    return phonenumbers.format_number(parsed, PhoneNumberFormat.RFC3966)


def is_valid(number: str) -> bool:
    """Return whether somebody could dial it: a number of a plan, or a short one such as 2-1-1."""
    return _parse(number) is not None or _is_short(number)


def is_toll_free(number: str) -> bool:
    parsed = _parse(number)
    if parsed is None:
        return False
    return phonenumbers.number_type(parsed) == PhoneNumberType.TOLL_FREE


def is_plain_extension(extension: str) -> bool:
    """Return whether a number can stand for the extension: `12` can, `007` and `12a` cannot."""
    return bool(_PLAIN_EXTENSION.fullmatch(extension))


def _parse(number: str) -> PhoneNumber | None:
    try:
        parsed = phonenumbers.parse(number[:250], REGION)
    except phonenumbers.NumberParseException:
        return None
    # Without its area code, a number cannot be dialed from everywhere.
    possible = phonenumbers.is_possible_number_with_reason(parsed)
    return parsed if possible == ValidationResult.IS_POSSIBLE else None


def _is_short(number: str) -> bool:
    """Return whether it is 9-1-1, 2-1-1, or the number of a text line."""
    digits = re.sub(r"\D", "", number)
    if not _SHORT.fullmatch(number):
        return False
    return len(digits) in (5, 6) or shortnumberinfo.is_possible_short_number(
        phonenumbers.parse(digits, REGION)
    )
