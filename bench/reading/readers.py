"""The readers compared: the rules, a language model's recorded answers, and a simulated careless model.

Each gives a Reading of a call. A model's answers are read once as they are and once through the
verification, so that the two differ in nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench.reading.corpus import RESULTS, Labelled
from bench.reading.scores import Reading
from byourside_server.calls.call import Report
from byourside_server.conversation.asked import asked_in
from byourside_server.conversation.plan import plan_of
from byourside_server.conversation.reading import read
from byourside_server.report import compose
from byourside_server.report.claims import proved
from byourside_server.report.composition import MACHINES
from byourside_server.report.extraction import (
    Extraction,
    ExtractionError,
    read_extraction,
    read_objective,
)
from byourside_server.report.outcome import outcome_of

ANSWERS = RESULTS / "model_answers.jsonl"



@dataclass(frozen=True)
class Reader:
    """A reader by name."""

    name: str
    read: Callable[[Labelled], Reading]


def embedded() -> Reader:
    """The rules, on the turns as they are."""
    return Reader("embedded", lambda call: _reading(_report(call, None)))


def embedded_with_questions() -> Reader:
    """The rules, where the questions of an agent that chose its own words have been recognised first."""
    return Reader("embedded, questions recognised", lambda call: _reading(_report(_recognised(call), None)))


def _recognised(call: Labelled) -> Labelled:
    """Each turn of the agent's with the planned question its words put, as a live call records it."""
    open_step: str | None = None
    turns = []
    for turn in call.turns:
        if turn.role == "agent" and turn.asks is None:
            turn = replace(turn, asks=asked_in(call.brief, turn.text, open_step=open_step).step)
        if turn.role == "agent":
            open_step = turn.asks or open_step
        turns.append(turn)
    return replace(call, turns=tuple(turns))


def with_model(name: str, extractions: Mapping[str, Extraction | None]) -> tuple[Reader, Reader]:
    """The model believed, and the model verified. None stands for an answer that is malformed."""
    believed = Reader(f"{name}, believed", lambda call: _believed(call, extractions.get(call.id)))
    checked = Reader(f"{name}, verified", lambda call: _reading(_report(call, extractions.get(call.id))))
    return believed, checked


def refusals(calls: Sequence[Labelled], extractions: Mapping[str, Extraction | None]) -> dict[str, str]:
    """Which check refused which claim: "call_001 price" → the check's name."""
    found: dict[str, str] = {}
    for call in calls:
        extraction = extractions.get(call.id)
        if extraction is None or call.answered_by in MACHINES:
            continue
        plan = plan_of(call.brief)
        result = proved(call.brief, plan, call.turns, extraction, {})
        found |= {f"{call.id} {name}": why for name, why in result.refused.items()}
    return found


def _report(call: Labelled, extraction: Extraction | None) -> Report:
    return compose(
        call.brief,
        call.turns,
        answered_by=call.answered_by,
        ended_by=call.ended_by,
        end_reason=call.end_reason,
        extraction=extraction,
    )


def _reading(report: Report) -> Reading:
    return Reading(report.extracted, report.objective_met, report.outcome)


def _believed(call: Labelled, extraction: Extraction | None) -> Reading:
    """What the model says, taken as it is; the line's own outcome stands first here too."""
    if extraction is None:
        return Reading({}, "unknown", None)
    nothing = read(plan_of(call.brief), ())
    outcome = outcome_of(call.brief, nothing, call.turns, call.answered_by, call.end_reason, extraction)
    met = extraction.objective.met if extraction.objective is not None else "unknown"
    return Reading({name: claim.value for name, claim in extraction.claims.items()}, met, outcome)


def recorded(calls: Sequence[Labelled], path: Path = ANSWERS) -> dict[str, Extraction | None]:
    """A language model's recorded answers, by call."""
    rows = {row["id"]: row for row in map(json.loads, path.read_text(encoding="utf-8").splitlines())}
    return {call.id: _parsed(call, rows[call.id]) for call in calls if call.id in rows}


def _parsed(call: Labelled, row: Mapping[str, str]) -> Extraction | None:
    try:
        extraction = read_extraction(row["extraction"], call.brief.fields)
        return replace(extraction, objective=read_objective(row["objective"]))
    except ExtractionError:
        return None
