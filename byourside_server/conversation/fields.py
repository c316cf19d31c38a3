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
    "arrange schedule acknowledge remind inform notify able cancel reschedule order renew correct"
    " verify interest"
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
    (r"next ?steps?|follow ?up", "text", "What will you do next?"),
    (r"reason|\bwhy\b", "text", "May I ask the reason?"),
    (r"e ?mail\b", "email", "What is your email address, please?"),
    (
        r"phone|mobile|callback(?! time| date)|\btel\b|number to",
        "digits",
        "What is the best phone number to reach you?",
    ),
    (r"\brating|\bscore", "number", "How would you rate it, from one to ten?"),
    (r"party ?size|guests|people|attendees|headcount", "number", "How many people will there be?"),
    (r"quantity|\bcount\b", "number", "How many would that be?"),
    (r"budget", "money", "What is your budget, please?"),
    (r"price|\bcosts?\b|amount|quote|\bfees?\b|\btotal\b", "money", "How much is it, please?"),
    (
        r"^(?:(?:contact|full|first|last|customer|client|caller|guest|your|their|patient) )*name$|^who$",
        "name",
        "May I have your name, please?",
    ),
    (r"\bname\b|\bwho\b", "name", ""),
    (r"^opening time$|^opens? at$", "time", "What time do you open?"),
    (r"^closing time$|^closes? at$", "time", "What time do you close?"),
    (r"^(?:eta|estimated (?:time|arrival|delivery time))$", "time", "When can that be expected?"),
    (r"\bhours\b", "text", ""),
    (
        r"^(?:best|good|expected|estimated|arrival|departure|repair|start|end|due|available"
        r"|pickup) (?:time|date|day|hour|slot)$",
        "time",
        "",
    ),
    (r"day\b|\bdates?\b", "time", "What day would that be?"),
    (r"\btime|\bwhen\b|\bslot|\bhour\b|\beta\b", "time", "What time would that be?"),
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
    stem = stem[:-1] if len(stem) > 5 and stem.endswith("ll") else stem
    stem = stem[:-1] if len(stem) > 3 and stem[-1] == stem[-2] and stem[-1] not in "ls" else stem
    return stem.rstrip("e") if len(stem) > 3 else stem


def spoken_name(field: Field) -> str:
    """The field's name as words: "contactName" is "contact name"."""
    return re.sub(r"([a-z])([A-Z])", r"\1 \2", field.name).replace("_", " ").replace("-", " ").lower().strip()


def kind_for(field: Field, otherwise: str) -> str:
    """How an answer for the field is read: its type rules, the step's kind refines."""
    if field.type == "boolean":
        return otherwise if otherwise in ("yes_no", "change") else "yes_no"
    hinted = next(
        (kind for pattern, kind, _ in _FIELD_QUESTIONS if re.search(pattern, spoken_name(field))), None
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
    if step.kind == "money" and kind_for(field, "text") == "money":
        shared += 0.5 if field.type == "number" else 0.0
    if field.type == "string" and step.kind in ("time", "name", "digits", "email", "money"):
        shared += 1.5 * (kind_for(field, "text") == step.kind)
    if field.type == "number" and step.kind in ("money", "number"):
        shared += 1.0
    return shared


def _fits(field: Field, step: Step) -> bool:
    if field.type == "boolean":
        return step.is_yes_no and (step.verb not in ("tell",) or affirms(field, step))
    if field.type == "number":
        return step.kind in ("number", "money", "digits") or (step.kind == "text" and not step.statement)
    if step.verb == "ask about" and re.search(r",| and ", step.subject):
        return False  # several things: each field has its own question
    return not step.is_yes_no or asks_whether_any(step)


def asks_whether_any(step: Step) -> bool:
    """ "Are there any dietary restrictions?" is answered by naming them."""
    return (
        step.kind == "yes_no"
        and re.match(r"(?:Are there|Is there|Do you have) any ", step.question) is not None
    )


def affirms(field: Field, step: Step) -> bool:
    """Whether the boolean's name is a plain "it worked" ("booked", "accepted") for what the step does."""
    wanted = _ACKNOWLEDGEMENTS if step.verb == "tell" else _AFFIRMATIONS
    return field.type == "boolean" and bool(stems(field.name) & {_stem(word) for word in wanted})


def own_step(field: Field, when: Condition | None) -> Step | None:
    """A question made for the field alone, None where it is passive."""
    if field.name.lower() in PASSIVE:
        return None
    words = spoken_name(field)
    kind = kind_for(field, kind_of_noun(words))
    described = _described(field, kind)
    hinted = next(
        (
            question
            for pattern, k, question in _FIELD_QUESTIONS
            if k == kind and re.search(pattern, spoken_name(field))
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
        said_yes=f"said yes to “{question}”",
        said_no=f"said no to “{question}”",
        label=words,
        subject=f"{words} {field.description or ''}",
    )


# "… if different": only asked where the main question was answered with no.
ONLY_IF_NOT = re.compile(
    r"[ ,(]+(?:only )?if (?:it is |it's |they are |they )?(?:not\b|different|declined?|refused?|unable"
    r"|can't|cannot|incorrect"
    r"|wrong|changed|no\b|rejected|unavailable)[^.?!]*$",
    re.IGNORECASE,
)
_CORRECTED = re.compile(r"^(?:correct|corrected|updated|actual|right) (?!answers?\b)\w")


def needs_a_no(field: Field) -> bool:
    """ "correct_address", "The new window if not confirmed": nothing to ask for after a yes."""
    described = ONLY_IF_NOT.search(field.description or "") is not None
    return field.type == "string" and (described or _CORRECTED.match(spoken_name(field)) is not None)


def _described(field: Field, kind: str) -> str | None:
    """The description as a question, where it can be said aloud."""
    text = ONLY_IF_NOT.sub("", (field.description or "").strip()).strip(" ,;.(")
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
    asked = lower_first(to_second_person(noun)).rstrip(".")
    if not re.match(
        r"(?:the|a|an|your|any|my|our|this|that|what|when|where|how|which|who|why|whether|if)\b",
        asked,
        re.IGNORECASE,
    ):
        asked = f"the {asked}"
    return ended(f"Could you tell me {asked}", "?")


def _plain_question(field: Field, kind: str, words: str) -> str:
    if field.type == "boolean":
        return _boolean_question(words)
    if kind == "name" and words.endswith(" name"):
        return f"What is the {words.removesuffix(' name')}'s name, please?"
    if kind in ("digits", "email"):
        asked = next((q for p, k, q in NOUN_KINDS if k == kind and q and re.search(p, words)), None)
        return asked or f"What is the {words}, please?"
    if field.type == "number" and kind == "number" and re.search(r"(?<![siu])s$", words):
        return f"How many {words} are there?"
    return f"What is the {words}, please?" if kind != "text" else f"Could you tell me the {words}, please?"


def _boolean_question(words: str) -> str:
    if words in ("confirmed", "confirmation", "confirm"):
        return "Is all of that correct?"
    head, _, rest = words.partition(" ")
    if head in (
        "is",
        "are",
        "can",
        "will",
        "would",
        "could",
        "should",
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
