"""A language model's claims, held against the transcript: what is left of them is proved.

Pure. Values become findings only with a quote that stands in the contact's turn they name; the judgement
"yes" stands only where nothing that was verified speaks against it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from byourside_server.calls.transcript import Turn
from byourside_server.conversation.brief import Brief
from byourside_server.conversation.reading import Given, Reading
from byourside_server.conversation.step import Plan
from byourside_server.conversation.understanding import Answer
from byourside_server.report.doubts import doubt
from byourside_server.report.extraction import Claim, ClaimedObjective, Extraction
from byourside_server.report.findings import Finding, typed
from byourside_server.report.objective import NOBODY, REFUSALS, Met, doubted, judge, named, refused, required
from byourside_server.report.outcome import OUTCOMES
from byourside_server.report.quotes import located
from byourside_server.report.talk import Talk, is_recorded
from byourside_server.report.topics import says_nothing
from byourside_server.report.verify import Verified, verified

NO_QUOTE = "the quote stands in the contact's turn"
EMBEDDED_DIFFERS = "the rules read the same"
# Who may have spoken where a person could be on the line.
PERSONS = frozenset({None, "human", "unknown", "screening"})
# With these the objective was not met, whatever is said of it.
_NEVER_MET = frozenset(OUTCOMES) - {"transferred", "mind_failed"}


def proved(
    brief: Brief, plan: Plan, turns: Sequence[Turn], extraction: Extraction, embedded: Mapping[str, Finding]
) -> Verified:
    """The claims that hold, and which check refused the others."""
    findings, refused_at = {}, {}
    for each in brief.fields:
        claim = extraction.claims.get(each.name)
        value = typed(each.type, claim.value) if claim is not None else None
        if claim is None or value is None:
            continue
        place = _place_of(claim, turns)
        if place is None:
            refused_at[each.name] = NO_QUOTE
        else:
            step = plan.step(f"field:{each.name}")
            findings[each.name] = Finding(each, step, value, place[1], place[0], is_claimed=True)
    result = verified(findings, plan, turns)
    for name, finding in list(result.held.items()):
        if _rules_differ(finding, embedded.get(name)):
            del result.held[name]
            refused_at[name] = EMBEDDED_DIFFERS
    return Verified(result.held, {**result.refused, **refused_at})


def _place_of(claim: Claim, turns: Sequence[Turn]) -> tuple[Turn, str] | None:
    """The contact's turn a claim names and the quote as it stands there."""
    turn = next((each for each in turns if each.index == claim.turn), None)
    if turn is None or turn.role != "contact" or not claim.quote:
        return None
    quote = located(claim.quote, turn.text)
    return None if quote is None else (turn, quote)


def _rules_differ(finding: Finding, embedded: Finding | None) -> bool:
    """The rules read the contrary, and not from an earlier turn than the claim's."""
    if embedded is None or not isinstance(finding.value, bool) or finding.value is embedded.value:
        return False
    return finding.turn.index <= embedded.turn.index


def reading_of(held: Mapping[str, Finding], embedded: Reading) -> Reading:
    """What was proved, as the reading that summary and judgement go by."""
    given = {
        finding.step.name: Given(Answer(finding.value, finding.quote), finding.turn)
        for finding in held.values()
        if finding.step is not None
    }
    return Reading(given=given, moves=embedded.moves, asked=embedded.asked)


def settled(
    claimed: ClaimedObjective,
    plan: Plan,
    turns: Sequence[Turn],
    result: Verified,
    reading: Reading,
    outcome: str | None,
    answered_by: str | None,
) -> tuple[Met, str]:
    """The judgement with its reason; a "yes" that does not hold becomes "unknown" and says why.

    An outcome that is a no by itself ("do not call") makes it one.
    """
    if claimed.met != "yes":
        return claimed.met, claimed.reason
    if outcome in REFUSALS or outcome in NOBODY:
        return judge(plan, reading, outcome, None)
    objection = _objection(claimed, plan, turns, result, reading, outcome, answered_by)
    return ("yes", claimed.reason) if objection is None else ("unknown", objection)


def _objection(
    claimed: ClaimedObjective,
    plan: Plan,
    turns: Sequence[Turn],
    result: Verified,
    reading: Reading,
    outcome: str | None,
    answered_by: str | None,
) -> str | None:
    """What speaks against a claimed "yes", as a sentence."""
    if outcome in _NEVER_MET:
        return f"Read as met, but the outcome was: {OUTCOMES[outcome]}."
    if answered_by not in PERSONS:
        return "Read as met, but no person answered."
    place = _place_of(Claim(None, claimed.turn, claimed.quote), turns)
    talk = Talk(plan, tuple(turns))
    if place is None or not talk.asked_before(place[0]) or is_recorded(place[0].text):
        return "Read as met, but no words of the contact's prove it."
    if doubt(place[1]) is not None:
        return f"Read as met, but the words that should prove it leave it open: “{place[1]}”."
    if result.refused:
        names = ", ".join(sorted(result.refused))
        return f"Read as met, but what was said does not prove: {names}."
    if says_nothing(place[1]):
        return f"Read as met, but the words that should prove it answer nothing: “{place[1]}”."
    open_fields = (
        []
        if reading.value(plan.main.name) is False
        else [
            step
            for step in required(plan, reading)
            if step.field is not None and step.name not in reading.given
        ]
    )
    if open_fields:
        return f"Read as met, but not every question was answered: {named(open_fields)}."
    speaks_against = refused(plan, reading) or doubted(plan, reading)
    return f"Read as met, but: {speaks_against}" if speaks_against is not None else None
