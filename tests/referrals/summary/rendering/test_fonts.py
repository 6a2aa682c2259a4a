import unicodedata

import pytest

from referrals.summary.rendering import fonts

ALPHABETS = {
    "French": "àâæçéèêëîïôœùûüÿ«»’",
    "Inuktitut": "ᐃᓄᒃᑎᑐᑦ",
    "Plains Cree": "ᓀᐦᐃᔭᐍᐏᐣ ē ī ō ā",
    "Dene": "ą́ ę̀ ı̨ ł ʔ ɂ Ɂ ʼ tthʼ",
    "SENĆOŦEN": "Ⱥ Ȼ Ⱦ Ḵ Ŧ Ś W̱ ʷ",
    "Kanien’kéha": "á à: ò: kéha",
    "Arabic": "ابتثجحخ",
    "Urdu": "ٹ ڈ ں ے",
    "Hebrew": "אבגד",
    "Vietnamese": "ỗ ữ ặ đ",
    "Tamil": "முருகன்",
    "Punjabi": "ਗੁਰਪ੍ਰੀਤ",
    "Tigrinya": "ሰላም",
    "Chinese": "简体繁體",
    "Japanese": "ひらがなカタカナ",
    "Korean": "한국어",
    "Cyrillic": "Їжак ў",
}


@pytest.mark.parametrize("text", ALPHABETS.values(), ids=ALPHABETS)
def test_the_languages_of_clients_have_glyphs(text: str) -> None:
    assert fonts.choose(text).missing == frozenset()


def test_a_text_in_english_or_french_needs_liberation_alone() -> None:
    assert fonts.choose("Élodie’s œuvre — 12 €").families == ("Liberation Sans",)


def test_only_the_fonts_of_the_scripts_in_a_text_are_read() -> None:
    assert fonts.choose("李 and שלום").families == (
        "Liberation Sans",
        "Noto Sans Hebrew",
        "Noto Sans CJK JP",
    )


def test_what_no_font_has_is_missing() -> None:
    assert fonts.choose("a😀\ue000").missing == {"😀", "\ue000"}


def test_invisible_characters_need_no_glyph() -> None:
    assert fonts.choose("a\u200b\u200d\u00ad\ufe0f\n\xa0").missing == frozenset()


def test_a_missing_font_file_is_no_font(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    gone = fonts.Font("Gone", "none", tmp_path / "gone.ttf", None, fonts.EVERYTHING)
    monkeypatch.setattr(fonts, "FONTS", (gone,))

    assert fonts.choose("é").missing == {"é"}


def test_a_character_is_described_by_code_point_and_name() -> None:
    assert fonts.describe("😀") == "U+1F600 grinning face"
    assert fonts.describe("\ue000") == "U+E000 without a name"


def test_every_family_has_its_files_and_a_name_of_its_own() -> None:
    files = [file for font in fonts.FONTS for file in font.files]

    assert all(file.is_file() for file in files)
    assert len({font.family for font in fonts.FONTS}) == len(fonts.FONTS)


@pytest.mark.parametrize(
    ("text", "expected"), [("Tłı̨chǫ", True), ("François", False), ("Anna", False), ("שלום", False)]
)
def test_words_with_letters_of_noto_are_set_in_noto_as_a_whole(text: str, expected: bool) -> None:
    assert fonts.is_extended(text) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("محمد", True), ("12 שלום", True), ("Anna محمد", False), ("", False), ("12", False)],
)
def test_the_first_strong_letter_gives_the_direction(text: str, expected: bool) -> None:
    assert fonts.is_right_to_left(text) is expected


def test_blocks_of_a_font_are_of_its_script() -> None:
    for font in fonts.FONTS[2:]:
        first = min(code for code in fonts._code_points(font.regular) if code > 0x2FF)
        assert unicodedata.name(chr(first), "x")
