"""JSON as RFC 8259 has it, from senders nobody has vetted.

The standard parser is lenient where leniency hurts: of two equal keys the last one wins, NaN is a
number, lone surrogates and NULs pass and break the database later. Here they are refused with a
sentence that says what to change. Time and memory are linear in the size of the body.
"""

import json
import re
from collections import Counter
from typing import Any, NoReturn

MAX_DEPTH = 64
MAX_VALUES = 500_000  # a list costs 30 times its two bytes: this bounds the memory of a body
MAX_NUMBER_LENGTH = 40

_BYTE_ORDER_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_SUSPICIOUS_ESCAPE = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")
_FORBIDDEN_CHARACTER = re.compile("[\0\ud800-\udfff]")


class NotStrictJson(ValueError):
    """The body is not acceptable JSON. `message` is a sentence for whoever sent it.

    The message may quote a key of the body, so it stays out of `str()` and `repr()`.
    """

    def __init__(self, message: str) -> None:
        super().__init__("The body is not strict JSON.")
        self.message = message

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


def loads(raw: bytes) -> Any:
    """Return the JSON value that `raw` holds in UTF-8; raises NotStrictJson."""
    text = _decoded(raw)
    try:
        value = _decoder.decode(text)
    except json.JSONDecodeError as error:
        raise NotStrictJson(
            f"The body is not JSON: {error.msg} (line {error.lineno}, column {error.colno})."
        ) from None
    except RecursionError:
        raise NotStrictJson(_TOO_DEEP) from None
    _check_tree(value, check_text=bool(_SUSPICIOUS_ESCAPE.search(text)))
    return value


_TOO_DEEP = f"The body is nested more than {MAX_DEPTH} levels deep."


def _decoded(raw: bytes) -> str:
    if raw.startswith(_BYTE_ORDER_MARKS):
        raise NotStrictJson("The body starts with a byte order mark. Send plain UTF-8 without it.")
    if not raw.strip():
        raise NotStrictJson("The body is empty.")
    if b"\0" in raw:
        raise NotStrictJson("The body holds a NUL character. Remove it.")
    if raw.count(b",") + raw.count(b"[") + raw.count(b"{") > MAX_VALUES:
        raise NotStrictJson(f"The body holds more than {MAX_VALUES:,} values.")
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise NotStrictJson(f"The body is not UTF-8: byte {error.start + 1} is wrong.") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        twice = Counter(key for key, _ in pairs).most_common(1)[0][0]
        raise NotStrictJson(f"The key {_quoted(twice)} stands twice in one object. Send it once.")
    return members


def _quoted(key: str) -> str:
    shown = "".join(character for character in key[:60] if character.isprintable())
    return f"“{shown}”"


def _constant(name: str) -> NoReturn:
    raise NotStrictJson(f"{name} is not a JSON number. Send null or leave the field out.")


def _integer(digits: str) -> int:
    _check_number_length(digits)
    return int(digits)


def _float(digits: str) -> float:
    _check_number_length(digits)
    number = float(digits)
    if number in (float("inf"), float("-inf")):
        raise NotStrictJson("The body holds a number too large to be meant.")
    return number


def _check_number_length(digits: str) -> None:
    if len(digits) > MAX_NUMBER_LENGTH:
        raise NotStrictJson(f"The body holds a number of more than {MAX_NUMBER_LENGTH} digits.")


_decoder = json.JSONDecoder(
    object_pairs_hook=_object,
    parse_constant=_constant,
    parse_int=_integer,
    parse_float=_float,
)


def _check_tree(root: Any, *, check_text: bool) -> None:
    """Walk the value level by level: how deep it is and, on suspicion, every string in it."""
    level: list[Any] = [[root]]
    for _ in range(MAX_DEPTH + 1):
        children = [child for container in level for child in _children(container)]
        if check_text:
            _check_strings(children)
        level = [child for child in children if isinstance(child, dict | list)]
        if not level:
            return
    raise NotStrictJson(_TOO_DEEP)


def _children(container: Any) -> list[Any]:
    return [*container, *container.values()] if isinstance(container, dict) else container


def _check_strings(values: list[Any]) -> None:
    for value in values:
        if isinstance(value, str) and (found := _FORBIDDEN_CHARACTER.search(value)):
            what = "a NUL character" if found[0] == "\0" else "half a surrogate pair"
            raise NotStrictJson(f"The body holds {what} as an escape. Remove it.")
