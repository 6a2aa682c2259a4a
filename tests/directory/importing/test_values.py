"""Cells as values: what is read, and what is refused with a sentence."""

import pytest

from directory.importing.values import BadCell, read_cell
from directory.tables import TABLES

LOCATION, COST = TABLES["location"], TABLES["cost_option"]


@pytest.mark.parametrize(
    ("text", "number"),
    [("46.5", 46.5), (" -81,0012 ", -81.0012), ("46,5", 46.5), ("46,4925", 46.4925), (45, 45)],
)
def test_coordinates_with_a_point_or_a_comma(text, number):
    assert read_cell(LOCATION, LOCATION.columns["latitude"], text) == number


@pytest.mark.parametrize("text", ["1,000", "1_000", "46°30'", "1,2,3", "nan", "1e400", True, ","])
def test_what_may_be_another_number_or_none_is_refused(text):
    with pytest.raises(BadCell, match="is not a number"):
        read_cell(COST, COST.columns["amount"], text)
