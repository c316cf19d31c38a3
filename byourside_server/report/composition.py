"""The report of one call, made from its brief and its turns alone: it can be made again at any time.

Knows no store and no clock. Reads the turns with the same plan and understanding as the conversation went
by, has the values verified in a second pass, and tells what happened in plain English. `context` is not read.
"""

from __future__ import annotations

from collections.abc import Iterable

from byourside_server.calls.call import Evidence, FieldValue, Report
from byourside_server.calls.transcript import Turn
from byourside_server.conversation.brief import Brief
from byourside_server.conversation.plan import plan_of
from byourside_server.conversation.reading import Reading, read
from byourside_server.conversation.step import Plan
from byourside_server.report.findings import Finding, typed
from byourside_server.report.objective import judge
from byourside_server.report.outcome import outcome_of
from byourside_server.report.summary import summarize
from byourside_server.report.verify import verified


def compose(
    brief: Brief,
    turns: Iterable[Turn],
    *,
    answered_by: str | None,
    ended_by: str | None,
    end_reason: str | None,
) -> Report:
    """Summary, fields, evidence and judgement of a call."""
    spoken = tuple(turns)
    plan = plan_of(brief)
    # What a machine plays was said to nobody in particular: it answers no question.
    reading = Reading() if answered_by in ("voicemail", "ivr", "fax") else read(plan, spoken)
    findings = verified(_findings(brief, plan, reading), plan, spoken)
    _withdraw_unproved(reading, findings)
    outcome = outcome_of(brief, reading, spoken, answered_by, end_reason)
    met, reason = judge(plan, reading, outcome, end_reason)
    return Report(
        summary=summarize(plan, reading, spoken, outcome, ended_by, end_reason),
        extracted={field.name: _value(findings, field.name) for field in brief.fields},
        evidence={field.name: _evidence(findings, field.name) for field in brief.fields},
        objective_met=met,
        objective_reason=reason,
        outcome=outcome,
    )


def _findings(brief: Brief, plan: Plan, reading: Reading) -> dict[str, Finding]:
    """The typed value of each field for which an answer was given, by field name."""
    found: dict[str, Finding] = {}
    for field in brief.fields:
        step = plan.step(f"field:{field.name}")
        given = reading.given.get(f"field:{field.name}")
        if step is None or given is None:
            continue
        value = typed(field.type, given.answer.value)
        if value is not None:
            found[field.name] = Finding(field, step, value, given.answer.quote, given.turn)
    return found


def _withdraw_unproved(reading: Reading, findings: dict[str, Finding]) -> None:
    """Summary and judgement must not tell what the second pass took back."""
    for name in [name for name in reading.given if name.startswith("field:")]:
        if name.removeprefix("field:") not in findings:
            del reading.given[name]


def _value(findings: dict[str, Finding], name: str) -> FieldValue:
    found = findings.get(name)
    return None if found is None else found.value


def _evidence(findings: dict[str, Finding], name: str) -> Evidence | None:
    found = findings.get(name)
    if found is None:
        return None
    turn = found.turn
    return Evidence(turn=turn.index, quote=found.quote, start_ms=turn.start_ms, end_ms=turn.end_ms)
