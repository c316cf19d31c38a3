"""Asking a language model what a call brought, and reading its answer.

Pure: builds the two requests and parses what came back; asks nobody and believes nothing (`verify` does
the checking). The transcript goes in as data, a JSON object a line; `context` does not go in at all.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, cast

from byourside_server.calls.call import Field, FieldType, FieldValue
from byourside_server.calls.transcript import Turn
from byourside_server.conversation.brief import Brief
from byourside_server.providers.base import AnswerSchema, Generation, JsonSchema, Message
from byourside_server.report.instructions import EXTRACTION_INSTRUCTIONS, OBJECTIVE_INSTRUCTIONS

Met = Literal["yes", "no", "unknown"]
# What a contact can bring about; the other outcomes are known from the line.
TOLD_OUTCOMES = ("do_not_call", "wrong_number", "wrong_person", "not_interested", "callback_requested")
_JSON_TYPES: dict[FieldType, str] = {"string": "string", "boolean": "boolean", "number": "number"}
_MET: tuple[Met, ...] = ("yes", "no", "unknown")
# JSON leaves these as they are, some readers take them for the end of a line.
_LINE_ENDS = {ord(mark): f"\\u{ord(mark):04x}" for mark in "\x7f\x85\u2028\u2029"}


class ExtractionError(ValueError):
    """A model's answer that is not the document it was asked for."""


@dataclass(frozen=True)
class Claim:
    """A value as a model gives it, with the turn and the words it names as proof. Nothing is checked."""

    value: FieldValue
    turn: int | None = None
    quote: str | None = None


@dataclass(frozen=True)
class ClaimedObjective:
    """A model's judgement, with the turn and the words it names as proof. Nothing is checked."""

    met: Met
    reason: str
    turn: int | None = None
    quote: str | None = None


@dataclass(frozen=True)
class Extraction:
    """What a model read out of a call. `objective` is None where that was not asked or not answered."""

    summary: str
    claims: Mapping[str, Claim] = field(default_factory=dict)
    outcome: str | None = None
    objective: ClaimedObjective | None = None


def extraction_request(
    brief: Brief,
    turns: Sequence[Turn],
    *,
    answered_by: str | None,
    ended_by: str | None,
    end_reason: str | None,
) -> Generation:
    """The request for the values of the fields, the outcome and a summary."""
    fields = [
        {"name": each.name, "type": each.type, "description": each.description} for each in brief.fields
    ]
    text = "\n".join(
        [
            f"Objective of the call: {_json(brief.objective)}",
            "Fields to fill in:",
            *(_json(each) for each in fields),
            *_call_lines(turns, answered_by, ended_by, end_reason),
        ]
    )
    return _request(
        EXTRACTION_INSTRUCTIONS, text, AnswerSchema("extraction", extraction_schema(brief.fields))
    )


def objective_request(
    brief: Brief,
    turns: Sequence[Turn],
    *,
    answered_by: str | None,
    ended_by: str | None,
    end_reason: str | None,
) -> Generation:
    """The request for the judgement of the objective."""
    text = "\n".join(
        [
            f"Objective of the call: {_json(brief.objective)}",
            *_call_lines(turns, answered_by, ended_by, end_reason),
        ]
    )
    return _request(OBJECTIVE_INSTRUCTIONS, text, AnswerSchema("objective", OBJECTIVE_SCHEMA))


def _request(instructions: str, text: str, schema: AnswerSchema) -> Generation:
    return Generation(
        (Message("system", instructions), Message("user", text)), schema=schema, temperature=0.0
    )


def _call_lines(
    turns: Sequence[Turn], answered_by: str | None, ended_by: str | None, end_reason: str | None
) -> list[str]:
    return [
        f"Answered by: {_json(answered_by)}. Ended by: {_json(ended_by)}. Reason: {_json(end_reason)}.",
        "Transcript:",
        *(_json({"turn": turn.index, "role": turn.role, "text": turn.text}) for turn in turns),
    ]


def _json(value: object) -> str:
    """One line, whatever it holds."""
    return json.dumps(value, ensure_ascii=False).translate(_LINE_ENDS)


def _object(properties: dict[str, object]) -> dict[str, object]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


_PROOF: dict[str, object] = {"turn": {"type": ["integer", "null"]}, "quote": {"type": ["string", "null"]}}
OBJECTIVE_SCHEMA: JsonSchema = _object(
    {**_PROOF, "reason": {"type": "string"}, "met": {"type": "string", "enum": list(_MET)}}
)


def extraction_schema(fields: Sequence[Field]) -> JsonSchema:
    """The document asked for. Proof stands before value, so that it is looked for first."""
    values = {
        each.name: _object({**_PROOF, "value": {"type": [_JSON_TYPES[each.type], "null"]}}) for each in fields
    }
    return _object(
        {
            **({"fields": _object(dict(values))} if values else {}),
            "outcome": {"type": ["string", "null"], "enum": [*TOLD_OUTCOMES, None]},
            "summary": {"type": "string"},
        }
    )


def read_extraction(text: str, fields: Sequence[Field]) -> Extraction:
    """A model's first answer. Raises ExtractionError where it is not the document asked for."""
    document = _document(text)
    given = document.get("fields", {} if not fields else None)
    summary, outcome = document.get("summary"), document.get("outcome")
    if not isinstance(given, dict):
        raise ExtractionError("the answer's `fields` is not an object")
    if not isinstance(summary, str) or not summary.strip():
        raise ExtractionError("the answer has no `summary`")
    if outcome is not None and outcome not in TOLD_OUTCOMES:
        raise ExtractionError("the answer's `outcome` is none of those offered")
    claims = {each.name: _claim(each, given) for each in fields}
    return Extraction(" ".join(summary.split()), claims, outcome)


def read_objective(text: str) -> ClaimedObjective:
    """A model's second answer. Raises ExtractionError where it is not the document asked for."""
    document = _document(text)
    met = next((known for known in _MET if known == document.get("met")), None)
    reason = document.get("reason")
    if met is None:
        raise ExtractionError("the answer's `met` is none of yes, no, unknown")
    if not isinstance(reason, str) or not reason.strip():
        raise ExtractionError("the answer has no `reason`")
    turn, quote = _proof(document)
    return ClaimedObjective(met, " ".join(reason.split()), turn, quote)


def _document(text: str) -> dict[str, object]:
    """The JSON object in the text; a fence of backticks around it does no harm."""
    bare = text.strip()
    if bare.startswith("```") and bare.endswith("```"):
        bare = bare.strip("`").removeprefix("json").strip()
    try:
        document = json.loads(bare)
    except (ValueError, RecursionError) as error:
        raise ExtractionError("the answer is not JSON") from error
    if not isinstance(document, dict):
        raise ExtractionError("the answer is not a JSON object")
    return document


def _claim(field: Field, given: dict[str, object]) -> Claim:
    """One field's claim; a value of another type than asked for is an answer not to be trusted."""
    told = given.get(field.name)
    if not isinstance(told, dict) or "value" not in told:
        raise ExtractionError(f"the answer has no value for field {field.name!r}")
    value = told["value"]
    if value is not None and not _is_of(field.type, value):
        raise ExtractionError(f"the answer's value for field {field.name!r} is no {field.type}")
    turn, quote = _proof(told)
    return Claim(cast(FieldValue, value), turn, quote)


def _is_of(kind: FieldType, value: object) -> bool:
    if kind == "boolean":
        return isinstance(value, bool)
    if kind == "number":
        return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e15
    return isinstance(value, str)


def _proof(told: Mapping[str, object]) -> tuple[int | None, str | None]:
    turn, quote = told.get("turn"), told.get("quote")
    is_number = isinstance(turn, int) and not isinstance(turn, bool)
    return (cast(int, turn) if is_number else None), (quote if isinstance(quote, str) else None)
