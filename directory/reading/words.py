"""The words of a text, as search compares them."""

import re
import unicodedata
from functools import lru_cache

LONGEST = 60  # characters that are compared; a longer run of letters is no word of people's
_WORD = re.compile(r"[^\W_]+")
_LIGATURES = str.maketrans({"œ": "oe", "Œ": "oe", "æ": "ae", "Æ": "ae"})


def words(text: str) -> list[str]:
    """Return the words in their order: `d'hébergement` has two, `d` and `hebergement`.

    A word is a run of letters and digits, without accents and without regard to case.
    """
    return [word[:LONGEST] for word in _WORD.findall(folded(text))]


@lru_cache(maxsize=4096)
def folded(text: str) -> str:
    """Return the text without accents, in small letters, ligatures as two letters."""
    if text.isascii():
        return text.lower()
    plain = unicodedata.normalize("NFKD", text.translate(_LIGATURES))
    return "".join(one for one in plain if not unicodedata.category(one).startswith("M")).casefold()
