"""The circuit breaker of one server, and OPTIONS that are answered no more. Time is a number."""

from __future__ import annotations

from byourside_server.lines.trunk_health import FIRST_REST_S, LAST_REST_S, TargetHealth
from byourside_server.lines.trunk_pace import Pace


def broken(at: float = 0.0) -> TargetHealth:
    health = TargetHealth(breaks_after=3)
    for _ in range(3):
        health.failed(at, "503 to a call")
    return health


def test_failures_open_it_only_one_after_another() -> None:
    health = TargetHealth(breaks_after=3)
    for _ in range(10):
        health.failed(0.0, "x")
        health.failed(0.0, "x")
        health.carried()
    assert health.takes(0.0)
    assert broken().is_open(0.0)


def test_after_its_rest_it_takes_one_call_and_closes_on_success() -> None:
    health = broken()
    assert not health.takes(FIRST_REST_S - 0.1)
    assert health.takes(FIRST_REST_S)
    health.begin(FIRST_REST_S)
    assert not health.takes(FIRST_REST_S), "one at a time"
    assert not health.is_open(FIRST_REST_S)
    health.carried()
    assert health.takes(FIRST_REST_S)


def test_each_failed_trial_doubles_the_rest_up_to_five_minutes() -> None:
    health, now, rests = broken(), 0.0, []
    for _ in range(7):
        rest = next(s for s in (10.0, 20.0, 40.0, 80.0, 160.0, 300.0) if not health.is_open(now + s))
        rests.append(rest)
        now += rest
        health.begin(now)
        health.failed(now, "x")
    assert rests == [10.0, 20.0, 40.0, 80.0, 160.0, LAST_REST_S, LAST_REST_S]


def test_a_trial_that_came_to_nothing_leaves_room_for_the_next() -> None:
    """Called off by the caller, or refused for a reason of its own."""
    health = broken()
    health.begin(FIRST_REST_S)
    health.refused()
    assert health.takes(FIRST_REST_S)


def test_retry_after_opens_it_at_once_and_a_carrier_cannot_ask_for_days() -> None:
    health = TargetHealth(breaks_after=3)
    health.failed(0.0, "503 to a call", retry_after_s=86_400)
    assert health.is_open(LAST_REST_S - 1)
    assert not health.is_open(LAST_REST_S)


def test_the_sandbox_never_breaks() -> None:
    health = TargetHealth(breaks_after=0)
    for _ in range(100):
        health.failed(0.0, "503 to a call", retry_after_s=60)
    assert health.takes(0.0)


def test_one_that_answered_options_and_does_so_no_more_is_down() -> None:
    health = TargetHealth(breaks_after=3)
    health.pinged(0.0, 200, 0.02)
    health.pinged(30.0, None, 8.0)
    assert health.takes(30.0), "one lost packet is no outage"
    health.pinged(60.0, None, 8.0)
    assert health.is_open(60.0)
    assert health.words(60.0) == "down: answers OPTIONS no more"
    health.pinged(90.0, 404, 0.02)
    assert health.takes(90.0), "any answer is a living one"


def test_one_that_never_answered_options_is_not_judged_by_them() -> None:
    health = TargetHealth(breaks_after=3)
    for n in range(10):
        health.pinged(n * 30.0, None, 8.0)
    assert health.takes(300.0)


def test_one_that_cannot_be_reached_is_down_though_it_never_answered() -> None:
    """A refused connection, or ICMP: more than a carrier that does not answer OPTIONS."""
    health = TargetHealth(breaks_after=3)
    health.pinged(0.0, None, 0.01, unreachable=True)
    assert health.takes(0.0)
    health.pinged(30.0, None, 0.01, unreachable=True)
    assert health.words(30.0) == "down: can't be reached"
    health.pinged(60.0, 200, 0.01)
    assert health.takes(60.0)


def test_an_answer_after_silence_ends_the_rest() -> None:
    health = broken()
    health.pinged(0.0, None, 8.0)
    health.pinged(1.0, 200, 0.02)
    assert health.takes(1.0)


def test_a_pace_spaces_calls_evenly_and_does_not_save_up_what_was_not_used() -> None:
    pace = Pace(2.0)
    assert [pace.take(100.0) for _ in range(4)] == [0.0, 0.5, 1.0, 1.5]
    assert pace.take(200.0) == 0.0
    assert pace.wait_s(200.0) == 0.5
    assert [Pace(None).take(0.0) for _ in range(3)] == [0.0, 0.0, 0.0]
