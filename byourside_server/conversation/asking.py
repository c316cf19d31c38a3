"""What each family of verbs makes of a clause: the statement, the question, and the kind of answer.

Tables and small functions from a `Clause` to a `Step`; they know nothing of fields or order.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from byourside_server.conversation.clauses import Clause
from byourside_server.conversation.english import (
    ended,
    lower_first,
    reported,
    spoken_clock,
    to_second_person,
    to_third_person,
    yes_no_question,
)
from byourside_server.conversation.step import Step
from byourside_server.conversation.words import sentence_case

# Words in a noun that tell what kind of answer it is, and how one asks for it. First match wins.
NOUN_KINDS: tuple[tuple[str, str, str], ...] = (
    (r"e-?mail", "email", "What is your email address, please?"),
    (
        r"phone|mobile|telephone|callback number|contact number|\bcell\b",
        "digits",
        "What is the best phone number to reach you?",
    ),
    (
        r"account number|\breference\b|confirmation (?:number|code)|order number|booking number|zip"
        r"|postcode|postal|\bpin\b",
        "digits",
        "",
    ),
    (
        r"\bhours\b|reason|\bwhy\b|feedback|comments?|address|instructions|next steps?|requirements"
        r"|allergies|dietary",
        "text",
        "",
    ),
    (
        r"price|cost|amount|quote|\bfees?\b|total|\brate\b|budget|balance|charge|salary",
        "money",
        "How much is it, please?",
    ),
    (
        r"how many|number of|\bcount\b|quantity|party size|guests|headcount|\bage\b|score|rating"
        r"|scale of|^rate\b",
        "number",
        "",
    ),
    (r"\b(?:time|when|date|day|slot|eta|hour|availability|deadline|appointment|hours)\b", "time", ""),
    (r"\bname\b|\bwho\b", "name", "May I have your name, please?"),
)
CHANGE_WORDS = re.compile(
    r"\b(?:reschedul|chang|cancel|mov(?:e|ing)\b|postpon|anything else|more help|another"
    r"|different|assistance|need help|"
    r"have any questions|need anything)",
    re.IGNORECASE,
)
_EVENT = re.compile(
    r"appointment|meeting|reservation|booking|table|visit|delivery|interview|lesson|class|viewing|"
    r"demo|tour|session|pickup|pick-up|consultation|attendance|call\b",
    re.IGNORECASE,
)
_NAMED_VALUE = re.compile(
    r"^(?:the|their|his|her|your) (?:\w+ ){0,2}(?:time|date|day|name|price|cost|number|address|total|amount"
    r"|e-?mail"
    r"|age|birthday|phone)s?$",
    re.IGNORECASE,
)
_ASKED = re.compile(
    r"^(?:(?:what|when|where|how|which|who|why)"
    r"(?: (?!you\b|they\b|we\b|it\b|i\b|he\b|she\b|someone\b|there\b)\w+)? )?"
    r"(?:is|are|was|were|do|does|did|can|could|will|would|has|have) \w",
    re.IGNORECASE,
)
_WH = re.compile(r"^(?:what|when|where|how|which|who|why)\b", re.IGNORECASE)


def kind_of_noun(noun: str) -> str:
    """The kind of answer a noun asks for; "text" where no word of it tells."""
    return next((kind for pattern, kind, _ in NOUN_KINDS if re.search(pattern, noun, re.IGNORECASE)), "text")


def step_of(clause: Clause, *, number: int) -> Step:
    """The step a clause makes. `number` is its place and makes its name unique."""
    return _FAMILIES[clause.family](clause, f"ask:{number}")


def _said(text: str) -> str:
    return spoken_clock(to_second_person(text))


def _confirm(clause: Clause, name: str) -> Step:
    about, told = _said(clause.about), to_third_person(to_second_person(clause.about))
    if _NAMED_VALUE.match(clause.about):
        label = re.sub(r"^(?:the|their) ", "", told)
        question = f"Could you confirm {about}, please?"
        return Step(name, kind_of_noun(about), question, label=label, subject=clause.about, verb="confirm")
    is_clause = re.match(r"(?:the|your|our) [^,]*\b(?:is|are|was|were|will|has|have)\b", about) is not None
    is_event = _EVENT.search(about) is not None and not is_clause
    verb = "confirm" if " " in clause.verb else clause.verb
    return Step(
        name,
        "yes_no",
        "Does that still work for you?" if is_event else "Is that correct?",
        statement=ended(f"I'm calling to {verb} {'that ' if is_clause else ''}{about}"),
        said_yes=f"confirmed {'that ' if is_clause else ''}{told}",
        said_no=f"did not confirm {'that ' if is_clause else ''}{told}",
        subject=clause.about,
        verb=verb,
    )


# "… or …" asks which, and a yes would tell nothing.
_CHOICE = re.compile(
    r"\b(?:want|wants|prefer|prefers|would like|'d like|need|needs)\b.* or (?!not\b)", re.IGNORECASE
)
_MONEY_NAMES = " price cost amount total quote fee"
_RATING_NAMES = " rating score satisfaction"


def _ask_if(clause: Clause, name: str) -> Step:
    kind = "change" if CHANGE_WORDS.search(clause.about) else "yes_no"
    if _CHOICE.search(clause.about):
        asked = to_third_person(_said(clause.about))
        return Step(
            name,
            "text",
            spoken_clock(yes_no_question(clause.about)),
            label=f"whether {asked}",
            subject=f"{clause.about} preference choice option",
            verb=clause.verb,
        )
    return Step(
        name,
        kind,
        spoken_clock(yes_no_question(clause.about)),
        said_yes=f"said {reported(clause.about, True)}",
        said_no=f"said {reported(clause.about, False)}",
        subject=clause.about,
        verb=clause.verb,
    )


def _ask_for(clause: Clause, name: str) -> Step:
    noun = _said(re.sub(r"^us |^me ", "", clause.about))
    kind = kind_of_noun(noun)
    bare = re.sub(r"^(?:your|the|a|an|any)\s+", "", noun, flags=re.IGNORECASE)
    if noun.lower().startswith("any "):
        question = f"Do you have {noun}?"
    elif noun.lower().startswith("your "):
        question = f"May I have {noun}, please?"
    elif kind in ("money", "name") and len(bare.split()) == 1:
        question = next(q for _, k, q in NOUN_KINDS if k == kind)
    elif clause.about.lower().startswith(("a ", "an ")):
        question = f"Could I get {noun}, please?"
    else:
        question = f"Could you tell me {noun if noun != bare else 'the ' + bare}, please?"
    return Step(name, kind, question, label=to_third_person(bare), subject=clause.about, verb=clause.verb)


def _ask_what(clause: Clause, name: str) -> Step:
    about = _said(clause.about)
    if not _WH.match(about):
        return _ask_for(clause, name)
    label = to_third_person(lower_first(about))
    question = sentence_case(about) if is_question(about) else f"Could you tell me {lower_first(about)}"
    kind = _kind_of_wh(about)
    return Step(
        name, kind, ended(question, "?"), label=label, subject=_subject_of_wh(clause.about, kind), verb="ask"
    )


def _subject_of_wh(about: str, kind: str) -> str:
    """The caller's words, and the nouns a field may use for the same."""
    if kind == "money":
        return about + _MONEY_NAMES
    if about.lower().startswith("why"):
        return f"{about} reason"
    if about.lower().startswith("how long"):
        return f"{about} duration wait eta estimate"
    if re.search(
        r"how many (?:people|guests|persons|of them)|how many .*\b(?:attend|come|bring)\b",
        about,
        re.IGNORECASE,
    ):
        return f"{about} guest people party attendees headcount"
    return about + _RATING_NAMES if kind == "number" and "how many" not in about.lower() else about


def _kind_of_wh(about: str) -> str:
    head = about.lower()
    if head.startswith(("why", "how can", "how do", "how did", "how long", "how will", "where")):
        return "text"
    if head.startswith(("when", "how much", "how many")):
        return {"when": "time", "how much": "money"}.get(
            "when" if head.startswith("when") else head[:8], "number"
        )
    return kind_of_noun(about)


def is_question(about: str) -> bool:
    """Whether the caller wrote a question, "what is the price", and not a clause, "what they charge"."""
    return _ASKED.match(about) is not None


def _ask_about(clause: Clause, name: str) -> Step:
    about = _said(clause.about)
    return Step(
        name,
        "text",
        "What can you tell me about that?",
        statement=ended(f"I'd like to ask about {about}"),
        label=to_third_person(about),
        subject=clause.about,
        verb="ask about",
    )


def _ask_to(clause: Clause, name: str) -> Step:
    about = _said(clause.about)
    if about.lower().startswith("rate "):
        asked = ended(f"Could you {about}, please", "?")
        return Step(
            name, "number", asked, label="rating", subject=f"{clause.about}{_RATING_NAMES}", verb="ask"
        )
    return Step(
        name,
        "yes_no",
        ended(f"Could you {about}, please", "?"),
        said_yes=f"agreed to {to_third_person(about)}",
        said_no=f"did not agree to {to_third_person(about)}",
        subject=clause.about,
        verb="ask to",
    )


def _ask_to_be(clause: Clause, name: str) -> Step:
    about = _said(clause.about)
    return Step(
        name,
        "yes_no",
        "Is that possible?",
        statement=ended(f"I'd like to {about}"),
        said_yes=f"agreed to the request to {clause.about}",
        said_no=f"refused the request to {clause.about}",
        subject=clause.about,
        verb="ask to",
    )


def _remind(clause: Clause, name: str) -> Step:
    about = _said(clause.about)
    if clause.verb == "remind":
        about = re.sub(r"^you\s+", "", about)
    for lead in ("about ", "of ", "that ", "to "):
        if about.lower().startswith(lead):
            return _told(clause, name, ended(f"This is a reminder {about}"), "the reminder")
    return _told(clause, name, ended(f"This is a reminder: {about}"), "the reminder")


def _tell(clause: Clause, name: str) -> Step:
    whom = r"(?:(?:them|him|her|the \w+) )?" if " " not in clause.verb else ""
    about = _said(re.sub(rf"^{whom}(?:know )?(?:that )?", "", clause.about, flags=re.IGNORECASE))
    if about.lower().startswith(("about ", "of ")):
        return _told(clause, name, ended(f"I'm calling to tell you {about}"), "the message")
    return _told(clause, name, ended(f"I'd like to let you know that {lower_first(about)}"), "the message")


def _told(clause: Clause, name: str, statement: str, what: str) -> Step:
    return Step(
        name,
        "yes_no",
        "Is that all right?",
        statement=statement,
        said_yes=f"acknowledged {what}",
        said_no=f"did not accept {what}",
        subject=clause.about,
        verb="tell",
    )


def _thank(clause: Clause, name: str) -> Step:
    about = re.sub(r"^(?:them |him |her )?(?:for )?", "", clause.about)
    return _told(clause, name, ended(f"I'm calling to thank you for {_said(about)}"), "the thanks")


def _invite(clause: Clause, name: str) -> Step:
    about = _said(re.sub(r"^(?:them |him |her |you )?(?:to )?", "", clause.about))
    return Step(
        name,
        "yes_no",
        "Would you like to come?",
        statement=ended(f"I'd like to invite you to {about}"),
        said_yes=f"accepted the invitation to {to_third_person(about)}",
        said_no=f"declined the invitation to {to_third_person(about)}",
        subject=clause.about,
        verb="invite",
    )


def _arrange(clause: Clause, name: str) -> Step:
    about = _said(clause.about)
    request = f"{clause.verb} {to_third_person(to_second_person(clause.about))}"
    return Step(
        name,
        "yes_no",
        "Is that possible?",
        statement=ended(f"I'd like to {clause.verb} {about}"),
        said_yes=f"agreed to the request to {request}",
        said_no=f"refused the request to {request}",
        subject=clause.about,
        verb=clause.verb,
    )


def _cancel(clause: Clause, name: str) -> Step:
    about = _said(clause.about)
    told = to_third_person(to_second_person(clause.about))
    return Step(
        name,
        "yes_no",
        "Can you do that for me?",
        statement=ended(f"I'd like to cancel {about}"),
        said_yes=f"agreed to cancel {told}",
        said_no=f"refused to cancel {told}",
        subject=clause.about,
        verb="cancel",
    )


def _wish(clause: Clause, name: str) -> Step:
    return _told(clause, name, ended(f"I'm calling to wish {_said(clause.about)}"), "the wishes")


def _offer(clause: Clause, name: str) -> Step:
    about = _said(re.sub(r"^(?:to )?(?:them |him |her |you )?", "", clause.about))
    told = to_third_person(about)
    return Step(
        name,
        "yes_no",
        "Would that suit you?" if _WHEN.search(about) else "Are you interested?",
        statement=ended(f"I'd like to offer you {about}"),
        said_yes=f"accepted the offer of {told}",
        said_no=f"declined the offer of {told}",
        subject=f"{clause.about} accept alternative interest",
        verb="offer",
    )


_WHEN = re.compile(r"day\b|\btomorrow\b|\b\d+ ?(?::\d\d )?[ap]\.?m", re.IGNORECASE)


def _follow_up(clause: Clause, name: str) -> Step:
    about = (
        _said(re.sub(r"^(?:with )?(?:them |him |her )?(?:on |about )?", "", clause.about))
        or "our last conversation"
    )
    return Step(
        name,
        "text",
        "What can you tell me about that?",
        statement=ended(f"I'm calling about {about}"),
        label=to_third_person(about),
        subject=clause.about,
        verb="follow up",
    )


def _check(clause: Clause, name: str) -> Step:
    if _WH.match(clause.about):
        return _ask_what(clause, name)
    return _follow_up(clause, name)


def _other(clause: Clause, name: str) -> Step:
    about = _said(clause.about)
    if _WH.match(about):
        return _ask_what(clause, name)
    if is_question(about):
        asked = ended(sentence_case(about), "?")
        return Step(
            name,
            "yes_no",
            asked,
            said_yes=f"said yes to “{asked}”",
            said_no=f"said no to “{asked}”",
            subject=clause.about,
            verb="ask if",
        )
    matter = f"about the following: {lower_first(about)}" if re.search(r"\w", about) else "with a request"
    return Step(
        name,
        "yes_no",
        "Can you help me with that?",
        statement=ended(f"I'm calling {matter}"),
        said_yes="agreed to help with the request",
        said_no="could not help with the request",
        subject=clause.about,
    )


_FAMILIES: dict[str, Callable[[Clause, str], Step]] = {
    "confirm": _confirm,
    "ask_if": _ask_if,
    "ask_for": _ask_for,
    "ask_what": _ask_what,
    "ask_about": _ask_about,
    "ask_to": _ask_to,
    "ask_to_be": _ask_to_be,
    "remind": _remind,
    "tell": _tell,
    "thank": _thank,
    "invite": _invite,
    "arrange": _arrange,
    "cancel": _cancel,
    "wish": _wish,
    "offer": _offer,
    "follow_up": _follow_up,
    "check": _check,
    "other": _other,
}
