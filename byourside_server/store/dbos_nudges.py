"""Wakes DBOS's queue threads when there is something for them, so that they need not look ten times a second.

DBOS can only poll on SQLite: each look is four statements and a transaction, and looking often enough for a
telephone cost 7 % of a core where nobody called. Its queue threads all sleep on one event, the one that stops
them. This stands in for that event's sleep: a thread sleeps long, and is woken early where something was put.
A put is not yet committed when it is told, so a woken thread looks several times, ever less often.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable

# Looks after something was put: the first so soon, each next after twice the time, up to the last.
_FIRST_S = 0.01
_LAST_S = 0.2
_PREFIX = "queue-worker-"


class Nudges:
    """The sleep of DBOS's queue threads, by queue."""

    def __init__(self, queue_names: Iterable[str]) -> None:
        self._nudged = {name: threading.Event() for name in queue_names}
        # The next short sleep of each; longer than the last where nothing was put lately.
        self._next_s = dict.fromkeys(self._nudged, 2 * _LAST_S)
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
        self._nudged[queue_name].set()

    def _sleep(self, queue_name: str, timeout_s: float) -> bool:
        nudged = self._nudged[queue_name]
        short_s = self._next_s[queue_name]
        if nudged.wait(min(short_s, timeout_s) if short_s <= _LAST_S else timeout_s):
            nudged.clear()
            # Many puts at once are one look.
            time.sleep(_FIRST_S)
            self._next_s[queue_name] = 2 * _FIRST_S
        else:
            self._next_s[queue_name] = min(2 * short_s, 2 * _LAST_S)
        return self._stop.is_set()
