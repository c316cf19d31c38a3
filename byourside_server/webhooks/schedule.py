"""When is a webhook tried again, and when is it given up?

Pure arithmetic on what the receiver answered. The waits are those of Standard Webhooks ("Deliverability
and reliability"), each counted from the attempt before: ten attempts over three days and a bit.
"""

from __future__ import annotations

from dataclasses import dataclass

MINUTE_S = 60.0
HOUR_S = 3600.0
# Before attempt number n (from 0): seconds since the attempt before it.
DELAYS_S = (
    0.0,
    5.0,
    5 * MINUTE_S,
    30 * MINUTE_S,
    2 * HOUR_S,
    5 * HOUR_S,
    10 * HOUR_S,
    14 * HOUR_S,
    20 * HOUR_S,
    24 * HOUR_S,
)
# A wait is stretched by up to this share, so that receivers that fell together do not rise together.
JITTER = 0.1
# A receiver may ask for patience, but not for ever.
MAX_RETRY_AFTER_S = 24 * HOUR_S
GONE = 410


@dataclass(frozen=True)
class Delivered:
    """The receiver has it."""


@dataclass(frozen=True)
class TryAgain:
    """It has not; come back after so many seconds."""

    delay_s: float


@dataclass(frozen=True)
class GiveUp:
    """It will not have it. `gone`: nor anything else of this call (410)."""

    gone: bool = False


Verdict = Delivered | TryAgain | GiveUp


def judge(attempt: int, status: int | None, retry_after_s: float | None, jitter: float) -> Verdict:
    """What follows from attempt number `attempt` (from 0) having been answered with `status`.

    `status` is None where no answer came in time. `jitter` is a random number from 0 to 1. `Retry-After`
    can only lengthen the wait (RFC 9110 §10.2.3).
    """
    if status is not None and 200 <= status <= 299:
        return Delivered()
    if status == GONE:
        return GiveUp(gone=True)
    if attempt + 1 >= len(DELAYS_S):
        return GiveUp()
    delay_s = DELAYS_S[attempt + 1] * (1.0 + JITTER * jitter)
    if retry_after_s is not None:
        delay_s = max(delay_s, min(retry_after_s, MAX_RETRY_AFTER_S))
    return TryAgain(delay_s)
