"""The logs of one contender's calls as figures. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import median
from typing import Any

from bench.turns.corpus import HELDOUT, cases
from bench.turns.judged import Said, after_interjection, answer_s, cut_off_s, percentiles, stop_s
from bench.turns.phone import Log
from bench.turns.played import Stretch

FOREVER = float("inf")
ANSWERED = ("turn", "tell")
"""Plain turns, said into silence."""
FIRST_SENTENCE = re.compile(r"[^.?!]*")


def each(logs: Sequence[Log], *kinds: str) -> Iterator[tuple[Said, list[Stretch], float]]:
    """Everything of these kinds that was said, with the agent's sounds and when something else was said."""
    for log in logs:
        for said, following in pairwise([*log.said, None]):
            assert said is not None
            if said.kind in kinds:
                yield said, log.sounds, following.begin if following is not None else FOREVER


def of_turns(logs: Sequence[Log]) -> dict[str, Any]:
    """Answers, interruptions, interjections."""
    answers = [(said, answer_s(said, sounds, until)) for said, sounds, until in each(logs, *ANSWERED)]
    stops = [stop_s(said, sounds) for said, sounds, _ in each(logs, "barge")]
    interjections: dict[str, Counter[str]] = {}
    for said, sounds, until in each(logs, "backchannel", "noise"):
        became = after_interjection(said, sounds, until) or "not_speaking"
        interjections.setdefault(said.kind, Counter())[became] += 1
    delays = [delay for _, delay in answers if delay is not None]
    stopped = [stop for stop in stops if stop is not None]
    return {
        "turns": len(answers),
        "answer_s": percentiles(delays),
        "not_answered_in_order": len(answers) - len(delays),
        "interruptions": len(stops),
        "stop_s": percentiles(stopped),
        "not_stopped": len(stops) - len(stopped),
        "interjections": interjections,
        "unanswered": sum(log.unanswered for log in logs),
        "samples": {
            "answer_s": [[said.saying, rounded(delay)] for said, delay in answers],
            "stop_s": [rounded(stop) for stop in stops],
        },
    }


def of_dictation(logs: Sequence[Log]) -> dict[str, Any]:
    """Who was cut off, and how soon the others were answered."""
    by_id = {case.id: case for case in [*cases(), *cases(HELDOUT)]}
    rows: list[dict[str, Any]] = []
    for said, sounds, until in each(logs, "paused", "complete"):
        case = by_id[said.saying]
        cut = cut_off_s(said, sounds)
        delay = None if cut is not None else answer_s(said, sounds, until)
        rows.append(
            {
                "case": case.id,
                "kind": case.kind,
                "question": case.question,
                "cut_off_s": rounded(cut),
                "answer_s": rounded(delay),
            }
        )
    found: dict[str, Any] = {}
    for kind in ("paused", "complete"):
        of_kind = [row for row in rows if row["kind"] == kind]
        cut_off = [row for row in of_kind if row["cut_off_s"] is not None]
        delays = [row["answer_s"] for row in of_kind if row["answer_s"] is not None]
        found[kind] = {
            "cases": len(of_kind),
            "cut_off": len(cut_off),
            "cut_off_share": round(len(cut_off) / len(of_kind), 3) if of_kind else None,
            "answer_s": percentiles(delays),
        }
    paused = [row for row in rows if row["kind"] == "paused"]
    found["cut_off_by_question"] = {
        question: [sum(row["cut_off_s"] is not None for row in of_it), len(of_it)]
        for question in dict.fromkeys(row["question"] for row in paused)
        if (of_it := [row for row in paused if row["question"] == question])
    }
    found["cases"] = sorted(rows, key=lambda row: str(row["case"]))
    return found


def stages(records: Sequence[dict[str, Any]]) -> dict[str, float]:
    """The median moment of each stage in our own ledgers, ms after the last voice our ears were sure of."""
    turns = [turn["at"] for record in records for turn in (record["latency"] or {"turns": []})["turns"]]
    found: dict[str, float] = {}
    for name in dict.fromkeys(name for turn in turns for name in turn):
        moments = [turn[name] for turn in turns if turn.get(name) is not None]
        if moments:
            found[name.removesuffix("Ms")] = median(moments)
    return found


def repeated_beginnings(records: Sequence[dict[str, Any]]) -> int:
    """Of our agent's turns those whose first sentence it had begun a turn with before in the same call.

    Its sound may be there already, and cost no voice's delay: there must be none to boast of.
    """
    repeated = 0
    for record in records:
        begun = [
            found[0].strip().lower()
            for turn in record["turns"]
            if turn["role"] == "agent" and (found := FIRST_SENTENCE.match(turn["text"]))
        ]
        repeated += len(begun) - len(set(begun))
    return repeated


def rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)
