"""Which engines of a chain are worth asking: one that failed rests, so that nobody waits for it again.

Numbers and times only; knows neither speech nor the clock.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from byourside_server.providers.base import ProviderError, ProviderErrorKind

REST_S = 15.0
# What differs from it: a wrong key does not come right by itself; a bad input is not the engine's fault.
REST_OF_KIND_S: Mapping[ProviderErrorKind, float] = {
    ProviderErrorKind.BAD_CONFIGURATION: 60.0,
    ProviderErrorKind.BAD_INPUT: 0.0,
}
LONGEST_REST_S = 60.0  # whatever the vendor wishes


class EngineRests:
    """Engines by their place in the chain."""

    def __init__(self, count: int, monotonic: Callable[[], float]) -> None:
        self._until = [float("-inf")] * count
        self._monotonic = monotonic

    def rests(self, place: int) -> bool:
        return self._until[place] > self._monotonic()

    def to_ask(self) -> list[int]:
        """The places to ask, in order; the last of the chain is always among them."""
        last = len(self._until) - 1
        return [place for place in range(last + 1) if place == last or not self.rests(place)]

    def failed(self, place: int, error: ProviderError) -> None:
        """It did not do its part: it rests as long as that kind of failure lasts."""
        rest_s = REST_OF_KIND_S.get(error.kind, REST_S)
        if error.retry_after_s is not None and rest_s:
            rest_s = min(LONGEST_REST_S, max(rest_s, error.retry_after_s))
        self._rest(place, rest_s)

    def was_late(self, place: int) -> None:
        """It had its time and did not use it, or broke off in the middle."""
        self._rest(place, REST_S)

    def _rest(self, place: int, rest_s: float) -> None:
        self._until[place] = max(self._until[place], self._monotonic() + rest_s)


class Budget:
    """How long each engine of one request may be waited for before the next is asked."""

    def __init__(self, each_s: float, all_s: float, monotonic: Callable[[], float]) -> None:
        self._each_s = each_s
        self._monotonic = monotonic
        self._ends_at = monotonic() + all_s

    def next_patience(self) -> float:
        """Seconds for the next engine: `each_s`, or what is left of the whole."""
        return max(0.0, min(self._each_s, self._ends_at - self._monotonic()))
