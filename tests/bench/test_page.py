"""The page's tables are those of the published results."""

from __future__ import annotations

import json
from pathlib import Path

from bench.turns.page import BEGIN, END, PAGE, tables

RESULTS = Path(__file__).resolve().parents[2] / "bench" / "results"


def test_the_performance_page_prints_the_measured_turns_and_cut_offs() -> None:
    turns, dictation = (
        json.loads((RESULTS / f"{name}.json").read_text()) for name in ("latency", "dictation")
    )
    third = RESULTS / "heldout.json"
    heldout = json.loads(third.read_text()) if third.exists() else None
    text = PAGE.read_text()
    assert text.partition(BEGIN)[2].partition(END)[0].strip() == tables(turns, dictation, heldout).strip()


def test_counts_and_times_stand_in_the_tables_as_measured() -> None:
    turns = {
        "machine": {"cores": 2},
        "at_once": 12,
        "vendors_s": {"words": 0.15, "first_token": 0.25, "first_audio": 0.12, "sum": 0.52},
        "contenders": {
            "By Your Side": {
                "turns": 168,
                "answer_s": {"p50": 0.6512, "p95": 0.9, "p99": 1.2},
                "not_answered_in_order": 1,
                "interruptions": 60,
                "stop_s": None,
                "not_stopped": 60,
                "load_before": 0.25,
                "interjections": {
                    "backchannel": {"unmoved": 3, "paused": 2, "stopped": 1, "not_speaking": 4}
                },
            }
        },
    }
    paused = {"cases": 69, "cut_off": 7, "answer_s": {"p50": 1.5, "p95": 2.0, "p99": 2.0}}
    complete = {"cases": 24, "cut_off": 0, "answer_s": {"p50": 0.6, "p95": 0.8, "p99": 0.9}}
    row = {
        "paused": paused,
        "complete": complete,
        "cut_off_by_question": {"phone": [2, 12]},
        "load_before": 3.0,
    }
    dictation = {**turns, "contenders": {"By Your Side": row}}
    lines = tables(turns, dictation).splitlines()
    assert "| answer, p50, p95, p99, ms | 651, 900, 1200 |" in lines
    assert "| stops, p50, p95, ms | none |" in lines
    assert '| "uh huh": stops for good | 1 of 6 |' in lines
    assert "| cough, click: stops for good | 0 of 0 |" in lines
    assert "| cut off in a pause | 7 of 69 |" in lines
    assert "| phone | 2 of 12 |" in lines
    assert "| load of the machine before | 0.2 |" in lines
    assert not any(line.startswith("Held out") for line in lines), "it was not measured"


def test_the_held_out_corpus_stands_beside_the_first_and_is_called_so() -> None:
    def found(cut_off: int, question: str) -> dict[str, object]:
        row = {
            "paused": {"cases": 9, "cut_off": cut_off, "answer_s": None},
            "complete": {"cases": 0, "cut_off": 0, "answer_s": None},
            "cut_off_by_question": {question: [cut_off, 9]},
            "load_before": 1.0,
        }
        return {"at_once": 19, "contenders": {"By Your Side": row}}

    no_turns = {"vendors_s": dict.fromkeys(("words", "first_token", "first_audio", "sum"), 0.1), "at_once": 1}
    text = tables({**no_turns, "contenders": {}}, found(2, "phone"), found(5, "card"))
    first, heading, second = text.partition("Held out: ")
    assert heading, "it has a name"
    assert "| cut off in a pause | 2 of 9 |" in first
    assert "| phone | 2 of 9 |" in first
    assert "never used to set them; 19 calls at once." in second
    assert "| cut off in a pause | 5 of 9 |" in second
    assert "| card | 5 of 9 |" in second
