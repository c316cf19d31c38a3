"""The figures of bench/results/amd/test.json as the tables of docs/answering.md, between two marks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

PAGE = Path(__file__).resolve().parents[2] / "docs" / "answering.md"
BEGIN, END = "<!-- figures of script/bench amd -->", "<!-- end of the figures -->"
ANSWERED = ("human", "voicemail", "ivr", "screening", "fax", "unknown")
EARLY = ("ringing", "busy", "unallocated", "fax")
LINES = ("clean", "20", "10", "5")
EARS = {"embedded": "the embedded recogniser", "every_word": "every word heard", "none": "no words at all"}


def tables(found: dict[str, Any]) -> str:
    """Everything between the marks."""
    embedded = found["embedded"]
    parts = [
        f"{embedded['clips']} calls of the held-out half, {found['sound_s']} s of sound, heard "
        f"{found['times_faster_than_real_time']} times faster than real time. Rows are the truth, columns "
        "what stands on the record in the end.",
    ]
    for how, title in EARS.items():
        parts += [f"**With {title}:**", _matrix(found[how]["answered"]["final"], ANSWERED)]
    parts += ["**Before the answer** (what early media alone ends):", _matrix(embedded["early"], EARLY)]
    parts += [_errors(found), _noise(embedded), _times(found)]
    return "\n\n".join(parts)


def write_page(found: dict[str, Any]) -> None:
    text = PAGE.read_text()
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n\n{tables(found)}\n\n{END}{after}")


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _matrix(matrix: dict[str, dict[str, int]], labels: tuple[str, ...]) -> str:
    columns = [label for label in labels if any(label in row for row in matrix.values())]
    rows = [
        [f"`{label}`", *(str(matrix[label].get(column, 0)) for column in columns)]
        for label in labels
        if label in matrix
    ]
    return _table(["", *(f"`{column}`" for column in columns)], rows)


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value} %"


def _errors(found: dict[str, Any]) -> str:
    def row(title: str, of: dict[str, Any], business: float | None) -> list[str]:
        return [
            title,
            _percent(of["people_called_machine_percent"]),
            _percent(business),
            _percent(of["machines_called_human_percent"]),
            _percent(of["machines_called_unknown_percent"]),
        ]

    rows = [
        row(title, found[how]["person_or_machine"]["ours"], found[how]["business_greetings"]["ours"])
        for how, title in EARS.items()
    ]
    baseline = found["embedded"]
    rows.append(
        row(
            "Asterisk's AMD defaults",
            baseline["person_or_machine"]["asterisk_defaults"],
            baseline["business_greetings"]["asterisk_defaults"],
        )
    )
    head = ["", "people called a machine", "businesses' greetings not called a machine"]
    return _table([*head, "machines called a person", "machines left `unknown`"], rows)


def _noise(embedded: dict[str, Any]) -> str:
    rows = [
        [
            "clean" if line == "clean" else f"{line} dB",
            str(of["people"] + of["machines"]),
            _percent(of["verdict_right_percent"]),
            _percent(of["people_called_machine_percent"]),
            _percent(of["machines_called_human_percent"]),
        ]
        for line in LINES
        if (of := embedded["by_noise"].get(line))
    ]
    head = [
        "signal to noise",
        "calls",
        "verdict right",
        "people called a machine",
        "machines called a person",
    ]
    return _table(head, rows)


def _times(found: dict[str, Any]) -> str:
    embedded = found["embedded"]
    message, cpu = embedded["message"], embedded["cpu_ms_a_call"]
    rows = [
        [title, str(of["p50"]), str(of["p95"])]
        for title, of in (
            ("verdict, embedded recogniser", embedded["verdict_ms"]),
            ("verdict, every word heard", found["every_word"]["verdict_ms"]),
            ("verdict on a person, embedded recogniser", embedded["human_verdict_ms"]),
            ("Asterisk's AMD defaults", embedded["asterisk_verdict_ms"]),
            ("from the end of the last beep to the message", message["after_the_beep_ms"]),
        )
    ]
    return "\n\n".join(
        [
            _table(["milliseconds", "p50", "p95"], rows),
            f"Of {message['machines_with_beep']} machines with a beep, {message['message_begun']} were left "
            f"a message, {message['behind_the_last_beep']} of these behind the last beep. CPU time a call: "
            f"{cpu['media_engine']} ms for the media engine, {cpu['recognition']} ms for the recogniser.",
        ]
    )
