"""The simulated machines: menus, screening, voicemail, fax. Source: docs/sandbox.md."""

from __future__ import annotations

import pytest

from byourside_server.sandbox.acts import Act, HangUp, Hush, Play, Speak, Wait
from byourside_server.sandbox.machines import Fax, MenuOfKeys, Screening, Voicemail

PURPOSE = "I'm calling to confirm the appointment for tomorrow at 2 p.m."
INTRODUCTION = "Hello, this is an automated AI assistant."


def clips(acts: list[Act]) -> list[str]:
    return [act.clip_id for act in acts if isinstance(act, Speak)]


def test_the_machine_greets_beeps_and_never_answers() -> None:
    machine = Voicemail()
    greeting, beep, end = machine.answered()
    assert isinstance(greeting, Speak)
    assert isinstance(beep, Play)
    assert isinstance(end, HangUp)
    assert machine.agent_said("Hello?") == []


def test_a_fax_says_nothing_but_its_tone() -> None:
    acts = Fax().answered()
    assert {act.sound for act in acts if isinstance(act, Play)} == {"fax"}
    assert clips(acts) == []
    assert isinstance(acts[-1], HangUp)


def test_the_right_keys_lead_through_two_levels_to_a_person() -> None:
    menu = MenuOfKeys()
    assert clips(menu.answered()) == ["menu_main"]
    assert clips(menu.pressed("2")) == ["menu_appointments"]
    assert clips(menu.pressed("2")) == ["menu_transfer", "speaking_how_can_i_help"]
    assert clips(menu.agent_said("Does that still work for you?")) == ["yes_works"]
    assert menu.pressed("2") == []


@pytest.mark.parametrize("keys", ["1", "21"])
def test_a_wrong_branch_says_goodbye_and_hangs_up(keys: str) -> None:
    menu = MenuOfKeys()
    acts = [menu.pressed(key) for key in keys][-1]
    assert clips(acts) == ["menu_closed"]
    assert isinstance(acts[-1], HangUp)
    assert menu.pressed("2") == []


def test_a_key_that_is_none_is_told_and_the_menu_read_again() -> None:
    acts = MenuOfKeys().pressed("7")
    assert isinstance(acts[0], Hush)
    assert clips(acts) == ["menu_invalid", "menu_main"]


def test_a_menu_nobody_answers_is_read_three_times_and_given_up() -> None:
    menu = MenuOfKeys()
    assert isinstance(menu.answered()[-1], Wait)
    rounds = [menu.waited() for _ in range(3)]
    assert [clips(acts)[-1] for acts in rounds] == ["menu_main", "menu_main", "menu_goodbye"]
    assert isinstance(rounds[-1][-1], HangUp)


def test_a_menu_is_not_talked_to() -> None:
    assert MenuOfKeys().agent_said("Hello? Does that still work for you?") == []


def test_who_says_name_and_reason_is_put_through() -> None:
    screening = Screening()
    assert clips(screening.answered()) == ["screening_state_name"]
    assert clips(screening.agent_said(f"{INTRODUCTION} {PURPOSE}")) == ["screening_thank_you", "hello"]
    assert clips(screening.agent_said("Does that still work for you?")) == ["yes_works"]


@pytest.mark.parametrize("said", [INTRODUCTION, PURPOSE, "Hello?"])
def test_who_says_only_one_of_them_is_asked_again_and_then_turned_away(said: str) -> None:
    screening = Screening()
    assert isinstance(screening.agent_said(said)[-1], Wait)
    assert clips(screening.waited()) == ["screening_again"]
    screening.agent_said(said)
    acts = screening.waited()
    assert clips(acts) == ["screening_declined"]
    assert isinstance(acts[-1], HangUp)


def test_who_says_both_in_two_turns_is_put_through() -> None:
    screening = Screening()
    screening.agent_said(INTRODUCTION)
    assert clips(screening.agent_said(PURPOSE)) == ["screening_thank_you", "hello"]


def test_who_says_nothing_to_call_screening_is_turned_away_too() -> None:
    screening = Screening()
    assert clips(screening.waited()) == ["screening_again"]
    assert clips(screening.waited()) == ["screening_declined"]
