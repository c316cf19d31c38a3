"""Is another try worth it, and after how long?

Pure: an error, the number of tries made and a random number in, seconds out. That a repeated POST
can't place a second call is the Idempotency-Key's work (client.py), not this module's.
"""

from typing import Optional

from .errors import ByoursideError

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 8.0
# A server that asks for more patience than this gets none: the caller decides.
LONGEST_RETRY_AFTER_S = 60.0


def pause_before_next_try(error: ByoursideError, tries: int, retries: int, chance: float) -> Optional[float]:
    """Seconds to wait before trying again, or None where trying again is of no use.

    `tries` counts those already made, `retries` those allowed after the first. The pause doubles from
    try to try; `chance`, in [0, 1), spreads it over its upper half so that clients that failed together
    don't return together. A Retry-After is a lower bound.
    """
    if tries > retries or not error.retryable:
        return None
    longest = min(FIRST_PAUSE_S * 2.0 ** (tries - 1), LONGEST_PAUSE_S)
    pause = longest * (0.5 + 0.5 * chance)
    if error.retry_after is None:
        return pause
    if error.retry_after > LONGEST_RETRY_AFTER_S:
        return None
    return max(pause, error.retry_after)
