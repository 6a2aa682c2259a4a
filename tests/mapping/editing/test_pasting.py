"""What is pasted from a spreadsheet is understood, or its line is named."""

from hypothesis import given
from hypothesis import strategies as st

from mapping.editing.pasting import pasted

cells = st.text(
    st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp", "Zs"), exclude_characters='"*'),
    min_size=1,
    max_size=20,
)


@given(st.dictionaries(cells, cells, min_size=2))
def test_two_columns_become_entries(table: dict[str, str]) -> None:
    text = "As sent\tCRMS\r\n" + "\r\n".join(f"{sent}\t{value}" for sent, value in table.items())
    understood = pasted(text)
    assert dict(understood.entries) == table
    assert understood.problems == ("Line 1 was left out: it has the headings.",)


def test_an_empty_second_column_is_a_value() -> None:
    assert pasted("unknown\t\nmale\tM").entries == (("unknown", ""), ("male", "M"))


def test_quotes_and_empty_columns_of_the_spreadsheet_are_left_out() -> None:
    assert pasted('"prefers not to say"\t"N"\t\t').entries == (("prefers not to say", "N"),)


def test_a_line_that_cannot_be_an_entry_is_named() -> None:
    understood = pasted("one\na\tb\tc\n\tno key\n*\tall\nfine\tF")
    assert understood.entries == (("fine", "F"),)
    assert [problem.split(" was")[0] for problem in understood.problems] == [
        "Line 1",
        "Line 2",
        "Line 3",
        "Line 4",
    ]


def test_a_value_that_stands_there_twice_is_named_and_the_last_counts() -> None:
    understood = pasted("male\tM\nmale\tm")
    assert understood.entries == (("male", "m"),)
    assert "Line 2 repeats “male”" in understood.problems[0]


def test_a_summary_counts_what_changes() -> None:
    existing = {"male": "M", "female": "F"}
    sentence = pasted("male\tM\nfemale\twoman\nother\tX").summary(existing)
    assert sentence == "3 rows understood: 1 new, 1 changed, 1 the same."
