"""What is remembered of speech, and that it does not fill the memory."""

from __future__ import annotations

from byourside_server.providers.remembered import RememberedSentences


def test_what_was_not_used_longest_is_forgotten_first() -> None:
    remembered = RememberedSentences(capacity=2)
    remembered.keep("en-US", "One.", b"1")
    remembered.keep("en-US", "Two.", b"2")
    assert remembered.recall("en-US", "One.") == b"1"
    remembered.keep("en-US", "Three.", b"3")
    assert remembered.recall("en-US", "Two.") is None
    assert remembered.recall("en-US", "One.") == b"1"
    assert remembered.recall("de-DE", "One.") is None


def test_long_sentences_make_room_by_their_length() -> None:
    remembered = RememberedSentences(capacity_bytes=100)
    for text in ("One.", "Two.", "Three."):
        remembered.keep("en-US", text, b"x" * 40)
    kept = [text for text in ("One.", "Two.", "Three.") if remembered.recall("en-US", text)]
    assert kept == ["Two.", "Three."]
    remembered.keep("en-US", "Two.", b"x" * 40)
    assert remembered.recall("en-US", "Three."), "the same again takes no more room"
    remembered.keep("en-US", "Very long.", b"x" * 101)
    assert remembered.recall("en-US", "Very long.") is None
    remembered.keep("en-US", "One.", b"x" * 100)
    assert remembered.recall("en-US", "One."), "all room is free again"
