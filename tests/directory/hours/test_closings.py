"""Closings: sentences in English and French, written and read back."""

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from directory.hours.closings import Closing, from_days, join, split

CHRISTMAS = Closing(date(2026, 12, 25), date(2026, 12, 25))
HOLIDAYS = Closing(date(2026, 12, 24), date(2026, 12, 26))

closings = st.tuples(st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.integers(0, 400)).map(
    lambda drawn: Closing(drawn[0], drawn[0] + timedelta(days=drawn[1]))
)


@pytest.mark.parametrize(
    ("closing", "language", "sentence"),
    [
        (HOLIDAYS, "en", "Closed 2026-12-24 to 2026-12-26."),
        (CHRISTMAS, "en", "Closed 2026-12-25."),
        (HOLIDAYS, "fr", "Fermé du 2026-12-24 au 2026-12-26."),
        (CHRISTMAS, "fr", "Fermé le 2026-12-25."),
        (CHRISTMAS, "fr-CA", "Fermé le 2026-12-25."),
        (CHRISTMAS, "oj", "Closed 2026-12-25."),
    ],
)
def test_a_closing_is_one_sentence(closing: Closing, language: str, sentence: str) -> None:
    assert closing.sentence(language) == sentence
    assert split(sentence) == ((closing,), "")


def test_the_rest_of_the_notes_stands_behind_the_closings() -> None:
    notes = "Closed 2026-12-24 to 2026-12-26. Closed 2026-12-25. Bring a friend."
    assert split(notes) == ((HOLIDAYS, CHRISTMAS), "Bring a friend.")
    assert join((HOLIDAYS, CHRISTMAS), "Bring a friend.", "en") == notes


def test_french_with_an_accent_of_its_own_is_read() -> None:
    assert split("Ferme\u0301 le 2026-12-25. Bonjour") == ((CHRISTMAS,), "Bonjour")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Closed on Mondays.",
        "Closed 2026-13-01.",
        "Closed 2026-02-30 to 2026-03-02.",
        "Closed 2026-12-26 to 2026-12-24.",
        "Closed 2026-12-25",
        "Closed 2026-12-25.5",
        "We are closed 2026-12-25.",
        "Bring a friend. Closed 2026-12-25.",
        "Fermé du 2026-12-24 to 2026-12-26.",
        "closed 2026-12-25.",
    ],
)
def test_what_is_no_closing_at_the_head_stays_text(text: str) -> None:
    assert split(text) == ((), text)


@given(st.lists(closings, max_size=5), st.text(max_size=30), st.sampled_from(["en", "fr"]))
def test_what_is_written_is_read_back(some: list[Closing], text: str, language: str) -> None:
    rest = f"Note: {text}".strip()
    assert split(join(some, rest, language)) == (tuple(some), rest)


@given(st.sets(st.dates(date(2026, 1, 1), date(2026, 3, 1))))
def test_days_become_closings_of_just_these_days(days: set[date]) -> None:
    every = [date(2025, 12, 1) + timedelta(days=number) for number in range(150)]
    found = from_days(days)
    assert {day for day in every if any(closing.covers(day) for closing in found)} == days
    assert all(one.last + timedelta(days=1) < two.first for one, two in pairwise(found))
