"""A finished call becomes numbers, once, with labels that name nobody."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path

from byourside_server.calls.call import DialAttempt, Report
from byourside_server.calls.lifecycle import STATES, TERMINAL_STATES
from byourside_server.calls.outcomes import OUTCOME_OF_SIP_STATUS
from byourside_server.measures import table
from byourside_server.measures.book import Book, Measure
from byourside_server.metrics import observation
from byourside_server.metrics.observation import Observation, note, sip_status
from byourside_server.providers.base import Usage
from tests.metrics.records import BUSY, COMPLETED, SECRET_WORDS, call

PACKAGE = Path(observation.__file__).resolve().parent.parent


def noted(*calls: object) -> Book:
    book = Book()
    for each in calls:
        note(book, each)  # type: ignore[arg-type]
    return book


def total_of(book: Book, measure: Measure, *labels: str) -> float:
    return book.tallies(measure)[labels].total


def test_a_call_counts_by_state_end_and_outcome() -> None:
    book = noted(COMPLETED, BUSY, call(state="failed", error="worker_lost", end_reason="worker_lost"))
    assert book.counts(table.CALLS) == {
        ("completed", "none"): 1,
        ("declined", "none"): 1,
        ("failed", "worker_lost"): 1,
    }
    assert book.counts(table.CALL_ENDS)["contact", "busy"] == 1
    assert book.counts(table.CALL_OUTCOMES) == {("none", "yes"): 2}


def test_every_stage_of_every_turn_and_every_silence_with_its_cause() -> None:
    """Issue: endpoint delay, STT, first token, first audio, first packet; silences over 2 s."""
    book = noted(COMPLETED)
    stages = {labels[0]: tally for labels, tally in book.tallies(table.STAGES).items()}
    assert {name: (sum(tally.counts), round(tally.total, 3)) for name, tally in stages.items()} == {
        "endpoint": (2, 1.0),
        "stt": (1, 0.15),
        "first_token": (1, 0.25),
        "first_audio": (2, 2.23),
        "first_packet": (2, 0.2),
    }
    assert sum(book.tallies(table.RESPONSE)[()].counts) == 3
    assert total_of(book, table.SILENCES, "voice") == 2.8


def test_times_of_a_call_are_seconds() -> None:
    book = noted(COMPLETED, BUSY)
    assert total_of(book, table.CALL_DURATION) == 8.0
    assert sum(book.tallies(table.CALL_DURATION)[()].counts) == 1, "only who was answered has a duration"
    assert total_of(book, table.CALL_QUEUED) == 1.0
    assert total_of(book, table.CALL_RINGING) == 3.0
    assert round(total_of(book, table.ANALYSES, "done"), 3) == 0.4
    assert total_of(book, table.ANSWERED, "human", "words") == 1.5


def test_a_call_for_later_is_not_said_to_have_waited_until_then() -> None:
    later = call(request=replace(COMPLETED.request, scheduled_at=COMPLETED.created_at + 0.3))
    assert round(total_of(noted(later), table.CALL_QUEUED), 3) == 0.2


def test_attempts_count_by_trunk_and_what_it_said() -> None:
    assert noted(COMPLETED, BUSY).counts(table.ATTEMPTS) == {
        ("first", "5xx"): 1,
        ("second", "2xx"): 1,
        ("first", "486"): 1,
    }
    assert sip_status(DialAttempt("t", "x", None, None)) == "no_answer"
    known = {sip_status(DialAttempt("t", "x", status, None)) for status in range(1000)}
    assert known == {*map(str, OUTCOME_OF_SIP_STATUS), "1xx", "2xx", "3xx", "4xx", "5xx", "6xx", "other"}


def test_the_sound_is_told_as_heard_here_and_there() -> None:
    book = noted(COMPLETED)
    assert {labels[0] for labels in book.tallies(table.CALL_MOS)} == {"here", "far_end"}
    assert total_of(book, table.CALL_LOSS, "here") == 0.01
    assert total_of(book, table.CALL_LOSS, "far_end") == 0.02
    assert total_of(book, table.CALL_JITTER, "here") == 0.012
    assert total_of(book, table.CALL_ROUND_TRIP) == 0.08


def test_models_count_for_talk_and_analysis_together() -> None:
    book = noted(COMPLETED)
    assert book.counts(table.MODEL_REQUESTS) == {("answered",): 4, ("failed",): 1}
    assert book.counts(table.MODEL_TOKENS) == {
        ("prompt",): 900,
        ("cached",): 400,
        ("completion",): 60,
        ("estimated",): 210,
    }


def test_replies_asked_for_ahead_count_by_what_became_of_them_and_what_the_dropped_ones_cost() -> None:
    book = noted(COMPLETED, BUSY, call(usage=Usage(requests=2, prompt_tokens=100)))
    assert book.counts(table.REPLIES_AHEAD) == {("taken_over",): 1, ("dropped",): 2}
    assert book.counts(table.TOKENS_DROPPED) == {
        ("prompt",): 500,
        ("cached",): 250,
        ("completion",): 30,
        ("estimated",): 210,
    }
    assert book.counts(table.COST_DROPPED) == {(): 0.01}


def test_only_the_end_counts_and_only_once() -> None:
    book = Book()
    watch = Observation(book)
    for state in STATES:
        if state not in TERMINAL_STATES:
            watch.see(call(state=state))
    assert book.counts(table.CALLS) == {}
    for _ in range(3):
        watch.see(COMPLETED)
    watch.see(BUSY)
    assert sum(book.counts(table.CALLS).values()) == 2
    assert book.counts(table.CALLS_OBSERVED_TWICE) == {(): 2}


def test_what_a_record_may_say_beyond_the_closed_sets_is_other() -> None:
    wild = call(
        error="Mrs. Hallway",
        end_reason="she said blue",
        ended_by="Mr. Hallway",
        report=Report("", {}, {}, "yes", "", outcome="+14155550123"),
    )
    book = noted(wild)
    assert book.counts(table.CALLS) == {("completed", "other"): 1}
    assert book.counts(table.CALL_ENDS) == {("other", "other"): 1}
    assert book.counts(table.CALL_OUTCOMES) == {("other", "yes"): 1}


def test_no_label_holds_a_word_a_number_or_a_name() -> None:
    book = noted(COMPLETED, BUSY)
    labels = {
        label
        for measure in table.MEASURES
        for series in (*book.counts(measure), *book.tallies(measure))
        for label in series
    }
    assert labels
    for secret in (*SECRET_WORDS, COMPLETED.id):
        assert not [label for label in labels if secret.lower() in label.lower()]


def test_every_reason_that_the_line_and_the_store_can_give_has_its_own_label() -> None:
    """Read off the sources: what stands in tables of ends, and in what is made of them."""
    place_of_reason = {"Unanswered": 2, "self._broken": 0}
    named: set[str] = set()
    for path in [*(PACKAGE / "lines").rglob("*.py"), *(PACKAGE / "store").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.keyword) and node.arg == "end_reason":
                named |= words_of(node.value)
            if isinstance(node, ast.Call) and (made := ast.unparse(node.func)) in place_of_reason:
                named |= words_of(node.args[place_of_reason[made]])
            if isinstance(node, ast.Dict):
                for key, value in zip(node.keys, node.values, strict=True):
                    named |= words_of(value) if ast.unparse(key or node) == "'end_reason'" else set()
    assert len(named) > 8
    assert named <= observation.END_REASONS_KNOWN


def words_of(node: ast.expr) -> set[str]:
    """The texts that an expression may come to."""
    if isinstance(node, ast.Constant):
        return {node.value} if isinstance(node.value, str) else set()
    return words_of(node.body) | words_of(node.orelse) if isinstance(node, ast.IfExp) else set()
