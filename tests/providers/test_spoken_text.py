import pytest

from byourside_server.providers.spoken_text import to_spoken


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("tomorrow at 2pm.", "tomorrow at 2 P M."),
        ("at 2:30 p.m. on Friday", "at 2 30 P M on Friday"),
        ("at 2 p.m. Is that fine?", "at 2 P M. Is that fine?"),
        ("an AI assistant said it AIR", "an A I assistant said it AIR"),
        ("at 10:00 or 10:05", "at 10 o'clock or 10 oh 5"),
        ("call +14155550123", "call four one five, five five five, zero one two three"),
        ("call (415) 555-0123", "call four one five, five five five, zero one two three"),
        ("call +442079460958", "call plus four four two, zero seven nine, four six zero, nine five eight"),
        ("order 12345678", "order one two three, four five six, seven eight"),
        ("It is $249.", "It is 249 dollars."),
        ("It is $1,249.50 or €1", "It is 1249 dollars and 50 cents or 1 euro"),
        ("mail john.smith@example.com", "mail john dot smith at example dot com"),
        ("see https://www.example.org", "see example dot org"),
        ("on 2026-11-22", "on November 22, 2026"),
        ("*Bold* `code` <b>", "Bold code b"),
        ("room #4 & lobby", "room number 4 and lobby"),
        ("Dr. Lee — yes", "Doctor Lee, yes"),
        ("I am 2 years old", "I am 2 years old"),
        ("the 3 am I mean", "the 3 A M I mean"),
        ("in 2024 we had 300 guests", "in 2024 we had 300 guests"),
        ("\x00\n", ""),
    ],
)
def test_text_is_written_out_as_a_person_says_it(written: str, spoken: str) -> None:
    assert to_spoken(written) == spoken
