"""What each caller does: everything is dealt out once, and the callee's SIP copies what must be copied."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

from bench.turns.corpus import DICTATION, HELDOUT, cases, lines
from bench.turns.rtp_wire import CRLF, bye, response
from bench.turns.script import dictations, talks, thinned
from bench.turns.talk import StubMind


def test_all_turns_interruptions_and_interjections_are_dealt_out() -> None:
    scripts = talks(lines(), callers=16, turns=64, barges=27, interjections=16)
    kinds = Counter(step.kind for script in scripts for step in script)
    assert len(scripts) == kinds["hello"] == 16
    assert (kinds["turn"], kinds["barge"]) == (64, 27)
    assert kinds["backchannel"] + kinds["noise"] == 16
    assert kinds["turn"] + kinds["tell"] >= 100


def test_whoever_speaks_over_the_agent_has_asked_for_a_long_answer_before() -> None:
    for script in talks(lines(), callers=3, turns=5, barges=6, interjections=8):
        for before, step in pairwise(script):
            assert (step.over_s is not None) == (step.kind in ("barge", "backchannel", "noise"))
            assert step.over_s is None or before.kind == "tell"


@pytest.mark.parametrize("table", [DICTATION, HELDOUT], ids=lambda table: table.stem)
def test_every_case_is_dictated_once_behind_its_question(table: Path) -> None:
    scripts = dictations(lines(), cases(table), callers=19)
    said = [step.saying for script in scripts for step in script if step.kind in ("paused", "complete")]
    assert sorted(said) == sorted(case.id for case in cases(table))
    texts = {line.id: line.text for line in lines()}
    questions = {case.id: case.question for case in cases(table)}
    for script in scripts:
        for cue, case in zip(script[1::2], script[2::2], strict=True):
            assert texts[cue.saying] == f"now the {questions[case.saying]} question"


def test_a_thinned_corpus_is_that_share_of_it_and_spread_over_the_whole() -> None:
    assert thinned("abcdefghij", 0.5) == list("bdfhj")
    assert thinned("abcdefghij", 1.0) == list("abcdefghij")
    kept = thinned(cases(HELDOUT), 0.45)
    assert Counter(case.kind for case in kept) == {"paused": 19, "complete": 9}


def test_in_all_parts_every_reply_begins_with_a_sentence_that_was_never_said_before() -> None:
    """Whoever keeps the sound of what was said before must not spare itself the voice's delay by it."""
    texts = {line.id: line.text for line in lines()}
    texts |= {case.id: " ".join(case.texts) for case in [*cases(), *cases(HELDOUT)]}
    parts = (
        talks(lines(), callers=16, turns=64, barges=60, interjections=36),
        dictations(lines(), cases(), callers=19),
        dictations(lines(), cases(HELDOUT), callers=19),
    )
    for scripts in parts:
        mind = StubMind()
        replies = [mind.reply_to(texts[step.saying]) for script in scripts for step in script]
        first = [reply.partition(".")[0] for reply in replies]
        assert len(set(first)) == len(first) > 100


INVITE = CRLF.join(
    [
        "INVITE sip:1@127.0.0.1 SIP/2.0",
        "Via: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bKa",
        "From: <sip:us@127.0.0.1>;tag=ours",
        "To: <sip:1@127.0.0.1>",
        "Call-ID: abc",
        "CSeq: 7 INVITE",
        "Contact: <sip:us@127.0.0.1:5060>",
    ]
)


def test_a_response_copies_the_request_and_tags_its_to() -> None:
    """RFC 3261 §8.2.6.2."""
    lines_of_it = response(INVITE, "200 OK").split(CRLF)
    assert lines_of_it[0] == "SIP/2.0 200 OK"
    assert "Via: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bKa" in lines_of_it
    assert "To: <sip:1@127.0.0.1>;tag=phone" in lines_of_it
    assert "CSeq: 7 INVITE" in lines_of_it


def test_the_callees_bye_has_both_tags_the_other_way_round() -> None:
    """RFC 3261 §12.2.1.1."""
    message = bye(INVITE)
    assert message.startswith("BYE sip:us@127.0.0.1:5060 SIP/2.0")
    assert "From: <sip:1@127.0.0.1>;tag=phone" in message
    assert "To: <sip:us@127.0.0.1>;tag=ours" in message
