"""The note: the lines that no field of the record takes, within the limit of a destination.

It is shortened from its longest lines first, so that short ones stay whole. Flags of risk, of
priority and of permission to contact stay whole in any case. A shortened note ends in a pointer
to the summary (PDF), which holds everything. Pure: no Django.
"""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field

from core.text.sentences import Term as _
from mapping.engine.lines import ALSO_SENT, PERMISSIONS, Line, labeled

CONTINUED = _("… continued in the Referral Summary PDF")
ELLIPSIS = "…"
FLAG_LENGTH = 300  # characters: what is longer is a story that mentions a risk, not a flag
BEGINNING = 24  # characters that are worth showing of a line

# English and French, without accents. The beginnings of words, but for those that end in "\b".
_FLAGS = re.compile(
    r"\b(?:"
    # risk of harm, by or to the person, and what staff must know before they meet
    r"risk|risque|suicid|self[- ]?(?:harm|injur|neglect)|automutil|overdos|surdos|homicid|harm\b|"
    r"harm(?:s|ed|ing|ful)\b|violen|abus|assault|agress|aggress|danger|threat|menac|weapons?\b|"
    r"armes?\b|firearm|guns?\b|unsafe|safety|securite|cris[ie]s|crise|emergenc|alert|warning|"
    r"avertissement|precaution|caution\b|allerg|anaphyla|neglect|negligence|maltrait|traffick|"
    r"restraining|stalk|harcel|harass|elope|fugue|wander|arson|fire[- ]?setting|incendi|infecti|"
    r"contagi|seizure|convulsion|protection order|ordonnance de|idees noires|kill|"
    r"hurt(?:ing)? (?:self|himself|herself|themsel|others|someone)|"
    # priority
    r"priorit|urgen|stat\b|asap\b|triage|"
    # permission to contact
    r"may (?:text|e-?mail|call|phone|contact|leave|be contacted)|consent|permission|autoris|"
    r"(?:do not|don't|never|ok(?:ay)? to|safe to|can we) "
    r"(?:text|e-?mail|call|phone|contact|leave)|"
    r"ne pas (?:appeler|contacter|texter|ecrire|telephoner|laisser|communiquer)|"
    r"voice ?mail|boite vocale|message vocal"
    r")"
)
# Groups of what was also sent whose every line is a flag.
_FLAG_GROUPS = re.compile(r"(?:flag|alert|condition|allerg|detected issue|risk assessment)")


@dataclass(frozen=True, slots=True)
class _Piece:
    """A line of the note: `label: text`; a `flag` is not to be shortened."""

    label: str = field(repr=False)
    text: str = field(repr=False)
    flag: bool

    def __str__(self) -> str:
        return labeled(self.label, self.text) if self.label else self.text

    def __len__(self) -> int:
        return len(str(self))


def note(opening: str, lines: Sequence[Line], limit: int | None) -> str:
    """Return the opening and the lines as text of at most `limit` characters.

    What is too long begins at least; where even that is too much, the last lines are left out.
    Flags are shortened only where they alone exceed the limit, and then nothing else is there.
    """
    text = "\n".join([*filter(None, [opening]), *map(str, lines)])
    if limit is None or len(text) <= limit:
        return text
    pieces = [_Piece("", first, _is_flag(first)) for first in opening.split("\n") if opening]
    pieces += [_Piece(line.label, line.text, is_flag(line)) for line in lines]
    continued = str(CONTINUED)
    kept = _fitted(pieces, limit - len(continued) - 1)
    return "\n".join([*kept, continued])[:limit]


def is_flag(line: Line) -> bool:
    """Return whether a line warns of a risk, or says a priority or a permission to contact."""
    if len(str(line)) > FLAG_LENGTH:
        return False
    in_flag_group = line.group == ALSO_SENT and _FLAG_GROUPS.match(_plain(line.label))
    return line.group == PERMISSIONS or bool(in_flag_group) or _is_flag(str(line))


def _is_flag(text: str) -> bool:
    return len(text) <= FLAG_LENGTH and bool(_FLAGS.search(_plain(text)))


def _plain(text: str) -> str:
    letters = unicodedata.normalize("NFD", text.casefold().replace("’", "'"))
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


# -- Shortening ----------------------------------------------------------------------------------


def _fitted(pieces: Sequence[_Piece], room: int) -> list[str]:
    """Return the pieces within `room` characters, the line breaks between them included."""
    flags = [piece for piece in pieces if piece.flag]
    if _cost(flags) > room:
        pieces, flags = [_Piece(piece.label, piece.text, False) for piece in flags], []
    kept = _that_can_begin(pieces, room - _cost(flags))
    breaks = len(kept) - 1
    others = [len(piece) for piece in kept if not piece.flag]
    cap = _cap(others, room - breaks - sum(map(len, flags)))
    return [str(piece) if piece.flag else _shortened(piece, cap) for piece in kept]


def _cost(pieces: Sequence[_Piece]) -> int:
    return sum(len(piece) + 1 for piece in pieces) - 1


def _that_can_begin(pieces: Sequence[_Piece], room: int) -> list[_Piece]:
    """Return the flags and, of the others, as many of the first as can begin in `room`."""
    kept = []
    for piece in pieces:
        if not piece.flag:
            room -= min(len(piece), BEGINNING) + 1
        if piece.flag or room >= 0:
            kept.append(piece)
    return kept


def _cap(lengths: Sequence[int], room: int) -> int:
    """Return the greatest length to which all can be cut so that they fit together."""
    longest = max(lengths, default=0)
    return (
        bisect_right(
            range(longest + 1), room, key=lambda cap: sum(min(length, cap) for length in lengths)
        )
        - 1
    )


def _shortened(piece: _Piece, length: int) -> str:
    """Return at most `length` characters of a piece; a long label gives room to the text."""
    if len(piece) <= length:
        return str(piece)
    label, colon = piece.label, len(labeled("", ""))
    if len(label) + colon > length * 2 // 3:
        label = _cut(label, max(length * 2 // 3 - colon, length - colon - len(piece.text)))
    return _cut(labeled(label, piece.text) if label else piece.text, length)


def _cut(text: str, length: int) -> str:
    """Return the text, cut to at most `length` characters: between words, where it can be."""
    if len(text) <= length:
        return text
    cut = text[: max(length - len(ELLIPSIS), 0)]
    between = cut.rfind(" ", length * 4 // 5)
    return f"{cut[:between] if between > 0 else cut}".rstrip() + ELLIPSIS[:length]
