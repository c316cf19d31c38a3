"""Wakes DBOS's queue threads when there is something for them, so that they need not look ten times a second.

DBOS can only poll on SQLite: each look is four statements and a transaction, and looking often enough for a
telephone cost 7 % of a core where nobody called. Its queue threads all sleep on one event, the one that stops
them. This stands in for that event's sleep: a thread sleeps long, and is woken where something was put. It is
told of what is committed, so one look finds it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable

# Before the look: many puts soon after one another are one look.
_COMPANY_S = 0.01
_PREFIX = "queue-worker-"


class Nudges:
    """The sleep of DBOS's queue threads, by queue."""

    def __init__(self, queue_names: Iterable[str]) -> None:
        self._nudged = {name: threading.Event() for name in queue_names}
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
        """Something was committed to the queue, or room was made for what waits there. From any thread."""
        self._nudged[queue_name].set()

    def _sleep(self, queue_name: str, timeout_s: float) -> bool:
        nudged = self._nudged[queue_name]
        if nudged.wait(timeout_s):
            time.sleep(_COMPANY_S)
            # Before the look: what is told of from now on gets another.
            nudged.clear()
        return self._stop.is_set()
