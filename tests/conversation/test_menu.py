"""Menus of keys as words: what they offer, and which key leads on. Phrasings as real menus have them."""

from __future__ import annotations

import pytest

from byourside_server.conversation.menu import is_same_menu, key_for, options_of
from byourside_server.conversation.pickup import LONG_QUIET_S, SHORT_QUIET_S, Pickup
from byourside_server.conversation.waiting_words import (
    has_missed,
    is_hold_notice,
    is_new_voice,
    only_welcomes,
    takes_leave,
    turns_away,
)

APPOINTMENT = "Confirm the appointment for tomorrow at 2pm and ask if they need to reschedule."
MENU = "Thank you for calling. For sales press one. For appointments press two. For all else press zero."


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("For sales press one. For support press two.", [("1", "sales"), ("2", "support")]),
        (
            "Press 1 for sales, press 2 for support, or press 0 to speak to an operator.",
            [("1", "sales"), ("2", "support or"), ("0", "speak to an operator")],
        ),
        (
            "thank you for calling acme if you would like to pay a bill press three",
            [("3", "pay a bill")],
        ),
        ("for sales press won for support press to", [("1", "sales"), ("2", "support")]),
        ("for billing press for for repairs press ate", [("4", "billing"), ("8", "repairs")]),
        ("for sales say or press one", [("1", "sales say or")]),
        ("to hear this menu again press the star key", [("*", "hear this menu again")]),
        ("for billing dial number 4", [("4", "billing")]),
        ("press to speak", []),
        ("we have two offices, one for sales", []),
        ("", []),
    ],
)
def test_options_are_read_in_either_order_and_with_what_recognition_makes_of_digits(
    text: str, options: list[tuple[str, str]]
) -> None:
    assert [(option.key, option.label) for option in options_of(text)] == options


@pytest.mark.parametrize(
    ("menu", "wish", "key"),
    [
        (MENU, APPOINTMENT, "2"),
        (MENU, "Ask for a price for ten chairs.", "1"),
        (
            "For new appointments press one. To confirm or change an appointment press two.",
            APPOINTMENT,
            "2",
        ),
        ("For orders press 1. For billing press 2.", "Ask why the invoice is so high.", "2"),
        ("For orders press 1. For billing press 2.", "Find out where my package is.", "1"),
        ("For sales press one. For technical support press two.", "My router is broken: get it fixed.", "2"),
        ("For reservations press one. For the bar press two.", "Book a table for four on Friday.", "1"),
    ],
)
def test_the_option_that_fits_the_objective_is_taken_at_once(menu: str, wish: str, key: str) -> None:
    assert key_for(options_of(menu), wish) == key


@pytest.mark.parametrize(
    ("menu", "key"),
    [
        ("For cakes press one. For an operator press nine.", "9"),
        ("For cakes press one. For all other questions press five.", "5"),
        ("For cakes press one. For bread press two.", "0"),
        ("To repeat this menu press nine.", "0"),
        ("To leave a message press one. To speak to someone press two.", "2"),
        ("For English press one. Para espanol oprima dos.", "1"),
    ],
)
def test_what_fits_nothing_goes_to_a_person_once_the_menu_is_over(menu: str, key: str) -> None:
    options = options_of(menu)
    assert key_for(options, APPOINTMENT) == ""
    assert key_for(options, APPOINTMENT, is_over=True) == key


def test_a_key_that_led_nowhere_is_left_alone() -> None:
    options = options_of(MENU)
    assert key_for(options, APPOINTMENT, {"2"}, is_over=True) == "0"
    assert key_for(options, APPOINTMENT, {"2", "0"}, is_over=True) == ""


def test_the_same_menu_is_known_again_though_a_word_was_misheard() -> None:
    assert is_same_menu(MENU, MENU.replace("Thank you for calling.", ""))
    assert is_same_menu(MENU, MENU.replace("all else", "ball else"))
    assert not is_same_menu(MENU, "For new appointments press one. For changes press two.")


@pytest.mark.parametrize(
    "text",
    [
        "Your call is important to us. Please stay on the line.",
        "all our agents are busy please stay on the line",
        "All of our representatives are currently assisting other customers.",
        "Thank you for holding. An operator will be with you shortly.",
        "You are number three in the queue.",
        "The next available agent will take your call.",
        "Your call will be answered in the order it was received.",
    ],
)
def test_announcements_are_nobody_to_talk_to(text: str) -> None:
    assert is_hold_notice(text)


@pytest.mark.parametrize(
    "text",
    [
        "Thanks for holding, how can I help you?",
        "Hello, sorry for the wait.",
        "Thank you for waiting, this is Jane speaking.",
        "Sorry to keep you waiting.",
        "Hello?",
        "Yes, that works for me.",
        "For sales press one. Or stay on the line.",
        "Hold on please.",
    ],
)
def test_a_person_and_a_menu_are_no_announcement(text: str) -> None:
    assert not is_hold_notice(text)


def test_please_hold_is_a_machine_s_only_where_a_machine_put_us_through() -> None:
    assert not is_hold_notice("Please hold while I transfer your call.")
    assert is_hold_notice("Please hold while I transfer your call.", is_connecting=True)


def test_other_words_of_machines() -> None:
    assert has_missed("Sorry, that is not a valid choice.")
    assert has_missed("We did not receive your selection.")
    assert turns_away("The person you are calling is not accepting this call.")
    assert takes_leave("Our office is closed. Goodbye.")
    assert not takes_leave("Hello, how can I help?")
    assert only_welcomes("Welcome to Acme.")
    assert not only_welcomes("Thank you for calling Acme, how can I help you?")
    assert is_new_voice("Hello, sorry for the wait. How can I help you?")
    assert not is_new_voice("Okay, I checked. That works.")


def test_a_menu_is_heard_out_over_the_pause_behind_its_first_option() -> None:
    """It pauses longer between two options than a person who says hello and waits."""
    pickup = Pickup()
    pickup.hear_burst(0.5, 1.9)
    assert pickup.quiet_needed("hello") == SHORT_QUIET_S
    assert pickup.quiet_needed("for sales press one") >= LONG_QUIET_S
