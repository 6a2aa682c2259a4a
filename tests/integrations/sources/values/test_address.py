import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.sources.values.address import complete_address

ALDER = {
    "lines": ["14 Alder Lane"],
    "city": "Hearst",
    "province": "ON",
    "postal_code": "P0L 1N0",
}
IN_CANADA = {**ALDER, "country": "CA"}


@pytest.mark.parametrize(
    "text",
    [
        "14 Alder Lane, Hearst ON P0L 1N0",
        "14 Alder Lane, Hearst, ON P0L 1N0",
        "14 Alder Lane, Hearst, ON, P0L 1N0",
        "14 Alder Lane, Hearst, Ontario  P0L 1N0",
        "14 Alder Lane, Hearst (Ontario) P0L1N0",
        "14 Alder Lane, Hearst, Ont. p0l 1n0",
        "14 Alder Lane\nHearst ON  P0L 1N0",
        "14 Alder Lane\r\nHearst, Ontario\r\nP0L-1N0",
        "14 Alder Lane; Hearst; ON; P0L 1N0",
        "14 Alder Lane, Hearst P0L 1N0, ON",
        "14 Alder Lane, Hearst P0L 1N0 ON",
        " 14  Alder Lane , Hearst  ON P0L 1N0. ",
    ],
)
def test_a_text_fills_what_the_parts_do_not_state(text):
    assert complete_address({}, text) == ALDER
    assert complete_address({"country": "CA"}, text) == IN_CANADA
    assert complete_address({"use": "home", "country": "CA"}, text) == {"use": "home", **IN_CANADA}
    for country in ("Canada", "CA", "CANADA", "CAN"):
        assert complete_address({}, f"{text}, {country}") == IN_CANADA
        assert complete_address({"country": "Canada"}, f"{text}\n{country}") == {
            **ALDER,
            "country": "Canada",
        }


@pytest.mark.parametrize(
    "missing", [["lines"], ["city"], ["province"], ["postal_code"], ["country"]]
)
@pytest.mark.parametrize(
    "more", [[], ["lines", "city"], ["province", "postal_code"], ["city", "country"]]
)
def test_parts_and_text_that_state_the_same_state_it_once(missing, more):
    parts = {key: value for key, value in IN_CANADA.items() if key not in [*missing, *more]}
    text = "14 Alder Lane, Hearst, Ontario P0L 1N0, Canada"
    assert complete_address(parts, text) == IN_CANADA


@pytest.mark.parametrize(
    ("parts", "text", "address"),
    [
        ({}, "", {}),
        (ALDER, "", ALDER),
        (ALDER, "14 Alder Ln, HEARST, on P0L1N0", ALDER),
        (
            {**ALDER, "province": "Ontario"},
            "14 Alder Lane, Hearst ON P0L 1N0",
            {**ALDER, "province": "Ontario"},
        ),
        ({"city": "Hearst"}, "14 Alder Lane Hearst ON P0L 1N0", ALDER),
        (
            {"city": "Hearst"},
            "14 Alder Lane, Hearst",
            {"lines": ["14 Alder Lane"], "city": "Hearst"},
        ),
        ({"country": "CA"}, "14 Alder Lane", {"lines": ["14 Alder Lane"], "country": "CA"}),
        ({}, "No fixed address", {"lines": ["No fixed address"]}),
        ({}, "Behind the arena, ask for Ann", {"lines": ["Behind the arena", "ask for Ann"]}),
        (
            {},
            "14 Alder Lane Hearst ON P0L 1N0",
            {"lines": ["14 Alder Lane Hearst"], "province": "ON", "postal_code": "P0L 1N0"},
        ),
        (
            {"lines": ["118 Birch St", "Unit 4"], "city": "Milltown"},
            "118 Birch Street Unit 4, Milltown, ON P0A 1B0",
            {
                "lines": ["118 Birch St", "Unit 4"],
                "city": "Milltown",
                "province": "ON",
                "postal_code": "P0A 1B0",
            },
        ),
        (
            {"lines": ["118 Birch St"], "city": "Milltown"},
            "118 Birch St, Unit 4, Milltown",
            {"lines": ["118 Birch St", "Unit 4"], "city": "Milltown"},
        ),
        (
            {"lines": ["118 Birch"]},
            "118 Birch St Apt 4, Milltown ON P0A 1B0",
            {
                "lines": ["118 Birch St Apt 4"],
                "city": "Milltown",
                "province": "ON",
                "postal_code": "P0A 1B0",
            },
        ),
        (
            {"city": "Milltown", "postal_code": "P0A 1B0"},
            "14 Alder Lane, Hearst ON P0L 1N0",
            {
                "lines": ["14 Alder Lane", "Hearst", "P0L 1N0"],
                "city": "Milltown",
                "province": "ON",
                "postal_code": "P0A 1B0",
            },
        ),
        (
            {},
            "c/o Ann Roy\n118 Birch St\nUnit 4\nMilltown ON P0A 1B0\nCanada",
            {
                "lines": ["c/o Ann Roy", "118 Birch St", "Unit 4"],
                "city": "Milltown",
                "province": "ON",
                "postal_code": "P0A 1B0",
                "country": "CA",
            },
        ),
        (
            {},
            "118, rue Principale, bureau 200, Montréal (Québec) H2X 1Y4",
            {
                "lines": ["118, rue Principale", "bureau 200"],
                "city": "Montréal",
                "province": "QC",
                "postal_code": "H2X 1Y4",
            },
        ),
        (
            {},
            "12 rue du Quai, Québec QC G1R 4P5",
            {
                "lines": ["12 rue du Quai"],
                "city": "Québec",
                "province": "QC",
                "postal_code": "G1R 4P5",
            },
        ),
        (
            {},
            "3 Water St, St. John's, Newfoundland and Labrador A1C 1A1",
            {
                "lines": ["3 Water St"],
                "city": "St. John's",
                "province": "NL",
                "postal_code": "A1C 1A1",
            },
        ),
        (
            {},
            "5 Quai, Charlottetown, Île-du-Prince-Édouard C1A 4P3",
            {
                "lines": ["5 Quai"],
                "city": "Charlottetown",
                "province": "PE",
                "postal_code": "C1A 4P3",
            },
        ),
        (
            {},
            "14 Alder Lane, Hearst ON",
            {"lines": ["14 Alder Lane"], "city": "Hearst", "province": "ON"},
        ),
        (
            {},
            "14 Alder Lane, Hearst, Ontario",
            {"lines": ["14 Alder Lane"], "city": "Hearst", "province": "ON"},
        ),
        ({}, "100 rue Ontario", {"lines": ["100 rue Ontario"]}),
        ({}, "100 rue Ontario, Montréal", {"lines": ["100 rue Ontario", "Montréal"]}),
        (
            {},
            "Box 9, RR 2, Milltown ON P0A 1B0",
            {
                "lines": ["Box 9", "RR 2"],
                "city": "Milltown",
                "province": "ON",
                "postal_code": "P0A 1B0",
            },
        ),
        ({}, "Hearst ON", {"city": "Hearst", "province": "ON"}),
        ({}, "P0L 1N0", {"postal_code": "P0L 1N0"}),
        ({}, "Canada", {"lines": ["Canada"]}),
        (
            {},
            "1 Lake Ave, Buffalo, NY 14201",
            {"lines": ["1 Lake Ave"], "city": "Buffalo", "province": "NY", "postal_code": "14201"},
        ),
        (
            {},
            "1 Lake Ave, Buffalo, NY 14201-1234, USA",
            {
                "lines": ["1 Lake Ave"],
                "city": "Buffalo",
                "province": "NY",
                "postal_code": "14201-1234",
                "country": "US",
            },
        ),
        (
            {},
            "9 Palm Dr, Los Angeles, CA 90012",
            {
                "lines": ["9 Palm Dr"],
                "city": "Los Angeles",
                "province": "CA",
                "postal_code": "90012",
            },
        ),
        ({}, "9 Palm Dr, Los Angeles, CA", {"lines": ["9 Palm Dr", "Los Angeles", "CA"]}),
        ({}, "12 Rue de la 10000", {"lines": ["12 Rue de la 10000"]}),
        ({}, "10 Downing St, London SW1A 2AA", {"lines": ["10 Downing St", "London SW1A 2AA"]}),
        ({}, "Musterweg 3, 10115 Berlin", {"lines": ["Musterweg 3", "10115 Berlin"]}),
        ({}, "Unit D0D 0D0", {"lines": ["Unit D0D 0D0"]}),  # no postal code has a D
    ],
)
def test_addresses_of_many_forms(parts, text, address):
    assert complete_address(parts, text) == address


def test_the_parts_are_not_changed():
    parts = {"lines": ["118 Birch St"]}
    complete_address(parts, "118 Birch St, Unit 4, Milltown ON P0A 1B0")
    assert parts == {"lines": ["118 Birch St"]}


WORDS = "14 Alder Lane Hearst ON P0L 1N0 Québec (Québec) Canada CA NY 14201 USA , Unit 4 rue"
PIECES = st.sampled_from([*WORDS.split(), "\n", ", "])
texts = st.text(max_size=60) | st.lists(PIECES, max_size=14).map(" ".join)
PLACES = {"québec": "qc", "canada": "ca", "usa": "us", "ontario": "on", "p0l": "p0l", "can": "ca"}


def words(text):
    return {PLACES.get(word, word) for word in re.findall(r"\w+", text.casefold())}


def words_of(address):
    return words(
        " ".join([*address.get("lines", []), *(v for k, v in address.items() if k != "lines")])
    )


@given(st.lists(PIECES, max_size=14).map(" ".join))
def test_no_word_of_the_text_is_lost(text):
    assert words(text) <= words_of(complete_address({}, text))


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "lines": st.lists(
                st.sampled_from(["14 Alder Lane", "Unit 4", "9 Pine Rd"]), max_size=2, min_size=1
            ),
            "city": st.sampled_from(["Hearst", "Québec"]),
            "province": st.sampled_from(["ON", "Québec"]),
            "postal_code": st.sampled_from(["P0L 1N0", "14201"]),
            "country": st.sampled_from(["CA", "Canada", "US"]),
        },
    ),
    texts,
)
def test_the_parts_win_and_no_word_of_either_is_lost(parts, text):
    address = complete_address(parts, text)
    for key in ("city", "province", "postal_code", "country"):
        assert not parts.get(key) or address[key] == parts[key]
    if text.isascii() or set(text.split()) <= {"Québec", "(Québec)"}:
        assert words(text) - {"lane", "rue"} <= words_of(address)
    assert words(" ".join(parts.get("lines", []))) <= words_of(address)


@pytest.mark.parametrize("piece", ["a ", "a, ", "1,", "P0L 1N0 ", "\n", "ON ", "CA, ", "14201 "])
def test_a_long_text_takes_no_time(piece):
    complete_address({"city": "a", "lines": ["a a a"]}, piece * 2_000)
