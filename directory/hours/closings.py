"""Closings: the days on which a schedule does not hold, as sentences at the head of a text.

HSDS 3.x has no row that closes, so a closing is a sentence in front of a schedule's notes or of a
service's alert: `Closed 2026-12-24 to 2026-12-26.` or `Fermé le 2026-12-25.`
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

_DAY = r"(\d{4}-\d{2}-\d{2})"
_SENTENCES = re.compile(
    rf"\s*(?:Closed {_DAY}(?: to {_DAY})?|Fermé (?:le {_DAY}|du {_DAY} au {_DAY}))\.(?=\s|$)",
    re.ASCII,
)


@dataclass(frozen=True, slots=True, order=True)
class Closing:
    """Days on which a schedule is closed, both included."""

    first: date
    last: date

    def covers(self, day: date) -> bool:
        return self.first <= day <= self.last

    def sentence(self, language: str) -> str:
        """Return the sentence that says so, in French or else in English."""
        is_one_day = self.first == self.last
        if language.split("-")[0] == "fr":
            return (
                f"Fermé le {self.first}."
                if is_one_day
                else f"Fermé du {self.first} au {self.last}."
            )
        return f"Closed {self.first}." if is_one_day else f"Closed {self.first} to {self.last}."


def split(text: str) -> tuple[tuple[Closing, ...], str]:
    """Return the closings at the head of a text, in either language, and the rest of the text.

    A sentence with a day that does not exist, or with its days in the wrong order, is text.
    """
    closings = []
    rest = unicodedata.normalize("NFC", text) if "Fermé"[:4] in text else text
    while (found := _SENTENCES.match(rest)) and (closing := _closing(found)):
        closings.append(closing)
        rest = rest[found.end() :]
    if not closings:
        return (), text
    return tuple(closings), rest.lstrip()


def join(closings: Iterable[Closing], text: str, language: str) -> str:
    """Return the text with the sentences of the closings at its head, in the language."""
    sentences = [closing.sentence(language) for closing in closings]
    return " ".join([*sentences, text] if text else sentences)


def from_days(days: Iterable[date]) -> tuple[Closing, ...]:
    """Return closings that cover just these days, days in a row as one."""
    closings: list[Closing] = []
    for day in sorted(set(days)):
        if closings and closings[-1].last + timedelta(days=1) == day:
            closings[-1] = Closing(closings[-1].first, day)
        else:
            closings.append(Closing(day, day))
    return tuple(closings)


def _closing(found: re.Match[str]) -> Closing | None:
    try:
        days = [date.fromisoformat(day) for day in found.groups() if day]
    except ValueError:
        return None
    closing = Closing(days[0], days[-1])
    return closing if closing.first <= closing.last else None
