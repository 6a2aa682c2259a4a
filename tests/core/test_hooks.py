"""A layer below calls one function of a layer above, by a name; without one it fails."""

import pytest

from core.hooks import Hook


def test_the_bound_function_answers_each_call():
    came: list[int] = []
    hook: Hook[[int]] = Hook("a number came")
    hook.bind(came.append)
    hook(1)
    hook(2)
    assert came == [1, 2]


def test_a_hook_without_an_answer_fails():
    hook: Hook[[]] = Hook("nobody listens")
    with pytest.raises(RuntimeError, match="nobody listens"):
        hook()


def test_what_the_answer_raises_reaches_the_caller():
    def refuse() -> None:
        raise LookupError

    hook: Hook[[]] = Hook("refused")
    hook.bind(refuse)
    with pytest.raises(LookupError):
        hook()


def test_one_function_answers():
    came: list[int] = []
    hook: Hook[[int]] = Hook("a number came")
    hook.bind(came.append)
    hook.bind(came.append)  # the same, by a second start of the app
    with pytest.raises(RuntimeError, match="bound already"):
        hook.bind(print)
    hook(1)
    assert came == [1]
