"""What staff wrote for themselves, wherever it stands in a message: no reader finds it."""

from collections.abc import Callable
from typing import Any

from integrations.sources.account import CONTAINER, Account, Rule, members_of
from integrations.sources.caredove.reading.also_sent import is_internal
from integrations.sources.caredove.reading.signs import may_say


def leave_out_internal(
    body: bytes, content: Any, kept: Account, is_marked: Callable[[str | int, Any], bool]
) -> None:
    """Leave out what is internal by its key, or what `is_marked` says is so by its marks.

    `is_marked` gets each object with its key or index.
    """
    if not may_say(body, b"internal", b"staff"):
        return
    stack = [content]
    while stack:
        holder = stack.pop()
        for key, value in members_of(holder):
            by_key = isinstance(key, str) and is_internal(key) and not isinstance(value, bool)
            if by_key or (isinstance(value, dict) and is_marked(key, value)):
                kept.leave_out((id(holder), key), Rule.INTERNAL)
            elif isinstance(value, CONTAINER):
                stack.append(value)
