"""From many judged calls to a confusion matrix, errors both ways, and times; as plain values for JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from bench.answering import asterisk
from bench.answering.judged import Judged
from bench.answering.page import LINES

MACHINES = ("voicemail", "ivr", "screening", "fax")
_EARLY_NAME = {"unallocated_number": "unallocated", None: "ringing"}


def scores(judged: Sequence[Judged], engine_cpu_s: float) -> dict[str, Any]:
    """Of one half of the corpus with one recogniser."""
    answered = [each for each in judged if each.heard.rendered.answer_tick is not None]
    early = [each for each in judged if each.heard.rendered.answer_tick is None]
    spoken = [each for each in answered if each.heard.recipe.label != "unknown"]
    return {
        "clips": len(judged),
        "answered": {
            "first": _matrix(answered, lambda each: each.first.verdict if each.first else "unknown"),
            "final": _matrix(answered, _final),
        },
        "early": _matrix(early, lambda each: _EARLY_NAME.get(each.early, each.early or "ringing")),
        "person_or_machine": {
            "ours": _errors(spoken, _final),
            "asterisk_defaults": _errors(spoken, _asterisk),
        },
        "business_greetings": {
            name: _share(
                [
                    each
                    for each in spoken
                    if each.heard.recipe.label == "human" and each.heard.recipe.kind == "business"
                ],
                lambda each, verdict=verdict: verdict(each) not in (*MACHINES, "machine"),
            )
            for name, verdict in (("ours", _final), ("asterisk_defaults", _asterisk))
        },
        "by_noise": {
            snr_db: {
                "verdict_right_percent": _share(group, lambda each: _final(each) == each.heard.recipe.label),
                **_errors(group, _final),
            }
            for snr_db in LINES
            if (group := [each for each in spoken if each.heard.recipe.snr_db == snr_db])
        },
        "verdict_ms": _times([each.first.time_ms for each in spoken if each.first is not None]),
        "asterisk_verdict_ms": _times([asterisk.judge(each.heard.rendered.sound)[1] for each in spoken]),
        "human_verdict_ms": _times(
            [each.first.time_ms for each in spoken if each.first and each.heard.recipe.label == "human"]
        ),
        "message": _messages(answered),
        "cpu_ms_a_call": {
            "media_engine": round(1000 * engine_cpu_s),
            "recognition": round(1000 * sum(each.words_cpu_s for each in judged) / max(1, len(judged))),
        },
    }


def _final(each: Judged) -> str:
    return each.final.verdict if each.final is not None else "unknown"


def _asterisk(each: Judged) -> str:
    return asterisk.judge(each.heard.rendered.sound)[0]


def _matrix(judged: Sequence[Judged], verdict: Callable[[Judged], str]) -> dict[str, dict[str, int]]:
    """True label to verdict to number of calls."""
    table: dict[str, Counter[str]] = {}
    for each in judged:
        table.setdefault(each.heard.recipe.label, Counter())[verdict(each)] += 1
    return {label: dict(sorted(row.items())) for label, row in table.items()}


def _errors(judged: Sequence[Judged], verdict: Callable[[Judged], str]) -> dict[str, Any]:
    """Whom one would hang up on, and what one would talk to; "unknown" is talked to."""
    people = [each for each in judged if each.heard.recipe.label == "human"]
    machines = [each for each in judged if each.heard.recipe.label in MACHINES]
    return {
        "people": len(people),
        "people_called_machine_percent": _share(people, lambda each: verdict(each) in (*MACHINES, "machine")),
        "machines": len(machines),
        "machines_called_human_percent": _share(machines, lambda each: verdict(each) == "human"),
        "machines_called_unknown_percent": _share(machines, lambda each: verdict(each) == "unknown"),
    }


def _share(judged: Sequence[Judged], holds: Callable[[Judged], bool]) -> float | None:
    return round(100 * sum(map(holds, judged)) / len(judged), 1) if judged else None


def _times(times_ms: Sequence[int]) -> dict[str, int | None]:
    ranked = sorted(times_ms)
    at = {"p50": 0.5, "p95": 0.95}
    return {
        name: ranked[min(len(ranked) - 1, int(q * len(ranked)))] if ranked else None for name, q in at.items()
    }


def _messages(judged: Sequence[Judged]) -> dict[str, Any]:
    """Of the voicemails with a beep: how often the whole message lies behind its last beep."""
    beeping = [each for each in judged if each.heard.rendered.last_beep_end_s is not None]
    left = [each for each in beeping if each.message_at is not None]
    behind = [
        each for each in left if (each.message_at or 0) >= (each.heard.rendered.last_beep_end_s or 0) - 0.02
    ]
    waits = [
        round(1000 * ((each.message_at or 0) - (each.heard.rendered.last_beep_end_s or 0))) for each in behind
    ]
    return {
        "machines_with_beep": len(beeping),
        "message_begun": len(left),
        "behind_the_last_beep": len(behind),
        "after_the_beep_ms": _times(waits),
    }
