"""Waits that grow, in virtual time."""

from __future__ import annotations

from byourside_server.dashboard.attempts import (
    FORGET_S,
    MAX_ADDRESSES,
    OVER_ALL,
    PER_ADDRESS,
    Attempts,
    neighbourhood,
)

HERE, THERE = "203.0.113.7", "198.51.100.9"


def failed(times: int, address: str = HERE) -> Attempts:
    attempts = Attempts()
    for _ in range(times):
        attempts.begin(address, 0.0)
    return attempts


def test_the_first_failures_are_free_and_then_waits_double() -> None:
    waits = [failed(PER_ADDRESS.free + more).wait_s(HERE, 0.0) for more in (-1, 0, 1, 2, 3)]
    assert waits == [0.0, 1.0, 2.0, 4.0, 8.0]


def test_a_wait_runs_down_and_has_an_end() -> None:
    attempts = failed(40)
    assert attempts.wait_s(HERE, 0.0) == PER_ADDRESS.longest_s
    assert attempts.wait_s(HERE, PER_ADDRESS.longest_s) == 0.0


def test_another_address_does_not_wait_until_many_have_failed() -> None:
    assert failed(20).wait_s(THERE, 0.0) == 0.0
    attempts = Attempts()
    for number in range(OVER_ALL.free + 3):
        attempts.begin(f"203.0.113.{number}", 0.0)
    assert attempts.wait_s(THERE, 0.0) == 8.0


def test_nobody_is_kept_out_for_more_than_a_minute_by_others() -> None:
    attempts = Attempts()
    for number in range(1_000):
        attempts.begin(f"10.0.{number // 250}.{number % 250}", 0.0)
    assert attempts.wait_s(THERE, 0.0) == 60.0


def test_a_right_password_clears_the_address() -> None:
    attempts = failed(8)
    attempts.forgive(HERE)
    assert attempts.wait_s(HERE, 0.0) == 0.0


def test_failures_are_forgotten_after_an_hour() -> None:
    attempts = failed(30)
    attempts.begin(HERE, FORGET_S + 1)
    assert attempts.wait_s(HERE, FORGET_S + 1) == 0.0


def test_the_memory_has_an_end_and_keeps_the_sum() -> None:
    attempts = Attempts()
    for number in range(MAX_ADDRESSES + 500):
        attempts.begin(f"2001:db8:{number >> 16:x}:{number & 0xFFFF:x}::1", 0.0)
    assert len(attempts._records) == MAX_ADDRESSES
    assert attempts.wait_s(THERE, 0.0) == 60.0


def test_an_ipv6_customer_is_one_neighbour() -> None:
    """RFC 6177: the smallest that an end site is given is a /64."""
    assert neighbourhood("2001:db8:1:2:aaaa::1") == neighbourhood("2001:db8:1:2:bbbb::9")
    assert neighbourhood("2001:db8:1:3::1") != neighbourhood("2001:db8:1:2::1")
    assert neighbourhood("::ffff:203.0.113.7") != neighbourhood("::ffff:203.0.113.8")
    assert neighbourhood("no address") == "no address"
