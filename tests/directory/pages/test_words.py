"""Distances and near words."""

import pytest

from directory.pages.phrases import distance_in_words, zone_in_words
from directory.pages.suggesting import edits


@pytest.mark.parametrize(
    ("metres", "english", "french"),
    [
        (0, "50 m", "50 m"),
        (410, "400 m", "400 m"),
        (974, "950 m", "950 m"),
        (975, "1.0 km", "1,0 km"),
        (1234, "1.2 km", "1,2 km"),
        (9960, "10 km", "10 km"),
        (35_400, "35 km", "35 km"),
    ],
)
def test_distances_are_as_exact_as_people_need(metres, english, french):
    assert distance_in_words(metres, "en").replace("\xa0", " ") == english
    assert distance_in_words(metres, "fr-CA").replace("\xa0", " ") == french


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("food", "food", 0),
        ("fodo", "food", 1),  # swapped
        ("foo", "food", 1),  # left out
        ("foood", "food", 1),  # too many
        ("fool", "food", 1),  # another one
        ("odfo", "food", 2),
        ("shelter", "counselling", 2),  # more than one: two
        ("", "a", 1),
    ],
)
def test_edits_are_counted_up_to_a_limit(one, other, expected):
    assert edits(one, other, 1) == expected


def test_zones_have_names_that_people_know():
    assert zone_in_words("EST", "en") == zone_in_words("EDT", "en") == "Eastern time"
    assert zone_in_words("EDT", "fr") == "heure de l’Est"
    assert zone_in_words("+03", "en") == "+03"
    assert zone_in_words("GST", "en") == "GST"
