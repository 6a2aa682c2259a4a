"""Flags, e-mail addresses, telephone numbers, gender and periods as they are really sent."""

import re
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import unquote

from integrations.sources.values.dates import read_instant

# -- Flags ---------------------------------------------------------------------------------------

# Not “O” for oui: it is too often a zero, and a permission would come of a refusal.
_YES = frozenset(["true", "t", "yes", "y", "1", "on", "oui", "vrai"])
_NO = frozenset(["false", "f", "no", "n", "0", "off", "non", "faux"])


def read_flag(value: Any) -> bool | None:
    """Return yes or no; None for whatever says neither."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return bool(value) if value in (0, 1) else None
    word = value.strip().casefold().rstrip(".") if isinstance(value, str) else ""
    return True if word in _YES else False if word in _NO else None


# -- E-mail --------------------------------------------------------------------------------------


class Mailbox(NamedTuple):
    """An e-mail address, the name that stands with it, and what else the text says."""

    address: str = ""
    display: str = ""
    rest: str = ""


_AROUND_ADDRESS = r"\s<>()\[\],;:\"“”«»|"
_ADDRESS = re.compile(
    rf"(?<![^{_AROUND_ADDRESS}])[^{_AROUND_ADDRESS}@]+@[^{_AROUND_ADDRESS}@]*[^{_AROUND_ADDRESS}@.!?'’]"
)
_MAILTO = re.compile(r"mailto:\s*([^\s?>]*)(\?[^\s>]*)?", re.IGNORECASE)
_BRACKETED = re.compile(r"[>\s]*\(([^()@]*)\)")
_EDGES = " \t\r\n,;:.!?<>()[]\"'“”«»|/-–"


def read_email(text: str) -> Mailbox:
    """Return the first address of the text, the name of whose it is, and the rest of the text.

    Without an address all of the text is the rest.
    """
    text = _MAILTO.sub(lambda link: unquote(link[1]), text.strip())
    found = _ADDRESS.search(text)
    if not found:
        return Mailbox(rest=text)
    behind = text[found.end() :]
    display = text[: found.start()].strip(_EDGES)
    if not display and (comment := _BRACKETED.match(behind)):  # saga@example.org (Saga Lindqvist)
        display, behind = comment[1].strip(), behind[comment.end() :]
    return Mailbox(found[0].lstrip("'’"), display, behind.strip(_EDGES))


# -- Telephone -----------------------------------------------------------------------------------


class Phone(NamedTuple):
    """A telephone number, and what it is where that is not a telephone: fax, tty, pager, sms."""

    number: str = ""
    kind: str = ""


_KINDS = {
    "fax": "fax facsimile telefax télécopieur telecopieur télécopie telecopie téléc telec",
    "tty": "tty tdd ats tty/tdd tdd/tty tty/ats téléscripteur teléscripteur telescripteur "
    "téléimprimeur teleimprimeur",
    "pager": "pager beeper téléavertisseur teleavertisseur téléchasseur",
    "sms": "sms text texts texting texto textos",
    "": "tel tél telephone téléphone phone callto ph",
}
_KIND_OF = {word: kind for kind, words in _KINDS.items() for word in words.split()}
_WORDS = "|".join(sorted(map(re.escape, _KIND_OF), key=len, reverse=True))
_IN_FRONT = re.compile(
    rf"[(\[]?({_WORDS})\.?(?: ?(?:#|no\.?|number|line|only))?[)\]]? ?[:=-]?(?://)? ?(?=[(+\d])",
    re.I,
)
_BEHIND = re.compile(rf" ?[-,]? ?[(\[]?\b({_WORDS})\.?(?: (?:line|only))?[)\]]?$", re.I)
_URI = re.compile(r"(?:tel|fax|sms|callto|tty|pager):", re.I)
_URI_EXTENSION = re.compile(r";ext=(\d+)", re.I)
_NUMBER = re.compile(r"\d(?:[ ().+-]*\d){6,}")


def read_phone(text: str) -> Phone:
    """Return the number without the word that says what it is; an extension stays with it.

    A text with several numbers comes back as it is: which of them the word is about is not sure.
    """
    text = " ".join(text.split())
    if text.lower() == text.upper():  # no letter says what it is
        return Phone(text)
    number = _URI_EXTENSION.sub(r" ext. \1", unquote(text)) if _URI.match(text) else text
    if len(_NUMBER.findall(number)) > 1:
        return Phone(text)
    kind = ""
    for pattern in (_IN_FRONT, _BEHIND):
        if found := (pattern.match if pattern is _IN_FRONT else pattern.search)(number):
            kind = kind or _KIND_OF[found[1].casefold()]
            number = f"{number[: found.start()]}{number[found.end() :]}".strip()
    return Phone(number, kind) if any(map(str.isdigit, number)) else Phone(text)


# -- Gender --------------------------------------------------------------------------------------

_GENDERS = {
    "male": "m male man boy h homme masculin garçon garcon",
    "female": "f female woman girl femme féminin feminin féminine feminine fille",
    "other": "x o other autre non-binary nonbinary non-binaire nonbinaire",
    "unknown": "u unknown unk inconnu inconnue",
}
_GENDER_OF = {word: code for code, words in _GENDERS.items() for word in words.split()}


def read_gender(text: str) -> str:
    """Return FHIR's code for a letter or a word that surely means it, else the text, in lower case.

    "Male (M)" says one thing, and "F/M" two.
    """
    word = " ".join(text.casefold().replace("‑", "-").split())
    if known := _GENDER_OF.get(word.strip(" .").replace("non ", "non-")):
        return known
    codes = {_GENDER_OF.get(part) for part in re.findall(r"[^\W\d_]+", word)}
    return next(iter(codes)) or word if len(codes) == 1 else word


# -- Periods -------------------------------------------------------------------------------------


def has_ended(end: str, at: datetime) -> bool:
    """Return whether a period with this end is over at the aware instant `at`.

    A date ends with its day, a month with its last day; both, and a clock without zone, are in the
    time zone of `at`. What cannot be read has not ended.
    """
    read = read_instant(end)
    if read.date:
        return at.date().isoformat()[: len(read.date)] > read.date
    if read.at is None:
        return False
    return (read.at if read.at.tzinfo else read.at.replace(tzinfo=at.tzinfo)) < at
