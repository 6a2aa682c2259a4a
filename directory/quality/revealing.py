"""Texts that say what is confidential elsewhere: a street, a phone number, an e-mail address."""

import re
from collections.abc import Iterator

from django.db.models import Q

from directory import models as rows
from directory.models import HIDDEN, Answer

_SHORTEST = 5  # letters and digits: less would be found everywhere
_HOUSE = re.compile(r"^\W*\d+\w*[\s,]+")
_DIGITS = re.compile(r"(?:\d[\s().-]{0,2}){7,15}", re.ASCII)


def revealing() -> Iterator[int]:
    """Yield the entries whose public answers hold something confidential, in any language.

    All answers are read once; what is confidential is usually little.
    """
    texts, numbers = _secrets()
    if not texts and not numbers:
        return
    pattern = re.compile("|".join(map(re.escape, sorted(texts, key=len, reverse=True))) or "(?!)")
    for key, full in Answer.objects.order_by("entry").values_list("entry", "full").iterator(500):
        if pattern.search(_plain(full)) or any(
            _number(found[0]) in numbers for found in _DIGITS.finditer(full)
        ):
            yield key


def _secrets() -> tuple[set[str], set[str]]:
    """Return the streets and e-mail addresses that are confidential, and the phone numbers."""
    secret = rows.Address.objects.filter(Q(location__entry__secrecy__in=HIDDEN) | Q(private=True))
    lines = [text for by in secret.values_list("address_1", flat=True) for text in by.values()]
    # A shelter may be named after its street, without the number.
    streets = [*lines, *(_HOUSE.sub("", line) for line in lines)]
    emails = [
        email
        for model in (rows.Contact, rows.Agency, rows.Service)
        for email in model._default_manager.filter(email_secrecy__in=HIDDEN).values_list(
            "email", flat=True
        )
    ]
    emails += rows.Contact.objects.filter(secrecy__in=HIDDEN).values_list("email", flat=True)
    hidden = rows.Phone.objects.filter(Q(secrecy__in=HIDDEN) | Q(contact__secrecy__in=HIDDEN))
    texts = {_plain(text) for text in (*streets, *emails)}
    numbers = {_number(number) for number in hidden.values_list("number", flat=True)}
    return {text for text in texts if len(text) >= _SHORTEST}, {n for n in numbers if len(n) >= 7}


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())


def _number(text: str) -> str:
    return re.sub(r"\D", "", text)[-10:]
