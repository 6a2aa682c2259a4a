"""Of many cases that are alike, some for every change and all for `make test-all`."""

from collections.abc import Sequence
from typing import Any

import pytest


def some(cases: Sequence[Any], *, one_of: int = 3) -> list[Any]:
    """Return all cases for `parametrize`; but one in so many, they are for `make test-all` alone.

    For cases that take the same path: cut cases, never a kind of proof.
    """
    return [case if number % one_of == 0 else _for_all(case) for number, case in enumerate(cases)]


def _for_all(case: Any) -> Any:
    values = case if isinstance(case, tuple) else (case,)
    return pytest.param(*values, marks=pytest.mark.whole)
