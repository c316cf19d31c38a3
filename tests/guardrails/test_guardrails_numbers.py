"""Truth: ITU-T E.164 (at most 15 digits, no country code begins with 0) and phonenumbers."""

from __future__ import annotations

import pytest

from byourside_server.guardrails.numbers import Assignable, assignable, is_e164


@pytest.mark.parametrize(
    ("digits", "expected"),
    [(6, False), (7, True), (15, True), (16, False)],
)
def test_seven_to_fifteen_digits_are_e164(digits: int, expected: bool) -> None:
    assert is_e164("+" + "1" * digits) is expected


@pytest.mark.parametrize("first", "123456789")
def test_every_first_digit_but_nought_is_e164(first: str) -> None:
    assert is_e164(f"+{first}155550123")
    assert not is_e164("+0155550123")


def test_country_and_kind_come_from_the_numbering_plan() -> None:
    assert assignable("+442079460123") == Assignable("GB", "fixed_line")
    assert assignable("+441534123456") == Assignable("JE", "fixed_line")
    assert assignable("+61131234") == Assignable("AU", "local_rate")
    assert assignable("+449012345678") == Assignable("GB", "premium")


@pytest.mark.parametrize("e164", ["+610412345678", "+114155550123", "+4402079460123"])
def test_what_the_library_would_repair_is_not_assignable(e164: str) -> None:
    """It parses these and drops the trunk prefix, so that another number than the given one is valid."""
    assert assignable(e164) is None


@pytest.mark.parametrize("e164", ["+999123456789", "+12222345678", "+8001234567"])
def test_what_no_plan_can_assign_to_a_country_is_not_assignable(e164: str) -> None:
    assert assignable(e164) is None
