"""Which step fills which field, and what to ask for a field that no step fills.

Pure: names and descriptions as the caller wrote them, against the words of the steps.
"""

from __future__ import annotations

import re

from byourside_server.calls.call import Field
from byourside_server.conversation.asking import NOUN_KINDS, kind_of_noun
from byourside_server.conversation.english import (
    ended,
    lower_first,
    to_second_person,
    to_third_person,
    yes_no_question,
)
from byourside_server.conversation.step import Condition, Step
from byourside_server.conversation.words import word_set

# Read from the conversation as a whole: nobody is asked for them.
PASSIVE = frozenset({"summary", "sentiment", "mood", "tone", "transcript", "outcome", "notes", "language"})
_AFFIRMATIONS = word_set(
    "confirm book agree accept attend available work ok okay success approve reserve come possible "
    "arrange schedule acknowledge remind inform notify able"
)
_ACKNOWLEDGEMENTS = word_set(
    "acknowledge remind inform notify confirm accept agree ok okay understand receive"
)
_STOP = word_set(
    "the a an of to for in is are was be they their them you your it that this new did do does if or and "
    "whether contact customer given said on at with has have will would"
)
_RENEW = frozenset(
    {
        "new",
        "alternative",
        "alternate",
        "other",
        "preferred",
        "better",
        "different",
        "rescheduled",
        "reschedule",
    }
)
_SUFFIX = re.compile(r"(?:ations?|ation|ing|ed|es|s|ment|ion)$")
_FIELD_QUESTIONS: tuple[tuple[str, str, str], ...] = (
    (r"next_?steps?|follow_?up", "text", "What will you do next?"),
    (r"reason|why", "text", "May I ask the reason?"),
    (r"email", "email", "What is your email address, please?"),
    (r"phone|mobile|callback|tel\b|number_to", "digits", "What is the best phone number to reach you?"),
    (r"rating|score", "number", "How would you rate it, from one to ten?"),
    (r"party_?size|guests|people|attendees|headcount", "number", "How many people will there be?"),
    (r"quantity|count", "number", "How many would that be?"),
    (r"price|cost|amount|quote|fee|total|budget", "money", "How much is it, please?"),
    (r"name|who", "name", "May I have your name, please?"),
    (r"day|date", "time", "What day would that be?"),
    (r"time|when|slot|hour|eta", "time", "What time would that be?"),
    (r"address|location", "text", "What is the address, please?"),
    (r"feedback|comments?|message", "text", "Is there anything you would like me to pass on?"),
)
NEW_TIME_QUESTION = "What time would suit you better?"


def stems(text: str) -> frozenset[str]:
    """The telling words of a name or sentence, without endings: "confirmed" and "Confirm" meet."""
    split = re.sub(r"([a-z])([A-Z])", r"\1 \2", text).replace("_", " ").lower()
    return frozenset(_stem(word) for word in re.findall(r"[a-z]+", split) if word not in _STOP)


def _stem(word: str) -> str:
    stem = _SUFFIX.sub("", word) if len(word) > 4 else word
    stem = stem[:-1] if len(stem) > 3 and stem[-1] == stem[-2] and stem[-1] not in "ls" else stem
    return stem.rstrip("e") if len(stem) > 3 else stem


def kind_for(field: Field, otherwise: str) -> str:
    """How an answer for the field is read: its type rules, the step's kind refines."""
    if field.type == "boolean":
        return otherwise if otherwise in ("yes_no", "change") else "yes_no"
    hinted = next(
        (kind for pattern, kind, _ in _FIELD_QUESTIONS if re.search(pattern, field.name.lower())), None
    )
    if field.type == "number":
        return "money" if "money" in (hinted, otherwise) or _is_money(field) else "number"
    refined = otherwise if otherwise not in ("yes_no", "change", "text") else None
    return refined or (hinted or "text") if hinted != "money" else refined or "money"


def _is_money(field: Field) -> bool:
    return (
        re.search(
            r"price|cost|usd|dollar|amount|fee|\$|quote", f"{field.name} {field.description or ''}".lower()
        )
        is not None
    )


def wants_new_time(field: Field) -> bool:
    """ "new_time", "preferred_date", "rescheduled_to": only asked where something is to be moved."""
    words = set(
        re.findall(r"[a-z]+", re.sub(r"([a-z])([A-Z])", r"\1 \2", field.name).replace("_", " ").lower())
    )
    timely = words & {"time", "date", "day", "slot", "appointment", "datetime", "to", "when"}
    return field.type == "string" and bool(words & _RENEW) and bool(timely)


def score(field: Field, step: Step) -> float:
    """How well a step's answer would fill the field; 0 for not at all."""
    if not _fits(field, step):
        return 0.0
    name, described = stems(field.name), stems(field.description or "")
    about = stems(f"{step.verb} {step.subject}")
    shared = 2.0 * len(name & about) + 0.5 * len(described & about)
    if field.type == "string" and step.kind in ("time", "name", "digits", "email", "money"):
        shared += 1.5 * (kind_for(field, "text") == step.kind)
    if field.type == "number" and step.kind in ("money", "number"):
        shared += 1.0
    return shared


def _fits(field: Field, step: Step) -> bool:
    if field.type == "boolean":
        return step.is_yes_no
    if field.type == "number":
        return step.kind in ("number", "money", "digits", "text")
    return not step.is_yes_no


def affirms(field: Field, step: Step) -> bool:
    """Whether the boolean's name is a plain "it worked" ("booked", "accepted") for what the step does."""
    wanted = _ACKNOWLEDGEMENTS if step.verb == "tell" else _AFFIRMATIONS
    return field.type == "boolean" and bool(stems(field.name) & {_stem(word) for word in wanted})


def own_step(field: Field, when: Condition | None) -> Step | None:
    """A question made for the field alone, None where it is passive."""
    if field.name.lower() in PASSIVE:
        return None
    words = re.sub(r"([a-z])([A-Z])", r"\1 \2", field.name).replace("_", " ").lower()
    kind = kind_for(field, kind_of_noun(words))
    described = _described(field, kind)
    hinted = next(
        (
            question
            for pattern, k, question in _FIELD_QUESTIONS
            if k == kind and re.search(pattern, field.name.lower())
        ),
        None,
    )
    question = (
        described
        if described and described.endswith("?") and not (hinted and "Could you tell me" in described)
        else None
    )
    question = question or hinted or _plain_question(field, kind, words)
    return Step(
        f"field:{field.name}",
        kind,
        question,
        field=field,
        when=when,
        said_yes=f"said yes to “{words}”",
        said_no=f"said no to “{words}”",
        label=words,
        subject=f"{words} {field.description or ''}",
    )


def _described(field: Field, kind: str) -> str | None:
    """The description as a question, where it can be said aloud."""
    text = (field.description or "").strip()
    if not text or len(text.split()) > 16:
        return None
    if text.endswith("?"):
        return to_second_person(text)
    whether = re.match(r"^(?:whether|if)(?: or not)? (.+)$", text, re.IGNORECASE)
    if whether:
        return yes_no_question(whether[1])
    if field.type == "boolean":
        return (
            yes_no_question(text)
            if re.match(r"^(?:they|he|she|the contact|the customer)\b", text, re.I)
            else None
        )
    noun = re.sub(
        r"^(?:what|the thing) (?:the contact|they) (?:said|say) ", "what ", text, flags=re.IGNORECASE
    )
    return ended(f"Could you tell me {lower_first(to_second_person(noun)).rstrip('.')}", "?")


def _plain_question(field: Field, kind: str, words: str) -> str:
    if field.type == "boolean":
        return _boolean_question(words)
    if field.type == "number":
        return f"What is the {words}, please?"
    asked = next((question for _, k, question in NOUN_KINDS if k == kind and question), None)
    return asked or f"Could you tell me the {words}, please?"


def _boolean_question(words: str) -> str:
    head, _, rest = words.partition(" ")
    if head in (
        "is",
        "are",
        "can",
        "will",
        "has",
        "have",
        "does",
        "did",
        "wants",
        "needs",
        "want",
        "need",
        "likes",
    ):
        statement = f"they {words}" if head not in ("is", "has", "does") or rest else words
        return yes_no_question(statement)
    if words.endswith(("ed", "able", "interested")) or words in ("available", "satisfied", "happy", "ready"):
        return f"Are you {words}?" if words in _STATES else f"Can I note that as {words}?"
    return f"May I ask: {words}, yes or no?"


_STATES = frozenset(
    {"available", "satisfied", "happy", "ready", "interested", "married", "employed", "insured", "registered"}
)


def value_label(step: Step) -> str:
    """How a summary names the value."""
    return to_third_person(step.label or (step.field.name.replace("_", " ") if step.field else "answer"))
