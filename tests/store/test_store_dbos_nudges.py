"""The sleep of a queue's thread, on threads and events as they are: each would sleep for a minute here."""

from __future__ import annotations

import threading

import pytest

from byourside_server.store.dbos_nudges import Nudges

LONG_S = 60.0
PATIENCE_S = 30.0


def asleep(stop: threading.Event, name: str, looks: int = 1) -> threading.Thread:
    """A thread that sleeps as DBOS's do, until it has looked so often or is told to stop."""

    def work() -> None:
        for _ in range(looks):
            if stop.wait(timeout=LONG_S):
                return

    thread = threading.Thread(target=work, name=name, daemon=True)
    thread.start()
    return thread


def has_ended(thread: threading.Thread) -> bool:
    thread.join(PATIENCE_S)
    return not thread.is_alive()


@pytest.fixture
def stop() -> threading.Event:
    return threading.Event()


def test_what_is_put_is_looked_for_once_since_it_is_committed(stop: threading.Event) -> None:
    nudges = Nudges(["a", "b"])
    nudges.stand_in_for(stop)
    thread, others = asleep(stop, "queue-worker-a"), asleep(stop, "queue-worker-b")
    nudges.nudge("a")
    assert has_ended(thread)
    again = asleep(stop, "queue-worker-a")
    again.join(0.1)
    assert again.is_alive(), "nothing was put since"
    assert others.is_alive(), "nothing was put for it"
    stop.set()
    assert has_ended(again)
    assert has_ended(others)


def test_what_was_put_while_nobody_slept_wakes_whoever_goes_to_sleep(stop: threading.Event) -> None:
    nudges = Nudges(["a"])
    nudges.nudge("a")
    nudges.stand_in_for(stop)
    assert has_ended(asleep(stop, "queue-worker-a"))


def test_who_is_woken_again_and_again_never_goes_to_sleep_over_the_last(stop: threading.Event) -> None:
    """Each nudge comes while the one before is still being looked after."""
    nudges = Nudges(["a"])
    nudges.stand_in_for(stop)
    for _ in range(20):
        thread = asleep(stop, "queue-worker-a", looks=1)
        nudges.nudge("a")
        assert has_ended(thread)


def test_to_stop_wakes_everybody_at_once(stop: threading.Event) -> None:
    nudges = Nudges(["a", "b"])
    # As with DBOS, whose scheduler has an event of its own that comes after the queues'.
    later = threading.Event()
    nudges.stand_in_for(stop)
    nudges.stand_in_for(later)
    threads = [
        asleep(stop, "queue-worker-a", looks=2),
        asleep(stop, "queue-worker-b", looks=2),
        asleep(stop, "queue-worker-of DBOS itself", looks=1),
        asleep(later, "scheduler", looks=1),
    ]
    stop.set()
    later.set()
    assert all(map(has_ended, threads))
