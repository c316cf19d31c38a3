"""The report of one call, made from its brief and its turns alone: it can be made again at any time.

Knows no store and no clock. Reads the turns with the same plan and understanding as the conversation went
by, or takes what a language model read in them; has the values verified in a second pass either way, and
tells what happened in plain English. `context` is not read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from byourside_server.calls.call import Evidence, FieldValue, Report
from byourside_server.calls.transcript import Turn
from byourside_server.conversation.brief import Brief
from byourside_server.conversation.callback import callback_of
from byourside_server.conversation.obligations import proofs
from byourside_server.conversation.plan import plan_of
from byourside_server.conversation.reading import Reading, read
from byourside_server.conversation.step import Plan
from byourside_server.providers.base import Usage
from byourside_server.report.claims import proved, reading_of, settled
from byourside_server.report.extraction import Extraction
from byourside_server.report.findings import Finding, typed
from byourside_server.report.objective import Met, judge
from byourside_server.report.outcome import outcome_of
from byourside_server.report.summary import summarize
from byourside_server.report.verify import Verified, verified

EMBEDDED = "embedded"
# What a machine plays was said to nobody in particular: it answers no question.
MACHINES = frozenset({"voicemail", "ivr", "screening", "fax"})
MAX_SUMMARY_SENTENCES = 3
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")


def compose(
    brief: Brief,
    turns: Iterable[Turn],
    *,
    answered_by: str | None,
    ended_by: str | None,
    end_reason: str | None,
    extraction: Extraction | None = None,
    extractor: str = EMBEDDED,
    usage: Usage | None = None,
) -> Report:
    """Summary, fields, evidence and judgement of a call.

    `extraction` is what a language model called `extractor` read in the turns; without it the rules read.
    """
    spoken = tuple(turns)
    plan = plan_of(brief)
    by_machine = answered_by in MACHINES
    reading = Reading() if by_machine else read(plan, spoken)
    by_rules = verified(_findings(brief, plan, reading), plan, spoken)
    if by_machine:
        extraction = None
    result = by_rules
    if extraction is not None:
        result = proved(brief, plan, spoken, extraction, by_rules.held)
    outcome = outcome_of(brief, reading, spoken, answered_by, end_reason, extraction)
    _withdraw_unproved(reading, by_rules)
    proven = reading if extraction is None else reading_of(result.held, reading)
    met, reason = judge(plan, proven, outcome, end_reason)
    if extraction is not None and extraction.objective is not None:
        met, reason = settled(extraction.objective, plan, spoken, result, proven, outcome, answered_by)
    summary = summarize(plan, proven, spoken, outcome, ended_by, end_reason)
    return Report(
        summary=_told(extraction, result, met) or summary,
        extracted={field.name: _value(result.held, field.name) for field in brief.fields},
        evidence={field.name: _evidence(result.held, field.name) for field in brief.fields},
        objective_met=met,
        objective_reason=reason,
        outcome=outcome,
        steps=proofs(brief, spoken),
        callback=None if by_machine else callback_of(spoken, brief.today),
        extractor=extractor,
        usage=usage or Usage(),
    )


def _told(extraction: Extraction | None, result: Verified, met: Met) -> str | None:
    """The model's summary, unless it may tell what the second pass took back."""
    if extraction is None or result.refused:
        return None
    if extraction.objective is not None and extraction.objective.met != met:
        return None
    return " ".join(_SENTENCE_END.split(extraction.summary)[:MAX_SUMMARY_SENTENCES])


def _findings(brief: Brief, plan: Plan, reading: Reading) -> dict[str, Finding]:
    """The typed value of each field for which the rules read an answer, by field name."""
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


def _withdraw_unproved(reading: Reading, result: Verified) -> None:
    """Summary and judgement must not tell what the second pass took back."""
    for name in [name for name in reading.given if name.startswith("field:")]:
        if name.removeprefix("field:") not in result.held:
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
