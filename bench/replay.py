"""The calls of the bench `latency` at virtual time: how soon, how often, and what was asked ahead.

    script/bench replay                                160 turns, 60 interruptions, 36 interjections
    script/bench replay --part dictation               whom a pause cuts off
    script/bench replay --barges 240 --interjections 190 --calls 20

No machine's load is in its figures: what differs between two editions here is what they decide, and every
run gives the same. Prints a line and writes nothing; who answers, stops and is cut off in real time, beside
others, is told by `latency`. `ahead` is how many replies were asked for before the turn was over, and how
many of them were dropped.
"""

from __future__ import annotations

import argparse
import json
import logging
import statistics
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.turns import corpus, script
from bench.turns.replay import replay
from bench.turns.scores import of_dictation, of_turns

STAGES = ("quiet_ms", "words_ms", "mind_asked_ms", "first_token_ms", "decided_ms", "first_audio_ms")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--part", choices=("turns", "dictation"), default="turns")
    parser.add_argument("--calls", type=int, default=16)
    parser.add_argument("--turns", type=int, default=64, help="besides those that interruptions follow")
    parser.add_argument("--barges", type=int, default=60, help="interruptions")
    parser.add_argument("--interjections", type=int, default=36)
    asked = parser.parse_args()
    logging.disable(logging.ERROR)
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        sayings = corpus.make(folder)
        if asked.part == "turns":
            scripts = script.talks(
                corpus.lines(), asked.calls, asked.turns, asked.barges, asked.interjections
            )
        else:
            scripts = script.dictations(corpus.lines(), corpus.cases(corpus.DICTATION), asked.calls)
        told = [replay(number, steps, sayings, folder) for number, steps in enumerate(scripts)]
    row = (of_turns if asked.part == "turns" else of_dictation)([log for log, _ in told])
    row = {name: value for name, value in row.items() if name not in ("samples", "cases")}
    usages = [ended.usage.ahead for _, ended in told if ended.usage.ahead is not None]
    row["ahead"] = {
        "asked": sum(ahead.asked for ahead in usages),
        "dropped": sum(ahead.dropped for ahead in usages),
    }
    answers = [answer for _, ended in told for answer in ended.latency.turns]
    row["stages_ms"] = {
        name.removesuffix("_ms"): statistics.median(moments)
        for name in STAGES
        if (moments := [moment for each in answers if (moment := getattr(each, name)) is not None])
    }
    print(json.dumps(row))


if __name__ == "__main__":
    main()
