"""Which phone rings under which number. Source: docs/sandbox.md."""

import pytest

from byourside_server.calls.outcomes import of_refusal
from byourside_server.sandbox.persona import AGREEABLE_PHONE, PERSONAS, phone_of


@pytest.mark.parametrize("number", ["+14155550123", "+12134932550", "+442079460123", "+14155550158"])
def test_a_number_that_is_not_listed_rings_an_agreeable_person(number: str) -> None:
    assert phone_of(number) is AGREEABLE_PHONE


def test_every_number_of_the_published_range_has_its_persona() -> None:
    assert list(PERSONAS) == [str(number) for number in range(40, 58)]


@pytest.mark.parametrize(
    ("last_digits", "title"),
    [
        ("40", "no answer"),
        ("41", "busy"),
        ("42", "voicemail with beep"),
        ("43", "declined"),
        ("44", "trunk failure"),
        ("45", "menu of keys"),
        ("46", "call screening"),
        ("47", "interrupts"),
        ("49", "silent line"),
        ("50", "hangs up mid-call"),
        ("51", "hold music, then a person"),
        ("52", "fax"),
        ("53", "says no"),
        ("54", "asks what it was told"),
        ("55", "dictates slowly"),
        ("56", "rings 20 s, then answers"),
        ("57", "answers in noise"),
    ],
)
def test_listed_numbers_ring_their_persona_in_every_area_code(last_digits: str, title: str) -> None:
    assert phone_of(f"+141555501{last_digits}").title == title
    assert phone_of(f"+121255501{last_digits}") is phone_of(f"+141555501{last_digits}")


@pytest.mark.parametrize(
    ("last_digits", "state"), [("40", "no_answer"), ("41", "declined"), ("43", "declined"), ("44", "failed")]
)
def test_a_refusing_phone_ends_the_call_in_its_published_status(last_digits: str, state: str) -> None:
    status, _, _ = PERSONAS[last_digits].refusal
    assert PERSONAS[last_digits].persona is None
    assert of_refusal(status, local=False).state == state


def test_one_phone_rings_for_twenty_seconds_with_a_tone_of_its_own() -> None:
    assert (PERSONAS["56"].ring_s, PERSONAS["56"].early_media) == (20.0, True)
