"""How many calls a minute, and how many minutes in all?

Arithmetic on values the caller keeps; no clock and no store. A refused call changes nothing: the caller
saves the new bucket only together with the accepted call, in one transaction.

Minutes are used to the second, as `durationSec` shows them; nothing is rounded up. A call in flight
reserves its maximum duration until it ends, so the allowance is overrun by less than one call's maximum,
however many calls are placed at once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

# A bucket filled for exactly the promised wait must let the call through although epoch seconds in a
# double are exact to 0.24 µs only. What is let through early stays owed: the level goes below nought.
_EPSILON = 1e-4

# An account with a rate of nought is suspended; no wait would help, so the answer is to look again later.
SUSPENDED_RETRY_S = 3600.0


@dataclass(frozen=True, slots=True)
class TokenBucket:
    """What is left of a rate at a moment."""

    level: float
    """Calls that may be placed at once, a fraction included."""
    updated_at: float
    """Epoch seconds at which `level` was true."""


def full_bucket(burst: float, now: float) -> TokenBucket:
    """Return the bucket of a key that has not called yet."""
    return TokenBucket(float(burst), now)


def refilled(bucket: TokenBucket, rate_per_min: float, burst: float, now: float) -> TokenBucket:
    """Return the bucket as it stands now; a clock that went back refills nothing."""
    elapsed_s = max(0.0, now - bucket.updated_at)
    level = min(float(burst), bucket.level + elapsed_s * rate_per_min / 60.0)
    return TokenBucket(level, max(now, bucket.updated_at))


def take(
    bucket: TokenBucket, rate_per_min: float, burst: float, now: float
) -> tuple[TokenBucket, float | None]:
    """Take one call: return the new bucket and None, or the bucket refilled and the seconds to wait.

    `burst` is how many calls may come at once; at most `burst` + `rate_per_min` calls pass in any minute.
    """
    bucket = refilled(bucket, rate_per_min, burst, now)
    if rate_per_min <= 0 or burst < 1:
        return bucket, SUSPENDED_RETRY_S
    if bucket.level >= 1.0 - _EPSILON:
        return TokenBucket(bucket.level - 1.0, bucket.updated_at), None
    clock_behind_s = bucket.updated_at - now
    return bucket, (1.0 - bucket.level) * 60.0 / rate_per_min + clock_behind_s


def minutes_left(cap_minutes: float | None, used_s: float, in_flight: int, max_duration_s: float) -> float:
    """Return the minutes not yet used or reserved; negative when overdrawn, infinite without a cap."""
    if cap_minutes is None:
        return math.inf
    return cap_minutes - (used_s + in_flight * max_duration_s) / 60.0


def is_over_minute_cap(
    cap_minutes: float | None, used_s: float, in_flight: int, max_duration_s: float
) -> bool:
    """True once used and reserved minutes reach the cap: the next call is `over_minute_cap`."""
    return minutes_left(cap_minutes, used_s, in_flight, max_duration_s) <= 0.0
