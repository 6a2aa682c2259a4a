from inspect import unwrap

import pytest

from referrals.summary import pdf


@pytest.fixture(autouse=True)
def _rendered_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Here rendering is what is tried, so that no stored page stands in for it."""
    monkeypatch.setattr(pdf, "_rendered", unwrap(pdf._rendered))
