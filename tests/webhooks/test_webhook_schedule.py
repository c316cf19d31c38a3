"""When to try again: Standard Webhooks' waits, RFC 9110 §10.2.3 for Retry-After."""

from __future__ import annotations

import pytest

from byourside_server.webhooks.schedule import DELAYS_S, Delivered, GiveUp, TryAgain, judge


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_any_2xx_is_success(status: int) -> None:
    assert judge(0, status, None, 0.0) == Delivered()


@pytest.mark.parametrize("status", [None, 199, 301, 302, 307, 400, 404, 500, 503])
def test_anything_else_is_tried_again_a_redirect_too(status: int | None) -> None:
    assert judge(0, status, None, 0.0) == TryAgain(5.0)


def test_the_waits_are_the_published_ones_and_end_after_ten_attempts() -> None:
    waits = [verdict.delay_s for n in range(9) if isinstance(verdict := judge(n, 500, None, 0.0), TryAgain)]
    assert waits == [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400]
    assert judge(9, 500, None, 0.0) == GiveUp()
    assert len(DELAYS_S) == 10


def test_jitter_stretches_and_never_shortens() -> None:
    stretched = judge(1, 500, None, 1.0)
    assert isinstance(stretched, TryAgain)
    assert stretched.delay_s == pytest.approx(330.0)
    assert judge(1, 500, None, 0.0) == TryAgain(300.0)


def test_gone_gives_up_everything_at_once() -> None:
    assert judge(0, 410, None, 0.0) == GiveUp(gone=True)


def test_retry_after_lengthens_but_is_capped_and_never_shortens() -> None:
    assert judge(0, 503, 60.0, 0.0) == TryAgain(60.0)
    assert judge(1, 503, 60.0, 0.0) == TryAgain(300.0)
    assert judge(0, 503, 1e9, 0.0) == TryAgain(86_400.0)
