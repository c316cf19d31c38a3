"""What the contact's words answer to one step: the rules of its kind, and what the question itself adds.

"No problem" grants a request and tells nothing of a fact; "yes, Friday works" confirms no Tuesday. Pure.
"""

from __future__ import annotations

import re

from byourside_server.conversation.moments import DAY_WORDS, MONTHS, WEEKDAYS, find_moments
from byourside_server.conversation.step import Step
from byourside_server.conversation.understanding import Answer, read_answer
from byourside_server.conversation.words import plain, words_of

# A question for a fact, not for leave or consent.
_FACT = re.compile(
    r"(?:^|[.!?] )(?:is|are|was|were|do|does|did|have|has)\b(?! (?:that|it) )[^.!?]*\?$", re.IGNORECASE
)
_CONSENT_ALONE = re.compile(
    r"^(?:(?:well|oh|and|that's|that is|it's|that|sounds|all|very|just|so) )*"
    r"(?:no problem|not a problem|no worries|fine|great|good|perfect|lovely|excellent|wonderful|cool"
    r"|go ahead|why not"
    r"|i don't see why not|sounds good|alright|right|okay|ok)(?: (?:at all|thanks|thank you|then|with me"
    r"|by me|to me))*$"
)
# Here "we're closed" is a yes, and "that's fine" no answer: only a plain yes or no counts.
_TURNED_QUESTION = re.compile(
    r"\b(?:closed|sold out|unavailable|full|busy|away|wrong|unable|problems?|issues?|mind|not|no|never"
    r"|without|cancell?ed"
    r"|\w+n't)\b",
    re.IGNORECASE,
)
_PLAIN_YES = re.compile(r"^(?:(?:uh|um|oh|well) )*(?:yes|yeah|yep)\b")
_PLAIN_NO = re.compile(
    r"^(?:(?:uh|um|oh|well) )*(?:no|nope|nah)\b(?! (?:problem|worries|one|idea|clue|wait))"
)
_CANCELS = re.compile(
    r"\b(?:i|we|i'll|we'll|i've|we've)(?: will| can| have| just| now| already| go ahead and)* "
    r"(?:cancel|cancelled|canceled|done|taken care of|processed)\b"
    r"|\b(?:it's|that's|it is|that is|it has been|that has been|it's been|that's been)(?: now| all| been"
    r"| already)* "
    r"(?:cancelled|canceled|done|taken care of|processed)\b"
)
_CANNOT_CANCEL = re.compile(
    r"\b(?:can't|cannot|can not|won't|will not|unable to|not able to|not possible to"
    r"|couldn't)(?: \w+)? cancel (?!.*\b(?:if|unless|until)\b)"
)
_NOT_INTERESTED = re.compile(r"\bnot (?:\w+ )?interested\b")
_IS_AN_OFFER = re.compile(r"\binterested\b|^Would you like|^Do you want|^Are you", re.IGNORECASE)
_DONE = re.compile(r"^(?:(?:okay|ok|alright|and|that's|it's|all) )*(?:done|cancelled|canceled)$")
_DENIES = re.compile(r"\b(?:no|nope|not|never|cannot|unable|before|until|unless|if|but|only|\w+n't)\b")


def answer_to(step: Step, text: str) -> Answer | None:
    """The answer to the step's question that `text` gives, or None."""
    answer = read_answer(step.kind, text)
    if step.kind != "yes_no":
        return answer
    spoken = plain(text)
    if step.verb == "cancel" and _CANNOT_CANCEL.search(spoken):
        return Answer(False, _whole(text))
    if step.verb == "cancel" and (_CANCELS.search(spoken) or _DONE.match(spoken)):
        return None if _DENIES.search(spoken) else Answer(True, _whole(text))
    if step.verb not in _REQUESTS and _TURNED_QUESTION.search(step.question):
        return _plainly(step, answer, text, spoken)
    if (
        _NOT_INTERESTED.search(spoken)
        and not _IS_AN_OFFER.search(step.question)
        and not _PLAIN_NO.match(spoken)
    ):
        return None  # of the call, perhaps, or of the whole matter: no answer to this question
    if answer is None or answer.value is not True:
        return answer
    if _FACT.search(step.question) and _CONSENT_ALONE.match(spoken):
        return None
    return None if names_another_moment(step, text) else answer


_OPEN = re.compile(
    r"^(?:what|who|why|when|how|is|are|do|does)\b|\b(?:maybe|perhaps|might|think|sure|said|check|know|mind)\b"
)
_REQUESTS = frozenset({"confirm", "reconfirm", "verify", "validate", "cancel", "tell", "invite"})


def _whole(text: str) -> str:
    words = words_of(text)
    return text[words[0].start : words[-1].end]


def _plainly(step: Step, answer: Answer | None, text: str, spoken: str) -> Answer | None:
    """A turned question's answer: a plain yes or no, or the question's own word said again."""
    is_yes, is_no = _PLAIN_YES.match(spoken), _PLAIN_NO.match(spoken)
    turned = _TURNED_QUESTION.search(step.question)
    repeats = turned is not None and re.search(rf"\b{re.escape(turned[0].lower())}\b", spoken) is not None
    if repeats and not is_no and not _DENIES.search(spoken) and not _OPEN.search(spoken):
        return Answer(True, _whole(text))
    if answer is None:
        return None
    return answer if (is_yes and answer.value is True) or (is_no and answer.value is False) else None


def names_another_moment(step: Step, text: str) -> bool:
    """Whether a day or hour is named that is none of those asked about."""
    asked_days, asked_hours = _days_and_hours(f"{step.subject} {step.question}")
    days, hours = _days_and_hours(text)
    return bool(asked_days and days - asked_days) or bool(asked_hours and hours - asked_hours)


def _days_and_hours(text: str) -> tuple[set[str], set[str]]:
    days: set[str] = set()
    hours: set[str] = set()
    for moment in find_moments(words_of(text.replace("'s", " ")), bare_hours=False):
        parts = moment.text.lower().split()
        days |= {part for part in parts if part.rstrip("s") in WEEKDAYS or part in DAY_WORDS | MONTHS}
        hours |= {
            part for part in parts if part[:1].isdigit() and not part.endswith(("st", "nd", "rd", "th"))
        }
    return days, hours
