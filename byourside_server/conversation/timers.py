"""Named moments at which something is due. Knows no clock: it is told the time."""

from __future__ import annotations

NEVER = float("inf")


class Timers:
    """At most one moment per name; setting it again moves it."""

    def __init__(self) -> None:
        self._at: dict[str, float] = {}

    @property
    def next_at(self) -> float | None:
        """The earliest moment, None where nothing is due."""
        earliest = min(self._at.values(), default=NEVER)
        return None if earliest == NEVER else earliest

    def set(self, name: str, at: float) -> None:
        self._at[name] = at

    def is_set(self, name: str) -> bool:
        return name in self._at

    def clear(self, *names: str) -> None:
        for name in names:
            self._at.pop(name, None)

    def clear_all(self) -> None:
        self._at.clear()

    def pop_due(self, now: float) -> tuple[str, float] | None:
        """Takes out the earliest that is due by `now`."""
        name = min(self._at, key=lambda each: self._at[each], default=None)
        if name is None or self._at[name] > now:
            return None
        return name, self._at.pop(name)
