"""Truth: the API page (429 `rate_limited`, 429 `over_minute_cap`) and plain arithmetic."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byourside_server.guardrails.limits import (
    SUSPENDED_RETRY_S,
    TokenBucket,
    full_bucket,
    is_over_minute_cap,
    minutes_left,
    refilled,
    take,
)


def test_a_full_bucket_lets_the_burst_through_and_then_names_the_wait() -> None:
    bucket = full_bucket(burst=5, now=0.0)
    for _ in range(5):
        bucket, wait_s = take(bucket, rate_per_min=5, burst=5, now=0.0)
        assert wait_s is None
    bucket, wait_s = take(bucket, rate_per_min=5, burst=5, now=0.0)
    assert wait_s == pytest.approx(12.0)


def test_a_refused_call_costs_nothing() -> None:
    empty = TokenBucket(0.25, 100.0)
    after, wait_s = take(empty, rate_per_min=60, burst=5, now=100.0)
    assert after == empty
    assert wait_s == pytest.approx(0.75)


def test_a_bucket_never_holds_more_than_the_burst() -> None:
    assert refilled(TokenBucket(1.0, 0.0), rate_per_min=60, burst=3, now=1e9) == TokenBucket(3.0, 1e9)


def test_a_lowered_burst_holds_at_once() -> None:
    assert refilled(TokenBucket(10.0, 0.0), rate_per_min=60, burst=2, now=0.0).level == 2.0


def test_a_clock_that_goes_back_gives_nothing_and_forgets_nothing() -> None:
    bucket, wait_s = take(TokenBucket(0.0, 100.0), rate_per_min=60, burst=1, now=90.0)
    assert bucket == TokenBucket(0.0, 100.0)
    assert wait_s == pytest.approx(11.0)


@pytest.mark.parametrize(("rate", "burst"), [(0, 5), (-1, 5), (5, 0)])
def test_a_rate_or_burst_of_nought_is_a_suspended_account(rate: int, burst: int) -> None:
    assert take(TokenBucket(5.0, 0.0), rate, burst, now=1e6)[1] == SUSPENDED_RETRY_S


@given(
    rate=st.integers(1, 1000),
    burst=st.integers(1, 100),
    level=st.floats(0, 1, exclude_max=True),
    now=st.floats(1.7e9, 1.9e9),
)
def test_waiting_as_long_as_told_is_always_enough(rate: int, burst: int, level: float, now: float) -> None:
    bucket, wait_s = take(TokenBucket(level, now), rate, burst, now)
    if wait_s is not None:
        _, second_wait_s = take(bucket, rate, burst, now + wait_s)
        assert second_wait_s is None


def test_what_rounding_lets_through_early_stays_owed() -> None:
    bucket, wait_s = take(TokenBucket(0.99995, 0.0), rate_per_min=60, burst=5, now=0.0)
    assert wait_s is None
    assert bucket.level == pytest.approx(-0.00005)


@given(
    rate=st.integers(1, 30),
    burst=st.integers(1, 10),
    gaps=st.lists(st.floats(0, 20), min_size=1, max_size=80),
)
def test_no_minute_ever_sees_more_than_burst_plus_rate_calls(
    rate: int, burst: int, gaps: list[float]
) -> None:
    now, bucket, taken_at = 0.0, full_bucket(burst, 0.0), []
    for gap in gaps:
        now += gap
        bucket, wait_s = take(bucket, rate, burst, now)
        if wait_s is None:
            taken_at.append(now)
    for start in taken_at:
        assert sum(1 for at in taken_at if start <= at < start + 60.0) <= burst + rate


def test_minutes_are_used_to_the_second_and_not_rounded() -> None:
    assert minutes_left(10, used_s=61.0, in_flight=0, max_duration_s=600) == pytest.approx(8 + 59 / 60)


def test_a_call_in_flight_reserves_its_maximum() -> None:
    assert minutes_left(60, used_s=600.0, in_flight=3, max_duration_s=300) == pytest.approx(35.0)


def test_the_cap_is_over_when_used_and_reserved_minutes_reach_it() -> None:
    assert not is_over_minute_cap(30, used_s=1799.0, in_flight=0, max_duration_s=600)
    assert is_over_minute_cap(30, used_s=1800.0, in_flight=0, max_duration_s=600)
    assert not is_over_minute_cap(30, used_s=0.0, in_flight=2, max_duration_s=600)
    assert is_over_minute_cap(30, used_s=0.0, in_flight=3, max_duration_s=600)


def test_without_a_cap_the_minutes_never_end_and_with_a_cap_of_nought_they_never_begin() -> None:
    assert minutes_left(None, used_s=1e9, in_flight=100, max_duration_s=600) == math.inf
    assert not is_over_minute_cap(None, used_s=1e9, in_flight=100, max_duration_s=600)
    assert is_over_minute_cap(0, used_s=0.0, in_flight=0, max_duration_s=600)


@given(cap=st.integers(1, 500), max_duration_s=st.integers(10, 3600), used_s=st.floats(0, 30_000))
def test_however_many_calls_come_at_once_the_overrun_stays_under_one_call(
    cap: int, max_duration_s: int, used_s: float
) -> None:
    in_flight = 0
    while not is_over_minute_cap(cap, used_s, in_flight, max_duration_s):
        in_flight += 1
    if in_flight:
        assert used_s + in_flight * max_duration_s < cap * 60 + max_duration_s + 1e-6
