"""Canada's provinces and territories: two-letter codes for the names people write."""

import re
import unicodedata

_SPELLINGS = {
    "AB": ("Alberta", "Alta", "Alb"),
    "BC": ("British Columbia", "Colombie-Britannique", "C-B", "Brit Col"),
    "MB": ("Manitoba", "Man"),
    "NB": ("New Brunswick", "Nouveau-Brunswick", "N-B"),
    "NL": ("Newfoundland and Labrador", "Newfoundland & Labrador", "Terre-Neuve-et-Labrador",
           "Newfoundland", "Terre-Neuve", "Labrador", "Nfld", "NF", "T-N-L"),
    "NS": ("Nova Scotia", "Nouvelle-Écosse", "N-É"),
    "NT": ("Northwest Territories", "Territoires du Nord-Ouest", "NWT", "T-N-O"),
    "NU": ("Nunavut", "Nvt"),
    "ON": ("Ontario", "Ont"),
    "PE": ("Prince Edward Island", "Île-du-Prince-Édouard", "PEI", "Î-P-É"),
    "QC": ("Quebec", "Québec", "Que", "PQ", "P-Q"),
    "SK": ("Saskatchewan", "Sask"),
    "YT": ("Yukon", "Yukon Territory", "Territoire du Yukon", "Yn", "Yuk"),
}  # fmt: skip

# Names that say more than the code does; the code stands for the whole province.
_NARROWER = frozenset({"newfoundland", "terreneuve", "labrador"})


_UNMARKED = re.compile(r"[\s.\-‐‑–'’]+")


def _plain(text: str) -> str:
    letters = unicodedata.normalize("NFD", text.casefold())
    unaccented = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return _UNMARKED.sub("", unaccented)


_CODES = {
    _plain(spelling): code
    for code, spellings in _SPELLINGS.items()
    for spelling in (code, f"CA-{code}", *spellings)
}


def province_code(text: str) -> str | None:
    """Return the two-letter code for a name, abbreviation or code; None when it is no province.

    English and French; capitals, accents, dots, spaces and hyphens make no difference.
    """
    return _CODES.get(_plain(text))


def has_more(text: str) -> bool:
    """Return whether a name is that of a part of its province."""
    return _plain(text) in _NARROWER


def province_name(code: str) -> str:
    """Return the English name for a two-letter code, in any case; empty when it is none."""
    return next(iter(_SPELLINGS.get(code.upper(), ())), "")
