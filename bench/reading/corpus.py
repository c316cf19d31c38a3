"""The labelled calls of bench/results/extraction/corpus.jsonl as values.

Knows the file's spelling and nothing of how a transcript is read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from byourside_server.calls.call import Field, FieldValue
from byourside_server.calls.transcript import Role, Turn
from byourside_server.conversation.brief import Brief

RESULTS = Path(__file__).resolve().parents[1] / "results" / "extraction"
CORPUS = RESULTS / "corpus.jsonl"
# Speed of talk, for the places in a recording that these calls never had.
MS_PER_CHARACTER = 66
PAUSE_MS = 400


@dataclass(frozen=True)
class Labelled:
    """One call and what a careful listener writes down of it.

    `accepted` holds, per field, further values a listener may as well write; `freely` names the texts that
    need only hold the label's words. `kinds` are what the call is about as a difficulty, the first its own.
    """

    id: str
    kinds: tuple[str, ...]
    brief: Brief
    turns: tuple[Turn, ...]
    answered_by: str
    ended_by: str
    end_reason: str
    values: Mapping[str, FieldValue]
    accepted: Mapping[str, tuple[FieldValue, ...]]
    freely: frozenset[str]
    met: frozenset[str]
    outcomes: frozenset[str | None]
    spoken_by: str


def load(path: Path = CORPUS) -> tuple[Labelled, ...]:
    """Every call of the file, in its order."""
    return tuple(_labelled(json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines())


def _labelled(row: dict[str, Any]) -> Labelled:
    labels, accept = row["labels"], row.get("accept", {})
    fields = tuple(Field(each["name"], each["type"], each["description"]) for each in row["fields"])
    return Labelled(
        id=row["id"],
        kinds=(row["kind"], *row.get("also", ())),
        brief=Brief(row["objective"], fields=fields),
        turns=_turns(row["turns"]),
        answered_by=row["answeredBy"],
        ended_by=row["endedBy"],
        end_reason=row["endReason"],
        values=labels["fields"],
        accepted={name: tuple(values) for name, values in accept.get("fields", {}).items()},
        freely=frozenset(row.get("freely", ())),
        met=frozenset({labels["objectiveMet"], *accept.get("objectiveMet", ())}),
        outcomes=frozenset({labels["outcome"], *accept.get("outcome", ())}),
        spoken_by=row["spokenBy"],
    )


def _turns(rows: list[dict[str, str]]) -> tuple[Turn, ...]:
    turns, at_ms = [], 0
    for index, row in enumerate(rows):
        end_ms = at_ms + MS_PER_CHARACTER * len(row["text"])
        role: Role = "agent" if row["role"] == "agent" else "contact"
        turns.append(Turn(index, role, row["text"], at_ms, end_ms, asks=row.get("asks")))
        at_ms = end_ms + PAUSE_MS
    return tuple(turns)
