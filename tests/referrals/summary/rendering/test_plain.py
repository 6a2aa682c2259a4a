from io import BytesIO

from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfReader

from referrals.summary.rendering import fonts, plain


def lines_of(lines: list[str]) -> list[str]:
    families = fonts.choose("".join(lines)).families
    pages = PdfReader(BytesIO(plain.pdf("Test", lines, families))).pages
    return [line for page in pages for line in page.extract_text().splitlines()]


def test_lines_are_printed_with_a_confidential_footer() -> None:
    assert lines_of(["One", "Two"]) == ["One", "Two", "Confidential · Test · Page 1 of 1"]


def test_a_long_line_is_broken_between_words() -> None:
    *lines, _ = lines_of(["word " * 40])

    assert [len(line) for line in lines] == [84, 84, 29]


@given(st.text(alphabet="ab \u4e00", max_size=500))
def test_wrapping_loses_no_letter_and_fits_the_page(line: str) -> None:
    wrapped = list(plain._wrapped(line))

    assert "".join("".join(wrapped).split()) == "".join(line.split())
    assert all(len(piece.strip()) <= plain.COLUMNS for piece in wrapped)


def test_arabic_stands_in_reading_order_and_numbers_in_theirs() -> None:
    assert plain._in_visual_order("שלום 12") == "12 םולש"


def test_indentation_survives_wrapping() -> None:
    assert all(line.startswith("    ") for line in plain._wrapped("    " + "word " * 40))


def test_too_long_a_text_ends_with_a_pointer_to_the_rest(monkeypatch) -> None:
    monkeypatch.setattr(plain, "MAX_PAGES", 2)

    lines = lines_of(["line"] * 300)

    assert lines[-2:] == [plain.CUT, "Confidential · Test · Page 3 of 3"]
