"""Dates and times on a page that are not written as the portal writes them (`config/formats`)."""

import re
from collections.abc import Iterator

from tests.french import Page

_MONTH = (
    r"(?:janv?|f[ée]vr?|feb|mars?|a[pv]r|ma[iy]|june?|juin|juil|july?|ao[ûu]t|aug|sept?|oct|nov|"
    r"d[ée]c)[a-zéû]*\.?"
)
_ANY_DATE = re.compile(
    rf"\b\d{{4}}[-/.]\d\d[-/.]\d\d\b|\b\d{{1,2}}/\d{{1,2}}/\d{{2,4}}\b|"
    rf"\b\d{{1,2}}(?:er|st|nd|rd|th)?[ \xa0-]{_MONTH}(?:,?[ \xa0-]\d{{4}})?|"
    rf"\b{_MONTH}[ \xa0]\d{{1,2}}(?:st|nd|rd|th)?\b(?:,?[ \xa0]\d{{4}})?",
    re.IGNORECASE,
)
_ANY_TIME = re.compile(
    r"\b\d{1,2}(?::\d\d){1,2}\b(?:[ \xa0]?[ap]\.?m\b\.?)?|\b\d{1,2}[ \xa0]?[ap]\.?m\b\.?|"
    r"\b\d{1,2}[ \xa0]?h[ \xa0]?(?:\d\d)?\b",
    re.IGNORECASE,
)
_OURS = {
    "en": re.compile(r"[A-Z][a-z]{2} \d{1,2}(, \d{4})?|\d\d:\d\d(:\d\d)?"),
    "fr": re.compile(r"\d{1,2} [a-zéû]{3,5}\.?( \d{4})?|\d{1,2}[ \xa0]h[ \xa0]\d\d"),
}
_PRINTED = re.compile(r"<dl[^>]* data-printed\b[^>]*>.*?</dl>", re.DOTALL)
# What is no date: a word that begins like a month, before or after a number.
_WORDS = re.compile(r"(?:main|market|maison|march[ée]|octets?|secours|mapp|decid|d[ée]cid)", re.I)


def other_dates_in(html: str, language: str) -> Iterator[str]:
    """Yield each text with a date or time in another style than that of the language, “en” or “fr”.

    What the page marks as quoted is left out: a message as it came, the Summary as it is printed.
    """
    ours = _OURS[language]
    for text in Page(_PRINTED.sub("", html), language).texts:
        found = (*_ANY_DATE.finditer(text), *_ANY_TIME.finditer(text))
        if any(not ours.fullmatch(one[0]) and not _WORDS.search(one[0]) for one in found):
            yield text
