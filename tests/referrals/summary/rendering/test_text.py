from hypothesis import given
from hypothesis import strategies as st

from referrals.summary.rendering.text import (
    ENDLESS,
    breakable,
    clean,
    mapped,
    spelled_out,
    steadied,
)

TEXT = st.text()


def test_line_ends_and_tabs_become_plain_ones() -> None:
    assert clean("one\r\ntwo\rthree\u2028four\tfive\u2003six") == "one\ntwo\nthree\nfour five six"


def test_stacks_of_empty_lines_become_one() -> None:
    assert clean("one\n \n\n\n  \ntwo\n\nthree") == "one\n\ntwo\n\nthree"


def test_marks_that_reorder_text_are_taken_out_and_joiners_stay() -> None:
    assert clean("invoice\u202efdp.exe\u2066") == "invoicefdp.exe"
    assert clean("ن\u200cم") == "ن\u200cم"


@given(TEXT)
def test_cleaning_twice_changes_nothing_more(text: str) -> None:
    assert clean(clean(text)) == clean(text)


@given(TEXT)
def test_cleaning_keeps_every_letter(text: str) -> None:
    assert [char for char in clean(text) if char.isalnum()] == [c for c in text if c.isalnum()]


@given(st.text(alphabet="ab e\u0301\n", min_size=50, max_size=400))
def test_no_word_is_endless_and_no_letter_is_lost(text: str) -> None:
    broken = breakable(text)

    assert broken.replace("\u200b", "") == text
    pieces = broken.replace("\u200b", " ").split()
    assert all(len(piece.replace("\u0301", "")) <= ENDLESS for piece in pieces)
    assert "\u200b\u0301" not in broken


def test_a_usual_address_is_left_whole() -> None:
    address = "https://fhir.infoway-inforoute.ca/NamingSystem/ca-on-phn"

    assert breakable(f"see {address} there") == f"see {address} there"


def test_a_character_without_glyph_is_spelled_out() -> None:
    assert spelled_out("Hi 😀", {"😀"}) == "Hi [U+1F600]"


def test_numbers_after_arabic_keep_their_order() -> None:
    assert steadied("هاتف 705-555-0142") == "هاتف \u200e705-555-0142\u200e"
    assert steadied("phone 705-555-0142") == "phone 705-555-0142"


def test_a_document_is_copied_not_changed() -> None:
    document = {"a": ["x", {"b": "y"}], "n": 1, "t": True}

    assert mapped(str.upper, document) == {"a": ["X", {"b": "Y"}], "n": 1, "t": True}
    assert document["a"] == ["x", {"b": "y"}]
