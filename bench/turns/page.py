"""The latency, dictation and heldout of bench/results/ as tables of docs/performance.md, between marks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

PAGE = Path(__file__).resolve().parents[2] / "docs" / "performance.md"
BEGIN, END = "<!-- figures of script/bench latency -->", "<!-- end of the figures of latency -->"
NONE = "none"
FIRST = "Dictation with pauses, and complete short answers"
SECOND = (
    "Held out: other dictation and other complete answers, written without sight of the rules of "
    "patience and never used to set them"
)
Row = dict[str, Any]


def tables(turns: dict[str, Any], dictation: dict[str, Any], heldout: dict[str, Any] | None = None) -> str:
    """Everything between the marks; without the held-out corpus where it was not measured yet."""
    parts = [_turns(turns), _dictation(dictation, FIRST), _by_question(dictation)]
    if heldout is not None:
        parts += [_dictation(heldout, SECOND), _by_question(heldout)]
    return "\n\n".join(parts)


def write_page(turns: dict[str, Any], dictation: dict[str, Any], heldout: dict[str, Any] | None) -> None:
    text = PAGE.read_text()
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n\n{tables(turns, dictation, heldout)}\n\n{END}{after}")


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _ms(marks: Mapping[str, float] | None, *names: str) -> str:
    return NONE if marks is None else ", ".join(f"{1000 * marks[name]:.0f}" for name in names)


def _share(part: int, whole: int) -> str:
    return f"{part} of {whole}"


def _unsettled(row: Row, kind: str, became: str) -> str:
    counts = row["interjections"].get(kind, {})
    heard = sum(counts.values()) - counts.get("not_speaking", 0)
    return _share(counts.get(became, 0), heard)


LOAD: tuple[str, Callable[[Row], str]] = (
    "load of the machine before",
    lambda row: f"{row['load_before']:.1f}",
)
_TURNS: tuple[tuple[str, Callable[[Row], str]], ...] = (
    ("turns", lambda row: str(row["turns"])),
    ("answer, p50, p95, p99, ms", lambda row: _ms(row["answer_s"], "p50", "p95", "p99")),
    ("spoken into, or not answered", lambda row: str(row["not_answered_in_order"])),
    ("interruptions", lambda row: str(row["interruptions"])),
    ("stops, p50, p95, ms", lambda row: _ms(row["stop_s"], "p50", "p95")),
    ("does not stop", lambda row: str(row["not_stopped"])),
    ('"uh huh": stops for good', lambda row: _unsettled(row, "backchannel", "stopped")),
    ('"uh huh": pauses', lambda row: _unsettled(row, "backchannel", "paused")),
    ("cough, click: stops for good", lambda row: _unsettled(row, "noise", "stopped")),
    ("cough, click: pauses", lambda row: _unsettled(row, "noise", "paused")),
    LOAD,
)
_DICTATION: tuple[tuple[str, Callable[[Row], str]], ...] = (
    ("cut off in a pause", lambda row: _share(row["paused"]["cut_off"], row["paused"]["cases"])),
    ("answer to the others, p50, ms", lambda row: _ms(row["paused"]["answer_s"], "p50")),
    ("complete answers", lambda row: str(row["complete"]["cases"])),
    ("answered after, p50, p95, ms", lambda row: _ms(row["complete"]["answer_s"], "p50", "p95")),
    LOAD,
)


def _columns(found: dict[str, Any], columns: tuple[tuple[str, Callable[[Row], str]], ...]) -> str:
    """Contenders as columns: there are fewer of them than of figures."""
    contenders = found["contenders"]
    rows = [[title, *(cell(row) for row in contenders.values())] for title, cell in columns]
    return _table(["", *contenders], rows)


def _turns(found: dict[str, Any]) -> str:
    ms = {name: f"{1000 * seconds:.0f} ms" for name, seconds in found["vendors_s"].items()}
    head = (
        f"Stub vendors: words {ms['words']}, first token {ms['first_token']}, first sound "
        f"{ms['first_audio']}, together {ms['sum']}; {found['at_once']} calls at once."
    )
    return f"{head}\n\n{_columns(found, _TURNS)}"


def _dictation(found: dict[str, Any], title: str) -> str:
    head = f"{title}; {found['at_once']} calls at once."
    return f"{head}\n\n{_columns(found, _DICTATION)}"


def _by_question(found: dict[str, Any]) -> str:
    contenders = found["contenders"]
    questions = dict.fromkeys(
        question for row in contenders.values() for question in row["cut_off_by_question"]
    )
    rows = [
        [
            question,
            *(_share(*row["cut_off_by_question"].get(question, (0, 0))) for row in contenders.values()),
        ]
        for question in questions
    ]
    return "Cut off, by what was asked for:\n\n" + _table(["", *contenders], rows)
