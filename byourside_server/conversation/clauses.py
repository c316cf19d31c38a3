"""An objective cut into its tasks: "Confirm X and ask if they Y." → ("confirm", "X"), ("ask if", "they Y").

Pure string work. What a verb does to the conversation stands in `plan`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# Longer first: "ask if" before "ask". The value is the verb's family in `plan`.
VERBS: dict[str, str] = {
    "double check if": "ask_if",
    "double check": "check",
    "ask them if": "ask_if",
    "ask them whether": "ask_if",
    "ask him if": "ask_if",
    "ask her if": "ask_if",
    "ask if": "ask_if",
    "ask whether": "ask_if",
    "find out if": "ask_if",
    "find out whether": "ask_if",
    "see if": "ask_if",
    "see whether": "ask_if",
    "check if": "ask_if",
    "check whether": "ask_if",
    "check that": "ask_if",
    "confirm if": "ask_if",
    "confirm whether": "ask_if",
    "confirm that": "ask_if",
    "verify that": "ask_if",
    "verify if": "ask_if",
    "verify whether": "ask_if",
    "make sure that": "ask_if",
    "make sure": "ask_if",
    "ask them to": "ask_to",
    "ask him to": "ask_to",
    "ask her to": "ask_to",
    "ask to": "ask_to_be",
    "ask them for": "ask_for",
    "ask him for": "ask_for",
    "ask her for": "ask_for",
    "ask for": "ask_for",
    "ask them about": "ask_about",
    "ask about": "ask_about",
    "inquire about": "ask_about",
    "enquire about": "ask_about",
    "ask them": "ask_what",
    "find out about": "ask_about",
    "find out": "ask_what",
    "whether": "ask_if",
    "ask": "ask_what",
    "request": "ask_for",
    "collect": "ask_for",
    "obtain": "ask_for",
    "gather": "ask_for",
    "get": "ask_for",
    "note": "ask_for",
    "take": "ask_for",
    "remind them": "remind",
    "remind him": "remind",
    "remind her": "remind",
    "remind": "remind",
    "tell them": "tell",
    "tell": "tell",
    "inform them": "tell",
    "inform": "tell",
    "notify them": "tell",
    "notify": "tell",
    "let them know": "tell",
    "let": "tell",
    "thank them for": "thank",
    "thank": "thank",
    "invite them to": "invite",
    "invite": "invite",
    "book": "arrange",
    "reserve": "arrange",
    "schedule": "arrange",
    "order": "arrange",
    "arrange": "arrange",
    "set up": "arrange",
    "make": "arrange",
    "reschedule": "arrange",
    "move": "arrange",
    "change": "arrange",
    "postpone": "arrange",
    "extend": "arrange",
    "renew": "arrange",
    "cancel": "cancel",
    "follow up on": "follow_up",
    "follow up about": "follow_up",
    "follow up": "follow_up",
    "confirm": "confirm",
    "reconfirm": "confirm",
    "verify": "confirm",
    "validate": "confirm",
    "check on": "follow_up",
    "check": "check",
}
_VERB_PATTERN = "|".join(re.escape(verb) for verb in sorted(VERBS, key=len, reverse=True))
_BORDER = re.compile(
    rf"(?:\s*,?\s+(?:and|then|and then|also|but|and also|as well as)\s+|\s*,\s*)(?:also |then |please )?"
    rf"(?=(?:if [^,]+, )?(?:{_VERB_PATTERN}|what|when|where|how)\b)",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(
    r"(?<=[.!?;])(?:(?<!\b[ap]\.m\.)|(?=\s+[A-Z]))(?<!\bDr\.)(?<!\bMr\.)(?<!\bMs\.)(?<!\bMrs\.)\s+|\n+|;\s*"
)
_POLITE = re.compile(
    r"^(?:please|kindly|hi|hello|then|also|and|next|finally|first|firstly|i (?:need|want"
    r"|would like) you to|i'd like you to|"
    r"(?:can|could|would) you(?: please)?|you should|try to|your (?:task|goal|job"
    r"|objective) is to|the goal is to|"
    r"we (?:need|want) to|i (?:need|want) to|we'd like to)[, ]+",
    re.IGNORECASE,
)
_CALLING = re.compile(
    rf"^(?:call|phone|ring|contact|reach out to|speak (?:to|with)"
    rf"|talk to)\b(?P<whom>[^,]*?)(?:,| to| and)\s+"
    rf"(?=(?:{_VERB_PATTERN})\b)",
    re.IGNORECASE,
)
_CONDITION = re.compile(
    r"^(?P<if>if|unless|in case) (?P<what>[^,]+),\s*(?:then\s+)?(?P<rest>.+)$", re.IGNORECASE
)
_LEADING_VERB = re.compile(rf"^({_VERB_PATTERN})\b\s*", re.IGNORECASE)


@dataclass(frozen=True)
class Clause:
    """One task: the verb's family, the verb as written, what it is about, and an "if …," before it."""

    family: str
    verb: str
    about: str
    condition: str | None = None


def clauses_of(objective: str) -> tuple[Clause, ...]:
    """The tasks in order; a sentence that begins with no known verb is of family "other"."""
    found: list[Clause] = []
    for sentence in _SENTENCE_END.split(objective.strip()):
        sentence = _without_manners(sentence.strip())
        if sentence:
            found += [_clause(part) for part in _split(sentence) if part.strip(" .,;")]
    return tuple(found)


def _without_manners(sentence: str) -> str:
    before = None
    while before != sentence:
        before = sentence
        sentence = _POLITE.sub("", sentence).strip()
    calling = _CALLING.match(sentence)
    return sentence[calling.end() :] if calling else sentence


def _split(sentence: str) -> list[str]:
    conditional = _CONDITION.match(sentence)
    if conditional:
        first, *others = _BORDER.split(conditional["rest"])
        return [f"{conditional['if']} {conditional['what']}, {first}", *others]
    return _BORDER.split(sentence)


def _clause(part: str) -> Clause:
    part = _without_manners(part.strip(" ,;"))
    condition = None
    conditional = _CONDITION.match(part)
    if conditional:
        condition = f"{conditional['if'].lower()} {conditional['what'].strip()}"
        part = _without_manners(conditional["rest"])
    verb = _LEADING_VERB.match(part)
    if verb is None:
        return Clause("other", "", part.rstrip(" .!?"), condition)
    about = part[verb.end() :].strip().rstrip("!?")
    about = about if about.endswith((" a.m.", " p.m.")) else about.rstrip(" .")
    return Clause(VERBS[verb[1].lower()], verb[1].lower(), about, condition)
