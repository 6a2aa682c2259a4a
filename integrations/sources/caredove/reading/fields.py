"""Reading a message field by field, with tolerance, and keeping account of what was read.

What cannot be read is kept as the text that came, and staff are warned.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar, cast

from core.text.markup import one_line, plain_text
from integrations.sources.account import Account, Address, Rule
from integrations.sources.caredove.links import without_sign_in_links
from integrations.sources.values.contact import read_flag
from integrations.sources.values.dates import read_date, read_instant
from integrations.sources.warnings import Warning

T = TypeVar("T")
REMEMBERED = 2_000  # cleaned texts of a message: what repeats itself is among the first


def made(kind: type[T], **values: Any) -> T:
    """Return a part of a document, with only what is not empty."""
    # Of what is false, zero and no say something, and they alone equal 0.
    return cast(T, {key: value for key, value in values.items() if value or value == 0})


class Texts(dict[str, str]):
    """Texts cleaned, and without sign-in links; so many are remembered, and cleaned once."""

    def __init__(self, clean: Callable[[str], str], remembered: int) -> None:
        super().__init__()
        self._clean = clean
        self._remembered = remembered

    def __missing__(self, text: str) -> str:
        cleaned = without_sign_in_links(self._clean(text))
        if cleaned == text:
            cleaned = text  # the body holds it already: no second one is kept
        if len(self) < self._remembered:
            self[text] = cleaned
        return cleaned


class Reading(Account):
    """The account of a message that is being read, with its texts."""

    def __init__(
        self, repairs: Iterable[str] = (), *, in_detail: bool = False, remembered: int = REMEMBERED
    ) -> None:
        super().__init__(repairs, in_detail=in_detail)
        self.texts = Texts(plain_text, remembered)
        self.lines = Texts(one_line, remembered)


class _Peeking(Reading):
    """Reading to decide something: nothing is noted, so what was looked at is not used by that."""

    def read(self, address: Address, text: str) -> None: ...

    def take(self, address: Address) -> None: ...

    def leave_out(self, address: Address, rule: Rule) -> None: ...

    def warn(self, warning: Warning, address: Address | None = None) -> None: ...


PEEKING = _Peeking(remembered=0)


class Fields:
    """One object of a message.

    Every reader returns an empty value where there is nothing to read, and marks what it reads in
    the account of the message. What is of the wrong type is warned about and counts as nothing.
    `path` says in the sender's words where the object is. An object that stands for a bare string
    has that string's address as its `leaf`.
    """

    __slots__ = ("account", "leaf", "members", "path")

    def __init__(
        self, members: Any, path: str, account: Reading, leaf: Address | None = None
    ) -> None:
        self.members: Mapping[str, Any] = members if isinstance(members, dict) else {}
        self.account = account
        self.path = path
        self.leaf = leaf

    def __bool__(self) -> bool:
        return bool(self.members)

    def __contains__(self, key: str) -> bool:
        value = self.members.get(key)
        return bool(value) or value == 0

    def raw(self, key: str) -> Any:
        """Return the member as it was sent."""
        return self.members.get(key)

    def address(self, key: str) -> Address:
        """Return the address of a member in the body."""
        return self.leaf or (id(self.members), key)

    def take(self, *keys: str) -> None:
        """Note that the members are used, whatever they became."""
        for key in keys:
            if key in self.members:
                self.account.take(self.address(key))

    def leave_out(self, rule: Rule, *keys: str) -> None:
        """Note the rule by which members, or without names all of them, are not passed on."""
        for key in keys or self.members:
            if key in self.members:
                self.account.leave_out(self.address(key), rule)

    def text(self, key: str) -> str:
        """Return plain text, with its lines, without sign-in links."""
        string = self._string(key)
        return self._read(key, self.account.texts[string]) if string else ""

    def line(self, key: str) -> str:
        """Return plain text on one line, without sign-in links."""
        string = self._string(key)
        return self._read(key, self.account.lines[string]) if string else ""

    def id(self, key: str) -> str:
        """Return an id exactly as sent: to compare, not to show."""
        string = self._string(key)
        return self._read(key, string.strip()) if string else ""

    def word(self, key: str) -> str:
        """Return a code: one line, in lower case."""
        string = self._string(key)
        return self._read(key, self.account.lines[string].lower()) if string else ""

    def url(self, key: str) -> str:
        """Return an address, which is no text: “&copy;” in it is not “©”."""
        value = self.members.get(key)
        return self._read(key, value.strip()) if isinstance(value, str) else ""

    def lines(self, key: str) -> list[str]:
        """Return the texts of a list, or the one text that stands in its place."""
        items = self.children(key, bare=key)
        return [line for item in items if (line := item.line(key))]

    def flag(self, key: str) -> bool | None:
        """Return yes, no, or None where nothing is said."""
        if key not in self:
            return None
        known = read_flag(self.raw(key))
        if known is None:
            self.warn(key, "not_a_flag")
        else:
            self.take(key)
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
            self.take(key)
            return number
        self.warn(key, "not_a_number")
        return None

    def date(self, key: str, path: str = "") -> str:
        """Return a date: YYYY-MM-DD, or the less exact YYYY-MM and YYYY.

        `path` is the part of the document that it is for.
        """
        value = self.line(key)
        found, cause = read_date(value) if value else ("", "")
        if cause:
            self.warn(key, cause, path)
        elif value:
            self._read(key, found)
        return found

    def birth_date(self, key: str, path: str) -> str:
        """Return a date of birth as `date` does, with a warning where it is still to come."""
        found = self.date(key, path)
        tomorrow = (datetime.now(UTC) + timedelta(days=1)).date().isoformat()  # somewhere on earth
        if found > tomorrow[: len(found)]:
            self.account.warn(Warning(self._path_of(key), "future_date", path=path))
        return found

    def instant(self, key: str, path: str = "") -> str:
        """Return an instant in ISO 8601; without offset, or only a date, where none was sent.

        `path` is the part of the document that it is for.
        """
        value = self.line(key)
        if not value:
            return ""
        found = read_instant(value)
        if not found.text:
            self.warn(key, found.cause, path)
            return ""
        if found.cause:
            self.account.warn(Warning(self._path_of(key), found.cause, path=path))
        return self._read(key, found.text)

    def moment(self, key: str) -> datetime | None:
        """Return an aware instant; None, without a warning, for a clock without zone."""
        found = read_instant(self.line(key)).at
        if found is None or found.tzinfo is None:
            return None
        self.take(key)
        return found

    def local_time(self, key: str) -> datetime | None:
        """Return a time without zone, from a 12-hour clock or a 24-hour one."""
        found = read_instant(self.line(key)).at
        if found is None or found.tzinfo:
            return None
        self.take(key)
        return found

    def child(self, key: str, *, bare: str = "") -> "Fields":
        """Return the object in a member, the first of several; empty where there is none."""
        found = self.children(key, bare=bare)
        return found[0] if found else Fields({}, self._path_of(key), self.account)

    def children(self, key: str, *, bare: str = "") -> list["Fields"]:
        """Return the objects of a list, or the one object that stands in its place.

        With `bare`, a plain string stands for an object that has only that member.
        """
        value = self.members.get(key)
        if value is None:
            return []
        account, internal, is_list = self.account, self.account.internal, isinstance(value, list)
        path, found = self._path_of(key), []
        for at, item in enumerate(value if is_list else (value,)):
            address = (id(value), at) if is_list else self.address(key)
            if internal and address in internal:
                continue
            if isinstance(item, dict):
                if item:
                    found.append(Fields(item, path, account))
            elif bare and isinstance(item, str):
                if item:
                    found.append(Fields({bare: item}, path, account, address))
            elif item not in (None, "", []):
                account.warn(Warning(path, "not_objects"))
        return found

    def warn(self, key: str, cause: str, path: str = "") -> None:
        """Warn that a member cannot be read; its text is kept as it came."""
        value = _alone(self.raw(key))
        text = one_line(str(value)) if not isinstance(value, dict | list) else ""
        warning = Warning(self._path_of(key), cause, without_sign_in_links(text), path)
        # What has parts is told part by part, as also sent.
        self.account.warn(warning, self.address(key) if text else None)

    def _read(self, key: str, text: str) -> str:
        if text:
            self.account.read(self.leaf or (id(self.members), key), text)
        return text

    def _path_of(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key

    def _string(self, key: str) -> str:
        value = self.members.get(key)
        if value is None or isinstance(value, str):
            return value or ""
        value = _alone(value)
        if isinstance(value, str):
            return value
        if isinstance(value, float) and value.is_integer():
            return str(int(value))
        if isinstance(value, int | float) and not isinstance(value, bool):
            return str(value)
        if value not in (None, [], {}):
            self.account.warn(Warning(self._path_of(key), "not_text"))
        return ""


def _alone(value: Any) -> Any:
    """Return what stands alone in a list; else the value itself."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value
