"""Reading a message field by field, with tolerance: what cannot be read is left out, and said."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any, TypeVar, cast

from core.markup import one_line, plain_text
from integrations.sources.caredove.events import LOCAL_CLOCKS
from integrations.sources.caredove.links import without_sign_in_links

T = TypeVar("T")

_FLAGS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_DATE = re.compile(r"(\d{4}(?:-\d{2}(?:-\d{2})?)?)(?:[T ]\d{2}:\d{2}.*)?", re.ASCII | re.DOTALL)
_DATE_ALONE = re.compile(r"\d{4}(?:-\d{2}){0,2}", re.ASCII)
_YEARS = range(1850, 2200)
MAX_WARNINGS = 50


class Warnings:
    """Sentences for support staff about one message: without personal data, each once."""

    def __init__(self) -> None:
        self._sentences: dict[str, None] = {}

    def add(self, sentence: str) -> None:
        """Remember the sentence; beyond a limit only that there are more."""
        if len(self._sentences) == MAX_WARNINGS:
            sentence = "More fields than these could not be read."
        if len(self._sentences) <= MAX_WARNINGS:
            self._sentences.setdefault(sentence)

    def __iter__(self) -> Iterator[str]:
        return iter(self._sentences)


def made(kind: type[T], **values: Any) -> T:
    """Return a part of a document, with only what is not empty."""
    return cast(T, {key: value for key, value in values.items() if value not in ("", None, [], {})})


class Fields:
    """One object of a message.

    Every reader returns an empty value where there is nothing to read; what is of the wrong type
    is warned about and counts as nothing. `path` says in the sender's words where the object is.
    """

    __slots__ = ("_warnings", "members", "path")

    def __init__(self, members: Any, path: str, warnings: Warnings) -> None:
        self.members: Mapping[str, Any] = members if isinstance(members, dict) else {}
        self._warnings = warnings
        self.path = path

    def __bool__(self) -> bool:
        return bool(self.members)

    def __contains__(self, key: str) -> bool:
        return self.members.get(key) not in (None, "", [], {})

    def raw(self, key: str) -> Any:
        """Return the member as it was sent."""
        return self.members.get(key)

    def text(self, key: str) -> str:
        """Return plain text, with its lines, without sign-in links."""
        string = self._string(key)
        return without_sign_in_links(plain_text(string)) if string else ""

    def line(self, key: str) -> str:
        """Return plain text on one line, without sign-in links."""
        string = self._string(key)
        return without_sign_in_links(one_line(string)) if string else ""

    def id(self, key: str) -> str:
        """Return an id exactly as sent: to compare, not to show."""
        return self._string(key).strip()

    def word(self, key: str) -> str:
        """Return a code: one line, in lower case."""
        return self.line(key).lower()

    def url(self, key: str) -> str:
        """Return an address, which is no text: “&copy;” in it is not “©”."""
        value = self.raw(key)
        return value.strip() if isinstance(value, str) else ""

    def lines(self, key: str) -> list[str]:
        """Return the texts of a list, or the one text that stands in its place."""
        items = self.children(key, bare=key)
        return [line for item in items if (line := item.line(key))]

    def flag(self, key: str) -> bool | None:
        """Return yes, no, or None where nothing is said."""
        value = self.raw(key)
        if isinstance(value, bool):
            return value
        if key not in self:
            return None
        known = _FLAGS.get(value.strip().lower()) if isinstance(value, str) else None
        if known is None:
            self.warn(key, "is neither true nor false")
        return known

    def number(self, key: str, *, below: int) -> int | None:
        """Return a whole number from 0 to `below`, or None."""
        value = self.raw(key)
        if key not in self:
            return None
        try:
            number = int(value) if not isinstance(value, bool | list | dict) else -1
        except ValueError:
            number = -1
        if 0 <= number < below:
            return number
        self.warn(key, "is not a sensible number")
        return None

    def date(self, key: str) -> str:
        """Return a date as it was sent: YYYY-MM-DD, or the less exact YYYY-MM and YYYY."""
        value = self.line(key)
        match = _DATE.fullmatch(value)
        if match and _is_date(match[1]):
            return match[1]
        if value:
            self.warn(key, "is not a date (YYYY-MM-DD)")
        return ""

    def instant(self, key: str) -> str:
        """Return an instant in ISO 8601; without offset, or only a date, where none was sent."""
        value = self.line(key)
        if not value:
            return ""
        if _DATE_ALONE.fullmatch(value) and _is_date(value):
            return value
        moment = _moment(value)
        if moment is None:
            self.warn(key, "is not a date and time (ISO 8601, with offset)")
            return ""
        if moment.tzinfo is None:
            self.warn(key, "has no time zone; the organization's is assumed", left_out=False)
        return moment.isoformat()

    def moment(self, key: str) -> datetime | None:
        """Return an aware instant; None, without a warning, for a clock without zone."""
        moment = _moment(self.line(key))
        return moment if moment and moment.tzinfo else None

    def local_time(self, key: str) -> datetime | None:
        """Return a time without zone, from a 12-hour clock or a 24-hour one."""
        value = self.line(key)
        for clock in LOCAL_CLOCKS if value else ():
            try:
                return datetime.strptime(value, clock)  # noqa: DTZ007 the zone is not known here
            except ValueError:
                continue
        return None

    def child(self, key: str, *, bare: str = "") -> "Fields":
        """Return the object in a member, the first of several; empty where there is none."""
        found = self.children(key, bare=bare)
        return found[0] if found else Fields({}, self._path_of(key), self._warnings)

    def children(self, key: str, *, bare: str = "") -> list["Fields"]:
        """Return the objects of a list, or the one object that stands in its place.

        With `bare`, a plain string stands for an object that has only that member.
        """
        if key not in self:
            return []
        items = [item for item in self._list(key) if item not in (None, "", [], {})]
        if bare:
            items = [{bare: item} if isinstance(item, str) else item for item in items]
        objects = [item for item in items if isinstance(item, dict)]
        if len(objects) != len(items):
            self.warn(key, "is not made of objects")
        return [Fields(item, self._path_of(key), self._warnings) for item in objects]

    def warn(self, key: str, problem: str, *, left_out: bool = True) -> None:
        """Say that a member has a problem, and that it was left out."""
        ending = "; it was left out" if left_out else ""
        self._warnings.add(f"{self._path_of(key)} {problem}{ending}.")

    def _path_of(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key

    def _list(self, key: str) -> list[Any]:
        value = self.raw(key)
        return value if isinstance(value, list) else [value]

    def _string(self, key: str) -> str:
        value = self.raw(key)
        if isinstance(value, str):
            return value
        if isinstance(value, float) and value.is_integer():
            return str(int(value))
        if isinstance(value, int | float) and not isinstance(value, bool):
            return str(value)
        if value not in (None, [], {}):
            self.warn(key, "is not text")
        return ""


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(f"{text}-01-01"[:10]).year in _YEARS
    except ValueError:
        return False


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
        in_utc = moment.astimezone(UTC) if moment.tzinfo else moment
    except (ValueError, OverflowError):
        return None
    return moment if in_utc.year in _YEARS else None
