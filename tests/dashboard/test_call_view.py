"""A call laid out: evidence in its turn, turns on their axis. Values only."""

from __future__ import annotations

from dataclasses import replace

from byourside_server.calls.call import Call, CallRequest, Evidence, Field, Report
from byourside_server.calls.transcript import Turn
from byourside_server.dashboard.call_view import Piece, axis_labels, length_ms, shown_fields, shown_turns

TURNS = (
    Turn(0, "agent", "Two or three?", 0, 1_000),
    Turn(1, "contact", "Three, yes three, thanks.", 2_000, 4_000),
    Turn(2, "agent", "Good.", 4_600, 5_000),
    Turn(3, "agent", "Bye.", 5_000, 5_001),
)


def call(**evidence: Evidence | None) -> Call:
    request = CallRequest("+14155550123", "Ask.", fields=(Field("time"), Field("sure", "boolean")))
    report = Report("", {"time": "three"}, dict(evidence), "yes", "")
    made = Call("c", "a", None, request, "+14155550100", "completed", 0.0, turns=TURNS, report=report)
    return replace(made, recording_ms=10_000)


def test_quotes_are_cut_out_of_their_turn_and_nothing_is_lost() -> None:
    shown = shown_turns(call(time=Evidence(1, "Three", 0, 0), sure=Evidence(1, "yes three", 0, 0)))
    assert shown[1].pieces == (
        Piece("Three", "time"),
        Piece(", "),
        Piece("yes three", "sure"),
        Piece(", thanks."),
    )
    assert all("".join(piece.text for piece in one.pieces) == one.turn.text for one in shown)


def test_quotes_that_overlap_or_are_not_there_leave_the_text_whole() -> None:
    shown = shown_turns(call(time=Evidence(1, "Three, yes", 0, 0), sure=Evidence(1, "yes three", 0, 0)))
    assert shown[1].pieces == (Piece("Three, yes", "time"), Piece(" three, thanks."))
    assert shown_turns(call(time=Evidence(1, "four", 0, 0)))[1].pieces == (Piece(TURNS[1].text),)


def test_turns_lie_on_the_axis_of_the_recording() -> None:
    shown = shown_turns(call())
    assert [(one.x, one.width) for one in shown] == [(0, 100), (200, 200), (460, 40), (500, 4)]
    assert axis_labels(call()) == [0.0, 2.5, 5.0, 7.5, 10.0]
    assert length_ms(replace(call(), recording_ms=None)) == 5_001


def test_only_an_answer_has_a_response_time() -> None:
    assert [one.waited_s for one in shown_turns(call())] == [None, None, 0.6, None]


def test_a_call_without_words_has_an_empty_page() -> None:
    silent = replace(call(), turns=(), report=None, recording_ms=None)
    assert shown_turns(silent) == []


def test_a_field_may_be_learnt_yet_until_the_call_is_over() -> None:
    """Who was never reached will not tell it any more."""

    def known(state: str) -> list[tuple[str, bool]]:
        shown = shown_fields(replace(call(), report=None, state=state))
        return [(field.name, field.is_known) for field in shown]

    assert known("in_progress") == known("post") == [("time", False), ("sure", False)]
    assert known("declined") == known("failed") == [("time", True), ("sure", True)]
