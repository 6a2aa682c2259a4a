import pytest

from core.web import ratelimit
from referrals.summary import pdf


@pytest.fixture(autouse=True)
def _empty_buckets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ratelimit, "_buckets", ratelimit.TokenBuckets(lambda: 0.0))


@pytest.fixture(autouse=True)
def _quick_summaries(monkeypatch: pytest.MonkeyPatch) -> None:
    page = pdf.Summary(b"%PDF-1.4\n%%EOF\n", False, ())
    monkeypatch.setattr(pdf, "pdf", lambda *_: page)
