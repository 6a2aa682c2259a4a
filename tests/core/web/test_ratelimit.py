import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.web import ratelimit
from core.web.ratelimit import TokenBuckets


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def test_a_minutes_worth_may_come_at_once_and_no_more(clock):
    buckets = TokenBuckets(clock)
    assert [buckets.take("caredove", 3) for _ in range(3)] == [0, 0, 0]
    assert buckets.take("caredove", 3) == pytest.approx(20)


def test_after_the_wait_a_call_goes_on(clock):
    buckets = TokenBuckets(clock)
    for _ in range(3):
        buckets.take("caredove", 3)
    clock.now += buckets.take("caredove", 3)
    assert buckets.take("caredove", 3) == 0
    assert buckets.take("caredove", 3) > 0


def test_one_sender_does_not_slow_another(clock):
    buckets = TokenBuckets(clock)
    buckets.take("caredove", 1)
    assert buckets.take("caredove", 1) > 0
    assert buckets.take("ocean", 1) == 0


def test_no_limit_is_no_limit(settings):
    settings.RATE_LIMIT_PER_MINUTE = 0
    assert not any(ratelimit.seconds_to_wait("caredove") for _ in range(1000))


def test_the_setting_sets_the_limit(settings, monkeypatch, clock):
    monkeypatch.setattr(ratelimit, "_buckets", TokenBuckets(clock))
    settings.RATE_LIMIT_PER_MINUTE = 2
    assert [ratelimit.seconds_to_wait("caredove") for _ in range(3)] == [0, 0, pytest.approx(30)]


@given(gaps=st.lists(st.floats(0, 30), max_size=200), per_minute=st.integers(1, 50))
def test_no_minute_ever_holds_more_than_two_minutes_worth(gaps, per_minute):
    clock = Clock()
    buckets = TokenBuckets(clock)
    passed = []
    for gap in gaps:
        clock.now += gap
        if buckets.take("caredove", per_minute) == 0:
            passed.append(clock.now)
    for start in passed:
        assert sum(start <= at < start + 60 for at in passed) <= 2 * per_minute


def test_senders_that_are_long_gone_are_forgotten(clock, monkeypatch):
    monkeypatch.setattr(ratelimit, "_MANY", 10)
    buckets = TokenBuckets(clock)
    for number in range(10):
        buckets.take(f"sender {number}", 5)
    clock.now += 61
    buckets.take("new", 5)
    assert list(buckets._buckets) == ["new"]
