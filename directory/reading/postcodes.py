"""Postcodes of Canada and the United States."""

import re

_CANADIAN = re.compile(r"[ABCEGHJ-NPRSTVXY]\d[ABCEGHJ-NPRSTV-Z]\d[ABCEGHJ-NPRSTV-Z]\d", re.ASCII)
_FORWARD = re.compile(r"[ABCEGHJ-NPRSTVXY]\d[ABCEGHJ-NPRSTV-Z]", re.ASCII)
_ZIP = re.compile(r"(\d{5})-?(\d{4})?", re.ASCII)


def normalize(text: str) -> str | None:
    """Return the postcode as its post writes it (`K1A 0B1`, `12345`, `12345-6789`), or None."""
    bare = _bare(text)
    if _CANADIAN.fullmatch(bare):
        return f"{bare[:3]} {bare[3:]}"
    if found := _ZIP.fullmatch(bare):
        return f"{found[1]}-{found[2]}" if found[2] else found[1]
    return None


def lookups(text: str) -> list[str]:
    """Return the keys to look a postcode up by, the most exact first; none if it is no postcode.

    A Canadian one is also found by its first three characters, a ZIP+4 by its first five.
    """
    code = normalize(text)
    if code is None:
        bare = _bare(text)
        return [bare] if _FORWARD.fullmatch(bare) else []
    shorter = code[:3] if " " in code else code[:5]
    return list(dict.fromkeys([code, shorter]))


def key(text: str) -> str:
    """Return what is equal for all spellings of a postcode, also of other countries."""
    return _bare(text)


def _bare(text: str) -> str:
    bare = re.sub(r"\s", "", text).upper()
    return bare.replace("-", "") if not bare[:1].isdigit() else bare
