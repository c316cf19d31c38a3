"""The transcript as it grows, in the order of speaking."""

from __future__ import annotations

from collections import deque

from byourside_server.conversation.events import ConversationEvent, TurnEnded
from byourside_server.conversation.record import Record


def test_words_said_after_a_mere_noise_come_behind_the_reply_before_it() -> None:
    events: deque[ConversationEvent] = deque()
    record = Record(events)
    record.speak("Good day.", 1.0, 2.0)
    record.contact_since = 2.5
    record.speak("One moment, please.", 4.0, 5.0, is_filler=True)
    record.contact_is_done()  # no word of theirs was in it
    record.close()
    assert [turn.text for turn in record.turns] == ["Good day.", "One moment, please."]
    assert [event.turn for event in events if isinstance(event, TurnEnded)] == list(record.turns)


def test_words_said_while_theirs_were_recognised_come_behind_theirs() -> None:
    record = Record(deque())
    record.contact_since = 2.5
    record.speak("One moment, please.", 4.0, 5.0, is_filler=True)
    record.hear("Hello?", 2.5, 3.0, 0.9)
    record.contact_is_done()
    assert [turn.text for turn in record.turns] == ["Hello?", "One moment, please."]
