"""JSON from senders nobody has vetted: what can be read is read, and nothing breaks later.

The standard parser passes on what breaks the database (NUL, half of a surrogate pair), drops the
first of two equal keys in silence, and refuses a body for one bad byte or a NaN. Here a bad
character is replaced, and `read` names what was repaired. Only what is not JSON, or is beyond the
limits, is refused, with a sentence that says what to change. Time and memory are linear in the size
of the body.
"""

import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias

from core.text.charsets import windows_1252
from core.text.sentences import Term as _

MAX_DEPTH = 64
MAX_VALUES = 500_000  # a list costs 30 times its two bytes: this bounds the memory of a body
MAX_NUMBER_LENGTH = 40

# How the bytes of a JSON text begin: with a byte order mark, or with two ASCII characters.
_ENCODINGS = [
    (re.compile(rb"\xff\xfe\0\0|[^\0]\0{3}[^\0]\0{3}"), "utf-32-le"),
    (re.compile(rb"\0\0\xfe\xff|\0{3}[^\0]\0{3}[^\0]"), "utf-32-be"),
    (re.compile(rb"\xff\xfe|[^\0]\0[^\0]\0"), "utf-16-le"),
    (re.compile(rb"\xfe\xff|\0[^\0]\0[^\0]"), "utf-16-be"),
]
_BYTE_ORDER_MARK = "\ufeff"
_MULTIBYTE = re.compile(
    rb"[\xc0-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}"
)
# A character beyond the first plane as some databases write it (CESU-8), or half of one.
_SURROGATES = re.compile(
    rb"\xed[\xa0-\xaf][\x80-\xbf]\xed[\xb0-\xbf][\x80-\xbf]|\xed[\xa0-\xbf][\x80-\xbf]"
)
_SUSPICIOUS_ESCAPE = re.compile(r"\\u(?:00[01]|[dD][89a-fA-F])")
# Tabs, line ends and form feeds are text.
_CONTROL = re.compile("[\0-\x08\x0e-\x1f]")
_CONTROL_IN_JSON = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f]")
_HALF = re.compile("[\ud800-\udfff]")
_REPLACEMENT = "\ufffd"
_EMPTY: tuple[Any, ...] = (None, "", [], {})


class NotStrictJson(ValueError):
    """The body is not acceptable JSON. `message` is a sentence for whoever sent it.

    The message may quote the body's place, never its text, so that it can stand in logs.
    """

    def __init__(self, message: str) -> None:
        super().__init__("The body is not strict JSON.")
        self.message = message

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class Repair(StrEnum):
    """What could not be read as it came, and was read otherwise."""

    CHARACTERS = "bad_characters"  # each is now U+FFFD
    ENCODING = "other_encoding"  # read as windows-1252
    REPEATED_KEY = "repeated_key"  # the last value counts; others stand beside it


@dataclass(frozen=True, slots=True)
class Content:
    """What a body holds, and what was repaired in it."""

    value: Any
    repairs: tuple[Repair, ...] = ()


def loads(raw: bytes) -> Any:
    """Return the JSON value that `raw` holds; raises NotStrictJson."""
    return read(raw).value


def read(raw: bytes) -> Content:
    """Return the JSON value that `raw` holds, with its repairs; raises NotStrictJson.

    Control characters become spaces, which is no repair: they stand for nothing that people read.
    """
    reader = _Reader()
    value = reader.read(raw)
    return Content(value, tuple(repair for repair in Repair if repair in reader.repairs))


def earlier_key(key: str, number: int = 1) -> str:
    """Return the key under which an earlier value stands of a key that came twice."""
    return f"{key} ({number})"


_TOO_MANY = _("The body holds more than {count} values.")
_TOO_DEEP = _("The body is nested more than {count} levels deep.")
_NO_JSON = _("The body is not JSON: {problem} (line {line}, column {column}).")


class _RepeatedKey(Exception):
    """A key comes twice in an object: it has to be read with care."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _RepeatedKey
    return members


Members: TypeAlias = Callable[[list[tuple[str, Any]]], dict[str, Any]]


def _decoder(members: Members, *, strict: bool = True) -> json.JSONDecoder:
    return json.JSONDecoder(
        object_pairs_hook=members,
        parse_constant=_constant,
        parse_int=_integer,
        parse_float=_float,
        strict=strict,
    )


class _Reader:
    """Reads one body; `repairs` says afterward what was repaired."""

    def __init__(self) -> None:
        self.repairs: set[Repair] = set()

    def read(self, raw: bytes) -> Any:
        text = self._text(raw)
        value = self._parsed(text)
        root = [value]
        self._check_tree(root, clean=bool(_SUSPICIOUS_ESCAPE.search(text)))
        return root[0]

    # -- bytes to text -----------------------------------------------------------------------

    def _text(self, raw: bytes) -> str:
        if raw.count(b",") + raw.count(b"[") + raw.count(b"{") > MAX_VALUES:
            raise NotStrictJson(str(_TOO_MANY).format(count=MAX_VALUES))
        encoding = next((name for start, name in _ENCODINGS if start.match(raw)), "utf-8")
        try:
            text = str(raw, encoding)
        except UnicodeDecodeError:
            text = self._repaired(raw, encoding)
        text = text.lstrip(_BYTE_ORDER_MARK)
        if not text or text.isspace():
            raise NotStrictJson(str(_("The body is empty.")))
        return text

    def _repaired(self, raw: bytes, encoding: str) -> str:
        if encoding == "utf-8":
            text = _SURROGATES.sub(_joined, raw).decode(errors="replace")
            # UTF-8 with a broken character, or no UTF-8 at all?
            if text.count(_REPLACEMENT) > len(_MULTIBYTE.findall(raw)):
                self.repairs.add(Repair.ENCODING)
                return windows_1252(raw)
        else:
            text = raw.decode(encoding, errors="replace")
        if _REPLACEMENT in text:
            self.repairs.add(Repair.CHARACTERS)
        return text

    # -- text to value -----------------------------------------------------------------------

    def _parsed(self, text: str) -> Any:
        try:
            try:
                return _USUAL.decode(text)
            except (json.JSONDecodeError, _RepeatedKey):
                # Control characters, or keys that come twice, may be all that is wrong with it.
                text = _CONTROL_IN_JSON.sub(" ", text)
                return _decoder(self._object, strict=False).decode(text)
        except json.JSONDecodeError as error:
            raise NotStrictJson(
                str(_NO_JSON).format(problem=error.msg, line=error.lineno, column=error.colno)
            ) from None
        except RecursionError:
            raise NotStrictJson(str(_TOO_DEEP).format(count=MAX_DEPTH)) from None

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        members = dict(pairs)
        return members if len(members) == len(pairs) else self._with_earlier(pairs)

    def _with_earlier(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        """Return the members with the last value of each key, and other values beside it."""
        members: dict[str, Any] = {}
        earlier: Counter[str] = Counter()
        for key, value in pairs:
            known = members.get(key)
            if known not in _EMPTY and value in _EMPTY:
                continue
            if known not in _EMPTY and known != value:
                earlier[key] += 1
                members[earlier_key(key, earlier[key])] = known
                self.repairs.add(Repair.REPEATED_KEY)
            members[key] = value
        return members

    # -- the whole value ---------------------------------------------------------------------

    def _check_tree(self, root: list[Any], *, clean: bool) -> None:
        """Walk the value level by level: how deep it is and, on suspicion, every string in it."""
        level: list[Any] = [root]
        for _level in range(MAX_DEPTH + 1):
            if clean:
                for container in level:
                    self._clean(container)
            children = [child for container in level for child in _children(container)]
            level = [child for child in children if isinstance(child, dict | list)]
            if not level:
                return
        raise NotStrictJson(str(_TOO_DEEP).format(count=MAX_DEPTH))

    def _clean(self, container: Any) -> None:
        if isinstance(container, list):
            container[:] = map(self._cleaned, container)
        else:
            items = [(self._cleaned(key), self._cleaned(item)) for key, item in container.items()]
            container.clear()
            container.update(items)

    def _cleaned(self, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        value = _CONTROL.sub(" ", value)
        if not _HALF.search(value):
            return value
        self.repairs.add(Repair.CHARACTERS)
        return _HALF.sub(_REPLACEMENT, value)


def _joined(match: re.Match[bytes]) -> bytes:
    """Return the character of two halves; of one half the replacement."""
    halves = match[0].decode("utf-8", "surrogatepass").encode("utf-16", "surrogatepass")
    return halves.decode("utf-16", "replace").encode()


def _constant(name: str) -> str | None:
    return None if name == "NaN" else name  # what some write for a value that is not there


def _integer(digits: str) -> int | str:
    return int(digits) if len(digits) <= MAX_NUMBER_LENGTH else digits


def _float(digits: str) -> float | str:
    """Return the number; the text of one that no number can hold."""
    if len(digits) > MAX_NUMBER_LENGTH:
        return digits
    number = float(digits)
    return digits if number in (float("inf"), float("-inf")) else number


def _children(container: Any) -> Any:
    return container.values() if isinstance(container, dict) else container


_USUAL = _decoder(_object)  # what nearly every body is read with: made once
