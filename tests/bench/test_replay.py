"""A call of the bench at virtual time: what the rules of turns, interruptions and interjections come to."""

from __future__ import annotations

from pathlib import Path

from bench.turns import corpus
from bench.turns.replay import replay
from bench.turns.scores import of_turns
from bench.turns.script import Step


def test_an_answer_comes_soon_an_interruption_stops_it_and_what_is_none_does_not(tmp_path: Path) -> None:
    """Stub vendors take 520 ms one after the other; "that is enough" begins with a stop consonant."""
    steps = [Step("hello", "h01"), Step("turn", "t04")]
    for kind, saying in (("barge", "b06"), ("backchannel", "k01"), ("noise", "n01"), ("noise", "n02")):
        steps += [Step("tell", "l01"), Step(kind, saying, 1.2)]
    log, ended = replay(3, steps, corpus.make(tmp_path), tmp_path)
    found = of_turns([log])
    assert found["answer_s"]["p99"] < 0.65
    assert found["not_answered_in_order"] == 0
    assert (found["interruptions"], found["not_stopped"]) == (1, 0)
    assert found["stop_s"]["p99"] < 0.15
    assert found["interjections"]["backchannel"] == {"paused": 1}
    assert "stopped" not in found["interjections"]["noise"]
    assert ended.usage.ahead is not None
    assert ended.usage.ahead.asked - ended.usage.ahead.taken_over <= 1
