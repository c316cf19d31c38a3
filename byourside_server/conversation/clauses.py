"""An objective cut into its tasks: "Confirm X and ask if they Y." → ("confirm", "X"), ("ask if", "they Y").

Pure string work. What a verb does to the conversation stands in `plan`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

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
    "know if": "ask_if",
    "know whether": "ask_if",
    "ask them to confirm": "confirm",
    "ask them to verify": "confirm",
    "ask them to provide": "ask_for",
    "ask them to give": "ask_for",
    "ask them to share": "ask_for",
    "wish": "wish",
    "offer them": "offer",
    "offer": "offer",
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
# "… and if there is parking": a question, and no condition of what follows a comma.
_INDIRECT_IF = r"if (?:there|they|he|she|it|someone|anyone|the \w+|their \w+)\b[^,]*$"
# Who is to be asked or told, where the caller names them: "the pharmacy", "my landlord", "Sarah".
_NOUN_OF_CONTACT = (
    r"contact|customer|client|recipient|patient|person|callee|guest|candidate|lead|tenant|owner|landlord|landlady"
    r"|manager|receptionist|pharmacy|pharmacist|restaurant|hotel|store|shop|office|doctor|dentist|clinic|salon|garage"
    r"|mechanic|bank|company|vendor|supplier|host|staff|agent|driver|member|user|subscriber|applicant|student|parent"
    r"|employee|homeowner|buyer|seller|business|team|school|gym|front desk|plumber|electrician|contractor"
)
_DETERMINED = r"(?:the|this|my|our|[A-Z][\w.]*(?: [A-Z]\w+)*'s)"
_NAMED = r"(?:(?:Dr|Mr|Mrs|Ms)\.? )?(?:[A-Z][a-z]+)(?: [A-Z][a-z]+)?"
_TO_CONTACT: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(
            rf"\b([Aa]sk|[Rr]emind|[Tt]ell|[Ii]nform|[Nn]otify|[Ll]et|[Tt]hank|[Ii]nvite"
            rf"|[Ff]ollow up with|[Oo]ffer) "
            rf"(?:{_DETERMINED} (?:\w+ )?(?:{_NOUN_OF_CONTACT})|{_NAMED}) "
            r"(?=(?:if|whether|that|to|for|about|of|what|when|where|how|who|which|why|know|a|an|the|their|his|her|we|it)\b)"
        ),
        r"\1 them ",
    ),
    (
        re.compile(
            r"\b([Aa]sk) (?:the|this|my|our) \w+(?: \w+)? (?=(?:if|whether|what|when|where|how|which|why)\b)"
        ),
        r"\1 them ",
    ),
)
_BORDER = re.compile(
    rf"(?:\s*,?\s+(?:and|then|and then|also|but|and also|as well as)\s+|\s*,\s*)(?:also |then |please )?"
    rf"(?=(?:if [^,]+, )?(?:{_VERB_PATTERN}|what|when|where|how|which|who|why)\b|{_INDIRECT_IF})",
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
_WHOSE = re.compile(r"^(their|his|her|your|the|a|an|any|[\w.]+'s) ", re.IGNORECASE)
_LIST_BORDER = re.compile(r",? and |, ")
_LONGEST_LISTED = 8
_AND_THE_VALUE = re.compile(
    r"^(.+),? and ((?:the|their) (?:\w+ )?(?:price|cost|total|fee|time|date|address|name|number|hours))$",
    re.IGNORECASE,
)
_PLAIN_NOUN = re.compile(
    r"\b(?:name|number|e-?mail|address|date of birth|birthday|time|date|price|cost|size|reason)s?$",
    re.IGNORECASE,
)
_PREAMBLE = re.compile(rf"^[^:]{{3,60}}:\s*(?=(?:{_VERB_PATTERN})\b)", re.IGNORECASE)
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
    for pattern, them in _TO_CONTACT:
        objective = pattern.sub(them, objective)
    for sentence in _SENTENCE_END.split(objective.strip()):
        sentence = _without_manners(sentence.strip())
        if sentence:
            for part in _split(sentence):
                found += _listed(_clause(part)) if part.strip(" .,;") else []
    return tuple(found)


def _listed(clause: Clause) -> list[Clause]:
    """ "their name and phone number" is two things to ask for."""
    also = _AND_THE_VALUE.match(clause.about) if clause.family in ("ask_if", "ask_what") else None
    if also is not None:
        return [replace(clause, about=also[1]), Clause("ask_for", "ask for", also[2], clause.condition)]
    whose = _WHOSE.match(clause.about)
    parts = _LIST_BORDER.split(clause.about)
    is_list = len(parts) > 1 and all(len(part.split()) <= _LONGEST_LISTED for part in parts)
    if clause.family != "ask_for" or not is_list:
        return [clause]
    later = all(_WHOSE.match(part) or _PLAIN_NOUN.search(part) for part in parts[1:])
    if not later or re.search(r" (?:of|for) ", parts[-1]):
        return [clause]
    lead = (
        whose[0] if whose is not None and whose[1].lower() in ("their", "his", "her", "the", "your") else ""
    )
    named = [part if _WHOSE.match(part) else f"{lead}{part}" for part in parts]
    return [replace(clause, about=part) for part in named]


def _without_manners(sentence: str) -> str:
    sentence = _PREAMBLE.sub("", sentence)
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
    if verb is None and re.match(_INDIRECT_IF, part):
        return Clause("ask_if", "ask if", part[3:].rstrip(" .!?"), condition)
    if verb is None:
        return Clause("other", "", part.rstrip(" .!?"), condition)
    about = part[verb.end() :].strip().rstrip("!?")
    about = about if about.endswith((" a.m.", " p.m.")) else about.rstrip(" .")
    return Clause(VERBS[verb[1].lower()], verb[1].lower(), about, condition)
