"""The fonts of the Referral Summary, and which of them a text needs.

They are Debian's files, named by path: the same on every machine, whatever else is installed.
Most referrals need Liberation Sans alone; the font of another script is read only when a text
uses that script.
"""

import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fontTools.ttLib import TTFont

LIBERATION = Path("/usr/share/fonts/truetype/liberation")
NOTO = Path("/usr/share/fonts/truetype/noto")
NOTO_CJK = Path("/usr/share/fonts/opentype/noto")

Blocks = tuple[tuple[int, int], ...]
INVISIBLE = frozenset("\u00ad\u200b\u200c\u200d\u200e\u200f\u2060")
EVERYTHING: Blocks = ((0, 0x10FFFF),)


@dataclass(frozen=True, slots=True)
class Font:
    """A family with its files; `blocks` are the code points worth looking up in it."""

    family: str
    package: str
    regular: Path
    bold: Path | None
    blocks: Blocks

    def covers(self, char: str) -> bool:
        """Return whether the font has a glyph for the character."""
        code = ord(char)
        return any(first <= code <= last for first, last in self.blocks) and (
            code in _code_points(self.regular)
        )

    @property
    def files(self) -> tuple[Path, ...]:
        return (self.regular, self.bold) if self.bold else (self.regular,)


@dataclass(frozen=True, slots=True)
class Choice:
    """The families a text needs, in order of preference, and the characters none of them has."""

    families: tuple[str, ...]
    missing: frozenset[str]


def _noto(family: str, blocks: Blocks, *, bold: bool = True) -> Font:
    stem = family.replace(" ", "")
    regular, heavy = NOTO / f"{stem}-Regular.ttf", NOTO / f"{stem}-Bold.ttf"
    return Font(family, "fonts-noto-core", regular, heavy if bold else None, blocks)


SANS = Font(
    "Liberation Sans",
    "fonts-liberation",
    LIBERATION / "LiberationSans-Regular.ttf",
    LIBERATION / "LiberationSans-Bold.ttf",
    EVERYTHING,
)
MONO = Font(
    "Liberation Mono",
    "fonts-liberation",
    LIBERATION / "LiberationMono-Regular.ttf",
    LIBERATION / "LiberationMono-Bold.ttf",
    EVERYTHING,
)
# Latin beyond Liberation: Dene, Salish and African letters, and all combining marks.
EXTENDED = _noto("Noto Sans", EVERYTHING)
CJK = Font(
    "Noto Sans CJK JP",
    "fonts-noto-cjk",
    NOTO_CJK / "NotoSansCJK-Regular.ttc",
    None,  # bold ideographs are not worth twenty more megabytes
    (
        (0x1100, 0x11FF),
        (0x2E80, 0x31FF),
        (0x3200, 0x9FFF),
        (0xA960, 0xA97F),
        (0xAC00, 0xD7FF),
        (0xF900, 0xFAFF),
        (0xFE30, 0xFE4F),
        (0xFF00, 0xFFEF),
        (0x20000, 0x323AF),
    ),
)
# In order of preference.
FONTS: tuple[Font, ...] = (
    SANS,
    EXTENDED,
    _noto("Noto Sans Canadian Aboriginal", ((0x1400, 0x167F), (0x18B0, 0x18FF))),
    _noto("Noto Sans Cherokee", ((0x13A0, 0x13FF), (0xAB70, 0xABBF))),
    _noto("Noto Sans Osage", ((0x104B0, 0x104FF),), bold=False),
    _noto(
        "Noto Sans Arabic",
        (
            (0x0600, 0x06FF),
            (0x0750, 0x077F),
            (0x08A0, 0x08FF),
            (0xFB50, 0xFDFF),
            (0xFE70, 0xFEFF),
        ),
    ),
    _noto("Noto Sans Hebrew", ((0x0590, 0x05FF), (0xFB1D, 0xFB4F))),
    _noto("Noto Sans Syriac", ((0x0700, 0x074F), (0x0860, 0x086F)), bold=False),
    _noto("Noto Sans Thaana", ((0x0780, 0x07BF),)),
    _noto("Noto Sans NKo", ((0x07C0, 0x07FF),), bold=False),
    _noto("Noto Sans Adlam", ((0x1E900, 0x1E95F),)),
    _noto("Noto Sans Hanifi Rohingya", ((0x10D00, 0x10D3F),)),
    _noto("Noto Sans Tifinagh", ((0x2D30, 0x2D7F),), bold=False),
    _noto("Noto Sans Ethiopic", ((0x1200, 0x139F), (0x2D80, 0x2DDF), (0xAB00, 0xAB2F))),
    _noto("Noto Sans Armenian", ((0x0530, 0x058F), (0xFB13, 0xFB17))),
    _noto("Noto Sans Georgian", ((0x10A0, 0x10FF), (0x1C90, 0x1CBF), (0x2D00, 0x2D2F))),
    _noto("Noto Sans Devanagari", ((0x0900, 0x097F), (0x1CD0, 0x1CFF), (0xA8E0, 0xA8FF))),
    _noto("Noto Sans Bengali", ((0x0980, 0x09FF),)),
    _noto("Noto Sans Gurmukhi", ((0x0A00, 0x0A7F),)),
    _noto("Noto Sans Gujarati", ((0x0A80, 0x0AFF),)),
    _noto("Noto Sans Oriya", ((0x0B00, 0x0B7F),)),
    _noto("Noto Sans Tamil", ((0x0B80, 0x0BFF),)),
    _noto("Noto Sans Telugu", ((0x0C00, 0x0C7F),)),
    _noto("Noto Sans Kannada", ((0x0C80, 0x0CFF),)),
    _noto("Noto Sans Malayalam", ((0x0D00, 0x0D7F),)),
    _noto("Noto Sans Sinhala", ((0x0D80, 0x0DFF),)),
    _noto("Noto Sans Ol Chiki", ((0x1C50, 0x1C7F),)),
    _noto("Noto Sans Meetei Mayek", ((0xAAE0, 0xAAFF), (0xABC0, 0xABFF))),
    _noto("Noto Sans Thai", ((0x0E00, 0x0E7F),)),
    _noto("Noto Sans Lao", ((0x0E80, 0x0EFF),)),
    _noto("Noto Sans Khmer", ((0x1780, 0x17FF), (0x19E0, 0x19FF))),
    _noto("Noto Sans Myanmar", ((0x1000, 0x109F), (0xA9E0, 0xA9FF), (0xAA60, 0xAA7F))),
    _noto("Noto Serif Tibetan", ((0x0F00, 0x0FFF),)),
    _noto("Noto Sans Mongolian", ((0x1800, 0x18AF),), bold=False),
    _noto("Noto Sans Yi", ((0xA000, 0xA4CF),), bold=False),
    CJK,
    _noto("Noto Sans Symbols", ((0x2100, 0x2BFF), (0x1F000, 0x1FBFF))),
    _noto("Noto Sans Symbols2", ((0x2100, 0x2BFF), (0x1F000, 0x1FBFF)), bold=False),
    _noto("Noto Sans Math", ((0x2190, 0x2BFF), (0x1D400, 0x1D7FF)), bold=False),
)
_BY_FAMILY = {font.family: font for font in FONTS}


def choose(text: str) -> Choice:
    """Return the families that the text needs and the characters that no font has."""
    wanted, missing = {SANS}, set()
    for char in set(text):
        if char <= "~" or not _has_shape(char):
            continue
        if font := next((font for font in FONTS if font.covers(char)), None):
            wanted.add(font)
        else:
            missing.add(char)
    return Choice(
        tuple(font.family for font in FONTS if font in wanted),
        frozenset(missing),
    )


def is_extended(text: str) -> bool:
    """Return whether the text is better set in Noto Sans alone.

    Liberation has no combining marks and few letters of Indigenous languages; a word set in two
    fonts looks broken, and a mark sits right only on a letter of its own font.
    """
    return not text.isascii() and any(
        EXTENDED.covers(char) and not SANS.covers(char) for char in set(text) if _has_shape(char)
    )


def is_right_to_left(text: str) -> bool:
    """Return whether the first strong character of the text is Arabic, Hebrew or the like."""
    if text.isascii():
        return False
    strong = (unicodedata.bidirectional(char) for char in text)
    return next((kind != "L" for kind in strong if kind in {"L", "R", "AL"}), False)


def describe(char: str) -> str:
    """Return `U+1F600 grinning face`."""
    return f"U+{ord(char):04X} {unicodedata.name(char, 'without a name').lower()}"


def font_faces(family: str) -> str:
    """Return the @font-face rules of one family."""
    font = _BY_FAMILY[family]
    weights = zip(font.files, ("normal", "bold"), strict=False)
    return "".join(
        f'@font-face {{ font-family: "{family}"; src: url("{file.as_uri()}"); '
        f"font-weight: {weight}; }}\n"
        for file, weight in weights
    )


def font_families(families: tuple[str, ...]) -> str:
    """Return the rules that set a page in these families."""
    others = [family for family in families if family not in (SANS.family, EXTENDED.family)]
    body = [SANS.family, *(family for family in families if family != SANS.family)]
    extended = [EXTENDED.family, SANS.family, *others]
    rules = {"html": body, "@page": body} | (
        {".extended": extended} if EXTENDED.family in families else {}
    )
    return "".join(
        f"{selector} {{ font-family: {', '.join(map(_quoted, names))}; }}\n"
        for selector, names in rules.items()
    )


def named(family: str) -> Font:
    """Return the font of a family that `choose` named."""
    return _BY_FAMILY[family]


def _quoted(family: str) -> str:
    return f'"{family}"'


def _has_shape(char: str) -> bool:
    """Spaces, joiners, direction marks and variation selectors need no glyph."""
    return not (char.isspace() or char in INVISIBLE or "\ufe00" <= char <= "\ufe0f")


@cache
def _code_points(file: Path) -> frozenset[int]:
    """Return the code points the file has a glyph for: none where the file is missing."""
    if not file.is_file():
        return frozenset()
    with TTFont(file, fontNumber=0, lazy=True) as font:
        return frozenset(font.getBestCmap())
