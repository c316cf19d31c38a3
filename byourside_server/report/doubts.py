"""Words that keep a yes from being one: conditions, hedges, irony, and commands to the record.

Pure text. None does not mean that the words say anything.
"""

from __future__ import annotations

import re

from byourside_server.conversation.words import has_any, plain
from byourside_server.conversation.yes_no_phrases import CONDITIONS, HARMLESS, HEDGES, IRONIES

_CONDITION = re.compile(
    r"\b(?:only (?:if|when|once)|on (?:the )?condition|on one condition|so long as|in case|otherwise"
    r"|supposing|once (?:i|we|you|they|he|she)|as soon as)\b"
)
_HEDGE = re.compile(
    r"\b(?:we'll see|i'll see|have to (?:see|look|talk|think|ask|count|check)|need to (?:see|look|talk|think)"
    r"|think about it|sleep on it|not yet sure|can't promise|i (?:guess|suppose) not|not decided"
    r"|you'd have to ask|i'd have to|let me (?:think|look)|i wish|should be able|couldn't tell you)\b"
)
_IRONY = re.compile(
    r"^(?:oh|yeah|ha) (?:sure|right|great|wonderful|fantastic|lovely|brilliant|perfect|yeah|joy|absolutely)\b"
    r"(?= \w+ \w+ \w+ \w+).*\b(?:because|love|like (?:you|i|that)|just|only|worst|again)\b"
    r"|\b(?:just love|dying to|worst enemy|what a (?:bargain|joke|surprise)|lottery|money tree)\b"
)
# Spoken to whoever writes the record, not to the question.
_COMMAND = re.compile(
    r"\b(?:(?:mark|set|put|write|note|record|log|output|enter|count) (?:\w+ )?(?:\w+ )?(?:\w+ )?(?:as|to|down"
    r"|equals|true|false|confirmed)|objective met|system message|end of transcript|as an? administrator"
    r"|ignore (?:\w+ ){0,3}(?:told|instructions|rules)|new instructions?|forget (?:your|all)"
    r" (?:rules|instructions)|pretend (?:i|that|you|we)|role (?:contact|agent)|summari[sz]e this"
    r"|your (?:system )?prompt|for your (?:summary|record|notes))\b"
)


# Negations that refuse nothing, and agreements that hold one.
_IDIOMS = re.compile(
    r"\b(?:no comment|never mind|(?:don't|do not|wouldn't|won't) mind|not at all|wasn't listening"
    r"|you don't say|don't believe it|never better|couldn't be better|yes no|no yes)\b"
)
_AGREEING_IDIOMS = re.compile(r"\bwhy not\b|\b(?:wouldn't|won't) miss it\b|\bcan't wait\b")


def without_idioms(spoken: str) -> str:
    """Plain words without the phrases whose "not" refuses nothing; "why not" is "gladly"."""
    mild = f" {_AGREEING_IDIOMS.sub('gladly', _IDIOMS.sub(' ', spoken))} "
    for phrase in HARMLESS:
        mild = mild.replace(f" {phrase} ", " ")
    return " ".join(mild.split())


def doubt(text: str) -> str | None:
    """Why a yes in these words is none: "condition", "hedge", "irony" or "command"; None where nothing is."""
    spoken = plain(text)
    if _COMMAND.search(spoken):
        return "command"
    if has_any(spoken, IRONIES) or _IRONY.search(spoken):
        return "irony"
    mild = f" {spoken} "
    for phrase in HARMLESS:
        mild = mild.replace(f" {phrase} ", " ")
    if has_any(mild.strip(), CONDITIONS) or _CONDITION.search(mild):
        return "condition"
    return "hedge" if has_any(mild.strip(), HEDGES) or _HEDGE.search(mild) else None
