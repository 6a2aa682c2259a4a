"""Calls from a layer below to the one function of a layer above that answers them.

Imports go down only, and yet what changes below may concern what waits above. The layer below
gives such a moment a name, a hook, and calls it where that happens; the app above binds its
function when the program starts. Unlike Django's signals, a call stands where it can be read, one
function answers it, what that raises reaches the caller, and a hook without an answer fails.
"""

from collections.abc import Callable
from typing import Generic, ParamSpec

P = ParamSpec("P")


class Hook(Generic[P]):
    """A name for a moment; who calls it calls the function that is bound to it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._answer: Callable[P, None] | None = None

    def bind(self, answer: Callable[P, None]) -> None:
        """Let this function answer; raises RuntimeError when another one does already."""
        if self._answer not in (None, answer):
            raise RuntimeError(f"The hook “{self.name}” is bound already.")
        self._answer = answer

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> None:
        if self._answer is None:
            raise RuntimeError(f"Nothing is bound to the hook “{self.name}”.")
        self._answer(*args, **kwargs)
