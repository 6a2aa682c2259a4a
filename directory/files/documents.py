"""JSON files: an array, a page of an API, an object, or a value on each line."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from directory.files.problems import Unreadable
from directory.reading import texts

MAX_DEPTH = 64
_SPACE = " \t\r\n"


@dataclass(frozen=True, slots=True)
class Item:
    """One value of a file, and the line that it begins on; None where it cannot be read."""

    value: Any
    line: int
    is_broken: bool = False


def items(file: BinaryIO) -> Iterator[Item]:
    """Yield the values of a JSON file; raises Unreadable where it is neither JSON nor ndjson.

    Of an array each, of a page those in its `contents`, else what stands on each line. One value at
    a time is in memory, beside the text of the file.
    """
    text = texts.decode(file.read())
    start = _skip(text, 0)
    if text[start : start + 1] == "[":
        yield from _array(text, start)
        return
    first = _value(text, start)
    if first is not None and _skip(text, first[1]) == len(text):
        value = first[0]
        contents = value.get("contents") if isinstance(value, dict) else None
        if isinstance(contents, list):
            yield from (Item(item, 1) for item in contents)
        else:
            yield Item(value, 1)
        return
    yield from _lines(text)


def _array(text: str, at: int) -> Iterator[Item]:
    line, counted = 1, 0
    at = _skip(text, at + 1)
    while text[at : at + 1] != "]":
        line, counted = line + text.count("\n", counted, at), at
        found = _value(text, at)
        if found is None:
            raise Unreadable(f"The file is not JSON from line {line} on.")
        yield Item(found[0], line)
        at = _skip(text, found[1])
        if text[at : at + 1] == ",":
            at = _skip(text, at + 1)
        elif text[at : at + 1] != "]":
            raise Unreadable(f"The file is not JSON from line {line} on.")


def _lines(text: str) -> Iterator[Item]:
    broken = read = 0
    found = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        value = _value(line, _skip(line, 0))
        is_broken = value is None or _skip(line, value[1]) != len(line)
        broken, read = broken + is_broken, read + 1
        found.append(Item(None if is_broken or value is None else value[0], number, is_broken))
        if broken > 10 and broken * 2 > read:
            break
    if not found or broken * 2 > read:
        raise Unreadable("The file is neither JSON nor one JSON value on each line.")
    yield from found


_DECODER = json.JSONDecoder(strict=False, parse_constant=lambda name: None)


def _value(text: str, at: int) -> tuple[Any, int] | None:
    try:
        return _DECODER.raw_decode(text, at)
    except (ValueError, RecursionError):
        return None


def _skip(text: str, at: int) -> int:
    while text[at : at + 1] and text[at] in _SPACE:
        at += 1
    return at
