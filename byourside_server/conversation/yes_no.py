"""Was that a yes or a no?

Pure: the contact's words against the kind of question. None wherever a person would ask again:
conditions, hedges, questions back, other people's words, irony.
"""

from __future__ import annotations

import re

from byourside_server.conversation.words import FILLERS, has_any, plain, word_set

YES_WORDS = word_set(
    "yes yeah yep yup yah sure absolutely definitely certainly correct ok okay alright affirmative indeed "
    "right exactly"
)
NO_WORDS = frozenset({"no", "nope", "nah", "negative", "never"})
YES_PHRASES = (
    "of course",
    "uh huh",
    "mm hmm",
    "mhm",
    "you bet",
    "by all means",
    "for sure",
    "go ahead",
    "why not",
)
NO_PHRASES = (
    "no way",
    "not really",
    "not at all",
    "not today",
    "not now",
    "not yet",
    "not this time",
    "of course not",
    "absolutely not",
    "certainly not",
    "definitely not",
    "rather not",
    "afraid not",
    "don't think so",
    "do not think so",
    "i'll pass",
)
# Leaves the question open.
HEDGES = (
    "maybe",
    "perhaps",
    "probably",
    "possibly",
    "not sure",
    "don't know",
    "do not know",
    "no idea",
    "depends",
    "depending",
    "might",
    "let me check",
    "let me see",
    "have to check",
    "need to check",
    "hard to say",
    "can't say",
    "yeah right",
    "as if",
    "nothing better to do",
    "yes and no",
    "said yes",
    "said no",
    "say yes",
    "say no",
)
CONDITIONS = ("if", "unless", "as long as", "provided", "only when", "except", "assuming")
HARMLESS = (
    "if that's okay",
    "if that's ok",
    "if that is okay",
    "if you like",
    "if you want",
    "if you don't mind",
    "if possible",
    "if i remember correctly",
    "not a problem at all",
    "as far as i know",
    "right now",
    "all right",
    "right away",
    "no problem",
    "not a problem",
    "no worries",
    "no doubt",
    "no question",
    "thank you very much",
)
_HARMLESS_YES = frozenset(
    {"no problem", "not a problem", "no worries", "not a problem at all", "no doubt", "all right"}
)
CORRECTIONS = (
    "no wait",
    "wait no",
    "wait",
    "actually",
    "i mean",
    "i meant",
    "scratch that",
    "on second thought",
    "correction",
    "let me rephrase",
    "sorry no",
    "sorry yes",
)
# Marks that hold the new answer themselves.
_ANSWERING_MARKS = {"sorry no": "no", "sorry yes": "yes", "wait no": "no"}
_QUESTION_BACK = re.compile(
    r"^(?:(?:and|so|sorry|but|wait) )*(?:what|when|where|who|why|how|which|do you|does (?:it"
    r"|that|this)|is (?:it|that|this)"
    r"|are you|can you|could you|will (?:you|it)|would (?:you|that|it)|did (?:you|i|we)|have you|am i)\b"
)
_NOT = (
    r"(?:not|don't|doesn't|didn't|isn't|aren't|wasn't|won't|wouldn't|can't|cannot|couldn't"
    r"|never|hardly|no longer)"
)
_PRONOUN = r"(?:i|we|it|that|this|they|he|she|you|there)"
_SHORT_AUX = r"(?:do|does|did|am|are|is|can|could|will|would|have|has|was)"
# What is said of the matter outweighs the yes or no before it: "no, that works", "yes I can't make it".
_CONTENT: tuple[tuple[re.Pattern[str], bool], ...] = tuple(
    (re.compile(pattern), polarity)
    for pattern, polarity in (
        (
            rf"\b{_NOT}(?: \w+)? (?:works?|going to work|suit|be there|make it|come|do it|do that"
            rf"|possible|available|"
            r"confirm|right|correct|true|fine|okay|ok|good|attend|interested|happy)\b",
            False,
        ),
        (
            r"\b(?:i|we)(?:'ll have to| have to| need to|'d like to| would like to| want to|'d rather| must) "
            r"(?:cancel|reschedule|move it|change it|postpone|decline)\b",
            False,
        ),
        (r"\b(?:please )?cancel (?:it|that|the|my)\b", False),
        (
            r"\b(?:unable|impossible|unavailable|incorrect|wrong|fully booked|booked up|out of stock"
            r"|sold out)\b",
            False,
        ),
        (r"\b(?:we're|we are|i'm|i am) (?:closed|full|busy|out of town|away)\b", False),
        (
            r"\b(?:that|it|this|tomorrow|which|everything|\w+day)(?:'s| is| still| all| does| would| will)* "
            r"(?:works?|suits?|fine|okay|ok|good|great|perfect|right|correct|true|all right|possible"
            r"|sounds good)\b",
            True,
        ),
        (r"\b(?:don't|do not|no) need to (?:reschedule|change|move|cancel)\b", True),
        (r"\b(?:works|suits) (?:for )?(?:me|us|fine|great|well)\b", True),
        (r"\b(?:sounds|looks) (?:good|great|fine|perfect|right|ok|okay)\b", True),
        (
            r"\b(?:i|we)(?:'ll| will| can|'m going to)(?: \w+)? (?:be there|make it|come|attend|do that"
            r"|do it|be here)\b",
            True,
        ),
        (
            r"\b(?:see you (?:then|there|tomorrow)|looking forward|count me in|i confirm|we confirm"
            r"|confirmed|"
            r"you're booked|you are booked|all set|booked you|it's booked|got you down|i think so"
            r"|i guess so|i hope so|"
            r"i believe so|don't mind|would love to|i'd love to|happy to|glad to|that'll work|that will work|"
            r"that'll be fine|that would work)\b",
            True,
        ),
    )
)
_FINE = re.compile(
    r"\b(?:that's|that is|it's|it is|everything is|everything's|that still|it still|that|it)(?: still| all)? "
    r"(?:fine|okay|ok|good|great|perfect|works)\b"
)
_NEEDS: tuple[tuple[re.Pattern[str], bool], ...] = tuple(
    (re.compile(pattern), polarity)
    for pattern, polarity in (
        (rf"\b{_NOT}(?: \w+)? (?:need|want|like|have to|necessary|required)\b", False),
        (
            r"\b(?:no need|nothing else|nothing|that's all|that is all|that's it|that will be all"
            r"|no changes?|"
            r"keep it|leave it|as it is|same time|as planned|i'm good|we're good|i'm fine|i'm okay"
            r"|i'm ok|we're fine|"
            r"all good|all set)\b",
            False,
        ),
        (_FINE, False),
        (r"\b(?:i|we)(?:'ll| do| will| would|'d| really| actually)* (?:need|want|like|love) to\b", True),
        (r"\b(?:i|we)(?:'ll| will)? have to (?:reschedule|change|move|cancel|postpone)\b", True),
        (r"\b(?:can|could) (?:we|you|i) (?:move|change|reschedule|do|make|push|switch)\b", True),
        (r"\bhow about\b|\bwhat about\b|\binstead\b|\bi'd prefer\b|\bi would prefer\b", True),
        (r"\bplease (?:do|move|change|reschedule)\b", True),
    )
)
_SHORT_NO = re.compile(
    rf"\b{_PRONOUN} (?:{_SHORT_AUX} not|\w+n't|cannot|'m not|am not)$|\b(?:i'm|it's|they're|we're) not$"
)
_SHORT_YES = re.compile(rf"\b{_PRONOUN} (?:\w+ )?{_SHORT_AUX}$")
_AFTER_NO = frozenset(
    {"thank", "thanks", "sorry", "i", "we", "it", "that", "that's", "it's", "not", "sir", "ma'am"}
)


def yes_no(text: str, *, asks_for_change: bool = False) -> bool | None:
    """True, False, or None where it cannot be told.

    `asks_for_change` marks questions like "Do you need to reschedule?", where "that's fine" means no.
    """
    spoken = plain(text)
    mild = _without_harmless(spoken)
    if not spoken or (_QUESTION_BACK.match(spoken) and not _asks_for_it(spoken, asks_for_change)):
        return None
    corrected = _after_correction(mild)
    if corrected:
        decided = _decide(corrected, asks_for_change)
        if decided is not None:
            return decided
    return _decide(mild, asks_for_change)


def _decide(spoken: str, asks_for_change: bool) -> bool | None:
    if has_any(spoken, HEDGES) or has_any(spoken, CONDITIONS):
        return None
    content = _content(spoken, asks_for_change)
    explicit = _explicit(spoken)
    if asks_for_change and explicit is True and content is False and _is_only_fine(spoken):
        return None  # "yes, that's fine" to "Do you need to reschedule?" says two things at once
    return content if content is not None else explicit


def _is_only_fine(spoken: str) -> bool:
    """Whether nothing more is said of the matter than that it is fine."""
    refusals = [pattern for pattern, polarity in _NEEDS if not polarity and pattern is not _FINE]
    return _FINE.search(spoken) is not None and not any(pattern.search(spoken) for pattern in refusals)


def _content(spoken: str, asks_for_change: bool) -> bool | None:
    """The last thing said of the matter itself."""
    table = _NEEDS if asks_for_change else _CONTENT
    found = []
    for pattern, polarity in table:
        found += [(match.end(), match.end() - match.start(), polarity) for match in pattern.finditer(spoken)]
    if found:
        return max(found)[2]
    if _SHORT_NO.search(spoken):
        return False
    if _SHORT_YES.search(spoken) and not _has_no(spoken):
        return True
    return None


def _explicit(spoken: str) -> bool | None:
    """The last plain yes or no that stands as an answer, not inside a sentence."""
    for phrase in NO_PHRASES:
        if has_any(spoken, (phrase,)):
            return False
    words = spoken.split()
    answer: bool | None = None
    for at, word in enumerate(words):
        if word in NO_WORDS and _stands_alone(words, at):
            answer = False
        elif word in YES_WORDS and not (at and words[at - 1] in {"not", "that's", "isn't", "the", "so"}):
            answer = True if answer is None or word in {"yes", "yeah", "yep"} else answer
    if answer is None and has_any(spoken, YES_PHRASES):
        return True
    return answer


def _stands_alone(words: list[str], at: int) -> bool:
    before = words[at - 1] if at else None
    after = words[at + 1] if at + 1 < len(words) else None
    opens = before is None or before in FILLERS | YES_WORDS | NO_WORDS | {"sorry", "but", "wait"}
    return opens or after is None or after in _AFTER_NO


def _has_no(spoken: str) -> bool:
    return any(word in NO_WORDS for word in spoken.split())


def _without_harmless(spoken: str) -> str:
    padded = f" {spoken} "
    for phrase in HARMLESS:
        replacement = " yes " if phrase in _HARMLESS_YES else " "
        padded = padded.replace(f" {phrase} ", replacement)
    return " ".join(padded.split())


def _after_correction(spoken: str) -> str:
    """What follows the last correction mark, "" without one; "no wait, yes" is a yes."""
    padded = f" {spoken} "
    ends = {padded.rfind(f" {mark} ") + len(mark) + 1: mark for mark in CORRECTIONS if f" {mark} " in padded}
    if not ends:
        return ""
    last = max(ends)
    return f"{_ANSWERING_MARKS.get(ends[last], '')} {padded[last:]}".strip()


def _asks_for_it(spoken: str, asks_for_change: bool) -> bool:
    """ "Can we move it?" answers "Do you need to reschedule?" with a yes."""
    return asks_for_change and _content(spoken, True) is True
