"""Single values as suppliers write them, and odd ones of each kind."""

import math
from datetime import date, datetime
from decimal import Decimal
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from directory.reading import coordinates, days, links, phones, postcodes, texts

# -- Texts --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Centre d’accueil  ", "Centre d’accueil  "),
        ("one\x0btwo\x0cthree", "one\ntwo\nthree"),
        ("one\r\ntwo\rthree\x85four\u2028five", "one\ntwo\nthree\nfour\nfive"),
        ("It\x92s 5\x96 to 9", "It’s 5– to 9"),  # windows-1252, read as ISO-8859-1
        ("bell\x07 nul\0 del\x7f", "bell  nul  del "),
        ("\ufeffName", "Name"),
        ("hidden\u202eorder", "hiddenorder"),
        ("half \ud83d of a face", "half \ufffd of a face"),
        ("a\tb", "a\tb"),
        ("<b>bold</b> & x < y", "<b>bold</b> & x < y"),
        ("hole\x81", "hole\ufffd"),
    ],
)
def test_a_text_loses_its_control_characters_and_nothing_else(text: str, expected: str) -> None:
    assert texts.clean(text) == expected


@given(st.text())
def test_a_clean_text_is_clean(text: str) -> None:
    once = texts.clean(text)
    assert texts.clean(once) == once
    written = texts.clean_for_csv(text)
    assert not [c for c in written if c != "\n" and (ord(c) < 32 or 127 <= ord(c) < 160)]
    written.encode()


@pytest.mark.parametrize(
    "raw",
    [
        "Hébergement".encode(),
        "Hébergement".encode("cp1252"),
        "Hébergement".encode("utf-8-sig"),
        "Hébergement".encode("utf-16"),
        "Hébergement".encode("utf-32"),
    ],
)
def test_a_file_is_decoded_by_what_it_holds(raw: bytes) -> None:
    assert texts.decode(raw) == "Hébergement"


def test_one_broken_character_does_not_change_the_others() -> None:
    assert texts.decode("é à ç ".encode() + b"\xe9") == "é à ç \ufffd"


def test_a_character_may_lie_across_two_chunks() -> None:
    raw = b"a" * ((1 << 20) - 1) + "é".encode()
    assert texts.encoding_of(BytesIO(raw)) == "utf-8"


# -- Phones -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "number", "extension"),
    [
        ("705-555-0142", "705-555-0142", ""),
        ("705-555-0142 ext. 12", "705-555-0142", "12"),
        ("705-555-0142 x12", "705-555-0142", "12"),
        ("705-555-0142, poste 12", "705-555-0142", "12"),
        ("(705) 555-0142 (ext 007)", "(705) 555-0142", "007"),
        ("705-555-0142 #12", "705-555-0142", "12"),
        ("1-800-GO-BIRCH", "1-800-GO-BIRCH", ""),
        ("#211", "#211", ""),
        ("ext. 12", "ext. 12", ""),
        ("705-555-0142 or 705-555-0143", "705-555-0142 or 705-555-0143", ""),
        ("", "", ""),
    ],
)
def test_an_extension_is_split_from_its_number(text: str, number: str, extension: str) -> None:
    assert phones.split(text) == phones.Phone(number, extension)


@pytest.mark.parametrize(
    ("description", "expected"),
    [
        ("ext. 007", ("", "007")),
        ("poste 007", ("", "007")),
        ("Reception (ext. 12a)", ("Reception", "12a")),
        ("Reception (day) (ext. 007)", ("Reception (day)", "007")),
        ("ext. 12", ("ext. 12", "")),  # a number: it would stand in its column
        ("Reception ext. 007", ("Reception ext. 007", "")),
        ("Reception", ("Reception", "")),
    ],
)
def test_an_extension_that_is_no_number_is_read_back(
    description: str, expected: tuple[str, str]
) -> None:
    assert phones.extension_in_words(description) == expected


@pytest.mark.parametrize(
    "spelling",
    ["705-555-0142", "(705) 555-0142", "+1 705 555 0142", "1.705.555.0142", "7055550142 ext. 3"],
)
def test_all_spellings_of_a_number_compare_as_one(spelling: str) -> None:
    assert phones.key(spelling) == "+17055550142"


def test_what_is_no_number_compares_by_its_digits_or_letters() -> None:
    assert phones.key("2-1-1") == phones.key("211")
    assert phones.key("Ask inside") == phones.key("ask inside ")
    assert phones.key("211") != phones.key("911")


@pytest.mark.parametrize(
    "number",
    ["705-555-0142", "+44 1234 234567", "1-800-463-2338", "9-1-1", "211", "988", "741741"],
)
def test_numbers_that_can_be_dialed_are_valid(number: str) -> None:
    assert phones.is_valid(number)
    assert phones.link(number)


@pytest.mark.parametrize(
    "number", ["", "555-014", "555-0142", "call us", "705-555-01425", "0", "12"]
)
def test_numbers_that_cannot_be_dialed_are_not(number: str) -> None:
    assert not phones.is_valid(number)
    assert phones.link(number) is None


def test_a_link_dials_the_extension() -> None:
    assert phones.link("705-555-0142", "12") == "tel:+1-705-555-0142;ext=12"
    assert phones.link("705-555-0142", "ask for Jo") == "tel:+1-705-555-0142"
    assert phones.link("2-1-1") == "tel:211"


@pytest.mark.parametrize(
    ("number", "expected"),
    [("1-800-463-2338", True), ("833 456 4566", True), ("705-555-0142", False), ("211", False)],
)
def test_toll_free_numbers_are_known(number: str, expected: bool) -> None:
    assert phones.is_toll_free(number) is expected


@pytest.mark.parametrize(
    ("extension", "expected"),
    [("12", True), ("0", True), ("007", False), ("12a", False), ("", False), ("1,2", False)],
)
def test_an_extension_is_plain_where_a_number_can_stand_for_it(
    extension: str, expected: bool
) -> None:
    assert phones.is_plain_extension(extension) is expected


# -- Postcodes ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("K1A 0B1", "K1A 0B1"),
        ("k1a0b1", "K1A 0B1"),
        (" k1a-0b1 ", "K1A 0B1"),
        ("12345", "12345"),
        ("12345-6789", "12345-6789"),
        ("123456789", "12345-6789"),
        ("D1A 0B1", None),  # no post office has a D
        ("K1A 0B", None),
        ("1234", None),
        ("ABC 1234", None),
        ("", None),
    ],
)
def test_postcodes(text: str, expected: str | None) -> None:
    assert postcodes.normalize(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("k1a0b1", ["K1A 0B1", "K1A"]),
        ("K1A", ["K1A"]),
        ("12345-6789", ["12345-6789", "12345"]),
        ("12345", ["12345"]),
        ("Q1A", []),
        ("Milltown", []),
    ],
)
def test_a_postcode_is_also_found_by_its_beginning(text: str, expected: list[str]) -> None:
    assert postcodes.lookups(text) == expected


# -- Coordinates --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("latitude", "longitude", "expected"),
    [
        ("46.49", "-81.01", ("46.49", "-81.01")),
        (46.4900001, -81.0100004, ("46.4900001", "-81.0100004")),
        ("46,49", "-81,01", ("46.49", "-81.01")),
        (51.5, -0.12, ("51.5", "-0.12")),
        (0, 10, ("0", "10")),
    ],
)
def test_a_place(latitude: object, longitude: object, expected: tuple[str, str]) -> None:
    place = coordinates.read(latitude, longitude)
    assert (place.latitude, place.longitude) == (Decimal(expected[0]), Decimal(expected[1]))
    assert not place.problem


@pytest.mark.parametrize(
    ("latitude", "longitude"),
    [
        (0, 0),
        ("0.0", "-0"),
        (100, 101),
        ("north", "west"),
        ("46.49", ""),
        (None, -81),
        ("NaN", "1"),
        ("1e9", "1"),
        ("inf", "inf"),
    ],
)
def test_what_is_no_place_gives_the_reason(latitude: object, longitude: object) -> None:
    place = coordinates.read(latitude, longitude)
    assert place.latitude is None
    assert place.problem.endswith(".")


@pytest.mark.parametrize(("latitude", "longitude"), [("-81.01", "46.49"), (-123.1, 49.28)])
def test_swapped_coordinates_are_put_right(latitude: object, longitude: object) -> None:
    place = coordinates.read(latitude, longitude)
    assert place.latitude
    assert place.latitude > 0
    assert "swapped" in place.problem


def test_nothing_given_is_no_place_and_no_problem() -> None:
    assert coordinates.read(None, "") == coordinates.Place()


def test_the_distance_of_known_towns() -> None:
    toronto, ottawa = (43.6532, -79.3832), (45.4215, -75.6972)
    assert coordinates.distance(toronto, ottawa) == pytest.approx(352_000, rel=0.01)
    assert coordinates.distance((0, 179.9), (0, -179.9)) == pytest.approx(22_239, rel=0.01)


places = st.tuples(st.floats(-89.9, 89.9), st.floats(-180, 180))


@given(places, st.floats(1, 2_000_000), st.floats(0, 360), st.floats(0, 0.999))
def test_a_box_holds_all_that_is_near(
    place: tuple[float, float], metres: float, bearing: float, part: float
) -> None:
    other = _away(place, metres * part, bearing)
    south, north, west, east = coordinates.box(*place, metres)
    assert south <= other[0] <= north
    assert west <= other[1] <= east


def _away(place: tuple[float, float], metres: float, bearing: float) -> tuple[float, float]:
    """Where somebody is who walks so far on the sphere."""
    latitude, longitude = map(math.radians, place)
    angle, turn = metres / 6_371_008.8, math.radians(bearing)
    north = math.asin(
        math.sin(latitude) * math.cos(angle) + math.cos(latitude) * math.sin(angle) * math.cos(turn)
    )
    east = longitude + math.atan2(
        math.sin(turn) * math.sin(angle) * math.cos(latitude),
        math.cos(angle) - math.sin(latitude) * math.sin(north),
    )
    return math.degrees(north), (math.degrees(east) + 540) % 360 - 180


# -- Links and days -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://birchwood.example.org/a?b=c", "https://birchwood.example.org/a?b=c"),
        ("http://example.com", "http://example.com"),
        ("www.example.org", "https://www.example.org"),
        ("example.org/path", "https://example.org/path"),
        ("mailto:info@example.org", "mailto:info@example.org"),
        ("tel:+17055550142", "tel:+17055550142"),
        ("javascript:alert(1)", None),
        ("JavaScript:alert(1)", None),
        ("java\nscript:alert(1)", None),
        ("\x01javascript:alert(1)", None),
        ("data:text/html,x", None),
        ("vbscript:x", None),
        ("//example.org", None),
        ("http:alert(1)", None),
        ("https://[broken", None),
        ("see our page", None),
        ("", None),
    ],
)
def test_links(text: str, expected: str | None) -> None:
    assert links.safe(text) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-11-30", date(2026, 11, 30)),
        ("2026-11-30 14:05:00", date(2026, 11, 30)),
        ("2026-11-30T14:05:00Z", date(2026, 11, 30)),
        ("11/30/2026", date(2026, 11, 30)),
        ("11/30/2026 2:05 PM", date(2026, 11, 30)),
        (datetime(2026, 11, 30, 14), date(2026, 11, 30)),  # noqa: DTZ001
        ("1900-01-01", None),
        ("1900-01-01 00:00:00", None),
        ("01/01/1900", None),
        ("30/11/2026", None),
        ("2026-02-30", None),
        ("soon", None),
        ("", None),
        (None, None),
    ],
)
def test_days(value: object, expected: date | None) -> None:
    assert days.parse_day(value) == expected


def test_moments() -> None:
    assert days.parse_moment("2026-11-30 14:05:00") == datetime(2026, 11, 30, 14, 5)  # noqa: DTZ001
    with_offset = days.parse_moment("2023-03-15T10:30:45.123Z")
    assert with_offset
    assert with_offset.tzinfo
    assert days.parse_moment("1900-01-01 00:00:00") is None
    assert days.parse_moment("yesterday") is None
