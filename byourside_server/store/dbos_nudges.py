"""Wakes DBOS's queue threads when there is something for them, so that they need not look ten times a second.

DBOS can only poll on SQLite: each look is four statements and a transaction, and looking often enough for a
telephone cost 7 % of a core where nobody called. Its queue threads all sleep on one event, the one that stops
them. This stands in for that event's sleep: a thread sleeps long, and is woken early where something was put.
A put is not yet committed when it is told, so a woken thread looks often for a moment before it sleeps long.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable

# Looks while something was put a moment ago: how far apart at least, and for how long.
_GAP_S = 0.02
_AWAKE_GAP_S = 0.1
_AWAKE_S = 0.5
_PREFIX = "queue-worker-"


class Nudges:
    """The sleep of DBOS's queue threads, by queue."""

    def __init__(self, queue_names: Iterable[str]) -> None:
        self._nudged = {name: threading.Event() for name in queue_names}
        self._awake_until = dict.fromkeys(self._nudged, 0.0)
        self._looked_at = dict.fromkeys(self._nudged, 0.0)
        self._stop = threading.Event()

    def stand_in_for(self, stop: threading.Event) -> None:
        """From now on, sleeping on `stop` is done here; setting it still ends everything at once."""
        self._stop = stop
        sleep, end = stop.wait, stop.set

        def wait(timeout: float | None = None) -> bool:
            queue_name = threading.current_thread().name.removeprefix(_PREFIX)
            if queue_name not in self._nudged or timeout is None:
                return sleep(timeout)
            return self._sleep(queue_name, timeout)

        def set_() -> None:
            end()
            for nudged in self._nudged.values():
                nudged.set()

        # mypy forbids what this is for: the event is DBOS's own, and it makes none of another kind.
        stop.wait = wait  # type: ignore[method-assign]
        stop.set = set_  # type: ignore[method-assign]

    def nudge(self, queue_name: str) -> None:
        """Something was put into the queue, or room was made for what waits in it. From any thread."""
        self._awake_until[queue_name] = time.monotonic() + _AWAKE_S
        self._nudged[queue_name].set()

    def _sleep(self, queue_name: str, timeout_s: float) -> bool:
        nudged = self._nudged[queue_name]
        if time.monotonic() < self._awake_until[queue_name]:
            timeout_s = min(timeout_s, _AWAKE_GAP_S)
        nudged.wait(timeout_s)
        nudged.clear()
        # Many puts at once are one look.
        early_s = self._looked_at[queue_name] + _GAP_S - time.monotonic()
        if early_s > 0 and not self._stop.is_set():
            time.sleep(early_s)
        self._looked_at[queue_name] = time.monotonic()
        return self._stop.is_set()
