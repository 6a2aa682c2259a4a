"""What staff wrote for themselves, wherever it stands in a message: no reader finds it."""

from collections.abc import Callable
from typing import Any

from integrations.sources.account import Account, Rule
from integrations.sources.caredove.also_sent import is_internal

# A body without such a word, not even in escapes, is not gone through.
_SIGNS = (b"internal", b"staff", b"\\u00", b"\0")


def leave_out_internal(
    body: bytes, content: Any, kept: Account, is_marked: Callable[[str | int, Any], bool]
) -> None:
    """Leave out what is internal by its key, or what `is_marked` says is so by its marks.

    `is_marked` gets each object with its key or index.
    """
    folded = body.lower()
    if not any(sign in folded for sign in _SIGNS):
        return
    del folded
    stack = [content]
    while stack:
        holder = stack.pop()
        items: Any = holder.items() if isinstance(holder, dict) else enumerate(holder)
        for key, value in items:
            by_key = isinstance(key, str) and is_internal(key) and not isinstance(value, bool)
            if by_key or (isinstance(value, dict) and is_marked(key, value)):
                kept.leave_out((id(holder), key), Rule.INTERNAL)
            elif isinstance(value, dict | list):
                stack.append(value)
