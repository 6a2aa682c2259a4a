"""An address whose text and parts are both there: the parts win, the text fills their gaps.

City, province, postal code and country are taken from the text only where its end reads as it does
in Canada ("Hearst ON P0L 1N0") or the United States ("Buffalo, NY 14201"). All else of the text
goes to the lines: nothing is lost, and nothing is said twice.
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from mapping.source.document import Address
from mapping.source.provinces import province_code

_POSTAL_CODE = re.compile(
    r"(?<!\w)([abceghj-nprstvxy]\d[abceghj-nprstv-z])[ \t-]?(\d[abceghj-nprstv-z]\d)(?!\w)",
    re.IGNORECASE | re.ASCII,
)
_ZIP = re.compile(r"\d{5}(?:-\d{4})?", re.ASCII)
_STATES = frozenset(
    ["AL", "AK", "AZ", "AR", "CA", "CO", "CT", "DE", "DC", "FL", "GA", "HI", "ID", "IL", "IN", "IA",
     "KS", "KY", "LA", "ME", "MD", "MA", "MI", "MN", "MS", "MO", "MT", "NE", "NV", "NH", "NJ", "NM",
     "NY", "NC", "ND", "OH", "OK", "OR", "PA", "RI", "SC", "SD", "TN", "TX", "UT", "VT", "VA", "WA",
     "WV", "WI", "WY", "PR"]
)  # fmt: skip
_COUNTRIES = {
    "ca": "CA", "can": "CA", "canada": "CA",
    "us": "US", "usa": "US", "unitedstates": "US", "unitedstatesofamerica": "US",
    "etatsunis": "US",
}  # fmt: skip
_LONGEST_PLACE = 4  # words of a province or a country: "Île du Prince Édouard"
# Spelled two ways by the same person: "118 Birch St" is "118 Birch Street".
_SPELLINGS = (
    "street st", "road rd", "avenue ave av", "drive dr", "crescent cres", "boulevard blvd boul",
    "lane ln", "court crt ct", "place pl", "highway hwy", "route rte", "suite ste", "bureau bur",
    "apartment apt app appartement", "north n", "south s", "east e", "west w",
)  # fmt: skip
_SPELLED = {word: words.split()[0] for words in _SPELLINGS for word in words.split()}
# Words that no name of a city has.
_OF_STREETS = frozenset(
    ["street", "road", "rd", "avenue", "ave", "crescent", "boulevard", "blvd", "boul", "lane",
     "highway", "hwy", "rue", "chemin", "apartment", "apt", "suite", "unit", "box", "floor"]
)  # fmt: skip
_EDGES = " \t,;.-–"


@dataclass(slots=True)
class _Reading:
    """What the end of an address says, as it is written there, and the lines before it."""

    lines: list[str]
    city: str = ""
    province: str = ""
    postal_code: str = ""
    country: str = ""

    def take_last(self, length: int) -> str:
        """Take so many words off the last line, which goes when nothing is left of it."""
        words = self.lines[-1].split()
        self.lines[-1] = " ".join(words[:-length]).strip(_EDGES)
        if not self.lines[-1]:
            self.lines.pop()
        return " ".join(words[-length:])


def complete_address(parts: Address, text: str) -> Address:
    """Return the parts, with what they do not say yet filled in from the text.

    Where the text says another city, province, postal code or country than the parts, the parts
    stay and the text's own goes to the lines, for a person to see.
    """
    reading = _read(text, parts.get("country", ""))
    completed = parts.copy()
    others = [
        _fill(completed, "city", reading.city, _key, str),
        _fill(completed, "province", reading.province, _province, _province),
        _fill(completed, "postal_code", reading.postal_code, _key, _spaced),
        _fill(completed, "country", reading.country, _country, _country),
    ]
    lines = _lines(completed, [*reading.lines, *filter(None, others)])
    if lines:
        completed["lines"] = lines
    return completed


def _fill(
    address: Address,
    part: str,
    text: str,
    meaning: Callable[[str], str],
    written: Callable[[str], str],
) -> str:
    """Fill the part where it is empty; return the text where the part says something else."""
    values = cast(dict[str, str], address)
    if text and not values.get(part):
        values[part] = written(text)
    elif text and meaning(values[part]) != meaning(text):
        return text
    return ""


# -- The end of an address -----------------------------------------------------------------------


def _read(text: str, country: str) -> _Reading:
    reading = _Reading(_segments(text))
    has_postal_code = any(map(_POSTAL_CODE.search, reading.lines))
    _read_country(reading, has_postal_code)
    if has_postal_code:
        _read_postal_code(reading)
        _read_province(reading)
    elif not _read_zip(reading, _country(reading.country or country) == "US"):
        _read_province(reading)
    _read_city(reading)
    return reading


def _segments(text: str) -> list[str]:
    """Return the lines of an address; "118, rue Principale" is one."""
    segments: list[str] = []
    for segment in re.split(r"[\n,;]", text):
        segment = " ".join(segment.split()).strip(_EDGES)
        if segment and segments and re.fullmatch(r"\d+[A-Za-z]?", segments[-1]):
            segments[-1] += f", {segment}"
        elif segment:
            segments.append(segment)
    return segments


def _read_country(reading: _Reading, has_postal_code: bool) -> None:
    words = reading.lines[-1].split() if reading.lines else []
    for length in range(min(_LONGEST_PLACE, len(words)), 0, -1):
        name, before = " ".join(words[-length:]), " ".join(words[:-length])
        if _key(name) not in _COUNTRIES:
            continue
        stands_alone = not before and len(reading.lines) > 1
        is_behind = bool(_POSTAL_CODE.search(before) or _ends(before)) or (
            bool(before) and bool(_ZIP.fullmatch(words[-length - 1]))
        )
        # "CA" is California, too.
        is_sure = _key(name) != "ca" or has_postal_code
        if (stands_alone or is_behind) and is_sure:
            reading.country = reading.take_last(length)
        return


def _read_postal_code(reading: _Reading) -> None:
    for at in reversed(range(len(reading.lines))):
        found = list(_POSTAL_CODE.finditer(reading.lines[at]))
        if found:
            line, code = reading.lines[at], found[-1]
            reading.postal_code = code[0]
            rest = f"{line[: code.start()].rstrip(_EDGES)} {line[code.end() :].lstrip(_EDGES)}"
            reading.lines[at : at + 1] = filter(None, [rest.strip()])
            return


def _read_zip(reading: _Reading, is_american: bool) -> bool:
    """Read "NY 14201", and return whether it is there."""
    words = " ".join(reading.lines[-2:]).split()
    if not words or not _ZIP.fullmatch(words[-1]):
        return False
    has_state = len(words) > 1 and words[-2] in _STATES
    if has_state or is_american:
        reading.postal_code = reading.take_last(1)
    if has_state:
        reading.province = reading.take_last(1)
    return has_state or is_american


def _read_province(reading: _Reading) -> None:
    if not reading.lines:
        return
    line = reading.lines[-1]
    length = _ends(line)
    if not length:
        return
    is_alone = length == len(line.split()) and len(reading.lines) > 1
    is_code = re.fullmatch(r"[A-Z]{2}", line.split()[-1].strip("()"))
    if reading.postal_code or reading.country or is_alone or is_code:
        reading.province = reading.take_last(length)


def _ends(line: str) -> int:
    """Return how many words at the end of the line name a province."""
    words = line.split()
    for length in range(min(_LONGEST_PLACE, len(words)), 0, -1):
        name = " ".join(words[-length:]).strip("()[]")
        if province_code(name) and not name.upper().startswith("CA "):  # "CA ON" says two things
            return length
    return 0


def _read_city(reading: _Reading) -> None:
    """Take the city, which stands before the province or the postal code."""
    if not reading.lines or not (reading.province or reading.postal_code):
        return
    line = reading.lines[-1]
    words = set(re.findall(r"\w+", _folded(line)))
    if not words & _OF_STREETS and not any(map(str.isdigit, line)):
        reading.city = reading.lines.pop()


# -- Lines ---------------------------------------------------------------------------------------


def _lines(address: Address, more: list[str]) -> list[str]:
    """Return the address's lines and those of `more` that say more than they do."""
    lines = list(address.get("lines", []))
    for line in more:
        line = _without_city(line, address.get("city", ""))
        words = _words(line)
        if not words or _stands_in(words, _words(" ".join(lines))):
            continue
        shorter = [at for at, known in enumerate(lines) if _stands_in(_words(known), words)]
        if shorter:
            lines[shorter[0]] = line
            lines = [known for at, known in enumerate(lines) if at not in shorter[1:]]
        else:
            lines.append(line)
    return lines


def _without_city(line: str, city: str) -> str:
    words, named = line.split(), _key(city)
    length = len(city.split())
    is_last = named and len(words) >= length and _key(" ".join(words[-length:])) == named
    return " ".join(words[:-length]).rstrip(_EDGES) if is_last else line


def _stands_in(words: list[str], others: list[str]) -> bool:
    length = len(words)
    return any(words == others[at : at + length] for at in range(len(others) - length + 1))


def _words(text: str) -> list[str]:
    words = re.findall(r"\w+", _folded(text))
    return [_SPELLED.get(word, word) for word in words]


# -- Words that mean the same --------------------------------------------------------------------


def _folded(text: str) -> str:
    letters = unicodedata.normalize("NFD", text.casefold())
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def _key(text: str) -> str:
    return re.sub(r"[\W_]+", "", _folded(text))


def _country(text: str) -> str:
    return _COUNTRIES.get(_key(text), text)


def _province(text: str) -> str:
    """Return the code of a province of Canada's; any other as it is."""
    return province_code(text.strip("()[] ")) or text


def _spaced(text: str) -> str:
    """Return a Canadian postal code as the post writes it; any other as it is."""
    code = _POSTAL_CODE.fullmatch(text)
    return f"{code[1]} {code[2]}".upper() if code else text
