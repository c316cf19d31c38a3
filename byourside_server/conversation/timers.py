"""Named moments at which something is due. Knows no clock: it is told the time."""

from __future__ import annotations

NEVER = float("inf")


class Timers:
    """At most one moment per name; setting it again moves it."""

    def __init__(self) -> None:
        self._at: dict[str, float] = {}
        # While time stands still: since when, for which names it goes on, and what was set meanwhile.
        self._still_since: float | None = None
        self._going_on: frozenset[str] = frozenset()
        self._set_meanwhile: set[str] = set()

    @property
    def next_at(self) -> float | None:
        """The earliest moment, None where nothing is due."""
        earliest = min((self._at[name] for name in self._running), default=NEVER)
        return None if earliest == NEVER else earliest

    @property
    def _running(self) -> list[str]:
        return [name for name in self._at if self._still_since is None or name in self._going_on]

    def set(self, name: str, at: float) -> None:
        self._at[name] = at
        self._set_meanwhile.add(name)

    def stop_time(self, now: float, *, going_on: frozenset[str]) -> None:
        """From now on nothing comes due but `going_on`."""
        if self._still_since is None:
            self._still_since, self._going_on = now, going_on
            self._set_meanwhile.clear()

    def go_on(self, now: float) -> None:
        """The others are as far away as they were; what was set meanwhile comes no earlier than now."""
        if self._still_since is None:
            return
        stood_s, self._still_since = now - self._still_since, None
        for name in self._at.keys() - self._going_on:
            at = self._at[name]
            self._at[name] = max(at, now) if name in self._set_meanwhile else at + stood_s

    def is_set(self, name: str) -> bool:
        return name in self._at

    def clear(self, *names: str) -> None:
        for name in names:
            self._at.pop(name, None)

    def clear_all(self) -> None:
        self._at.clear()

    def pop_due(self, now: float) -> tuple[str, float] | None:
        """Takes out the earliest that is due by `now`."""
        name = min(self._running, key=lambda each: self._at[each], default=None)
        if name is None or self._at[name] > now:
            return None
        return name, self._at.pop(name)
