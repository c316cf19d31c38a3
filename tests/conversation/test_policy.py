"""What a mind may have carried out, whichever mind it is."""

from __future__ import annotations

import pytest

from byourside_server.conversation.brief import Brief, TransferTarget
from byourside_server.conversation.events import END_REASONS
from byourside_server.conversation.mind import DEFAULT_PATIENCE_S, Decision
from byourside_server.conversation.policy import (
    LONGEST_PATIENCE_S,
    MAX_KEYS,
    REASONS_OF_A_MIND,
    allowed,
    target_of,
)

DESK = TransferTarget("Front Desk", "+12025550123")
BRIEF = Brief("Ask for the price.", transfers=(DESK,))


def test_keys_are_pressed_in_a_menu_only() -> None:
    decision = Decision("", keys="1")
    assert allowed(decision, BRIEF, in_menu=True).keys == "1"
    outside = allowed(decision, BRIEF, in_menu=False)
    assert outside.keys == ""
    assert outside.note == "dropped keys outside a menu"


@pytest.mark.parametrize(
    ("asked", "pressed"),
    [
        ("1 2 3", "123"),
        ("12-34#", "1234#"),
        ("9,,1", "9,,1"),
        ("a", "A"),
        ("1x", ""),
        ("１", ""),
        (",", ""),
        ("1" * MAX_KEYS, "1" * MAX_KEYS),
        ("1" * (MAX_KEYS + 1), ""),
    ],
)
def test_only_keys_a_telephone_has_are_pressed_and_all_of_them_or_none(asked: str, pressed: str) -> None:
    """RFC 4733 §3.2: digits, star, hash and A to D."""
    assert allowed(Decision("", keys=asked), BRIEF, in_menu=True).keys == pressed


def test_keys_are_not_pressed_on_the_way_out() -> None:
    assert allowed(Decision("Bye.", keys="1", then="hang_up"), BRIEF, in_menu=True).keys == ""


def test_a_transfer_goes_to_a_configured_target_whatever_its_capitals() -> None:
    decision = allowed(Decision("", then="transfer", transfer_to=" front DESK "), BRIEF, in_menu=False)
    assert (decision.then, decision.transfer_to) == ("transfer", "Front Desk")


@pytest.mark.parametrize("name", ["+19005550123", "Sales", "", None])
def test_a_transfer_to_anything_else_is_dropped(name: str | None) -> None:
    decision = allowed(Decision("One moment.", then="transfer", transfer_to=name), BRIEF, in_menu=False)
    assert (decision.then, decision.transfer_to, decision.say) == ("listen", None, "One moment.")
    assert decision.note == "dropped a transfer to an unknown target"


def test_a_target_without_a_transfer_is_dropped() -> None:
    assert allowed(Decision("Hi.", transfer_to="Front Desk"), BRIEF, in_menu=False).transfer_to is None


@pytest.mark.parametrize("reason", ["canceled", "line_lost", "max_duration", "hung_up", "anything", ""])
def test_a_reason_that_a_mind_cannot_know_becomes_completed(reason: str) -> None:
    decision = allowed(Decision("Bye.", then="hang_up", end_reason=reason), BRIEF, in_menu=False)
    assert decision.end_reason == "completed"
    assert "can't know" in decision.note


@pytest.mark.parametrize("reason", sorted(REASONS_OF_A_MIND))
def test_a_reason_that_a_mind_can_know_stays(reason: str) -> None:
    assert reason in END_REASONS
    decision = Decision("Bye.", then="hang_up", end_reason=reason)
    assert allowed(decision, BRIEF, in_menu=False) == decision


def test_a_hang_up_without_a_reason_is_completed_and_a_reason_without_a_hang_up_is_dropped() -> None:
    assert allowed(Decision("Bye.", then="hang_up"), BRIEF, in_menu=False).end_reason == "completed"
    assert allowed(Decision("Hi.", end_reason="completed"), BRIEF, in_menu=False).end_reason is None


def test_nothing_is_said_to_a_machine_before_its_beep() -> None:
    decision = allowed(
        Decision("Hello?", then="leave_message", keys="1", transfer_to="Front Desk"), BRIEF, in_menu=True
    )
    assert decision.then == "leave_message"
    assert (decision.say, decision.keys, decision.transfer_to) == ("", "", None)


@pytest.mark.parametrize(
    ("wished_s", "given_s"),
    [(float("nan"), DEFAULT_PATIENCE_S), (1e9, LONGEST_PATIENCE_S), (-1.0, 0.5), (20.0, 20.0)],
)
def test_patience_stays_within_reason(wished_s: float, given_s: float) -> None:
    assert allowed(Decision("Hi.", patience_s=wished_s), BRIEF, in_menu=False).patience_s == given_s


def test_what_is_allowed_is_untouched_and_notes_are_kept() -> None:
    decision = Decision("Does that work?", asks="field:ok", note="asks")
    assert allowed(decision, BRIEF, in_menu=False) == decision
    noted = allowed(Decision("Hi.", keys="1", note="asks"), BRIEF, in_menu=False)
    assert noted.note == "asks; dropped keys outside a menu"


def test_targets_are_found_by_name_only() -> None:
    assert target_of(BRIEF, "front desk") is DESK
    assert target_of(BRIEF, DESK.number) is None
    assert target_of(Brief("Ask."), "front desk") is None
