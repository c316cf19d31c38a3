"""What a sentence of the agent's is: a question and for which kind of answer, or a goodbye.

Pure tables. Reads English; of other languages only what takes leave, and what asks for numbers or times.
"""

from __future__ import annotations

import re

from byourside_server.conversation.sentences import sentences_of
from byourside_server.conversation.words import plain, word_set

# Kinds of questions by their words, the first that is found; what begins with a verb is a yes or no.
_KINDS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern, re.IGNORECASE))
    for kind, pattern in (
        ("email", r"\be-?mail\b|\bcorreo electrónico\b|\bcourriel\b"),
        (
            "digits",
            r"\b(?:phone|telephone|mobile|account|reference|confirmation|order|booking|tracking|policy"
            r"|case|ticket|callback|contact|zip|postal|pin|id|serial|member\w*|insurance|card|extension)"
            r" (?:number|code|id)\b|\bzip\b|\bpostcode\b|\b(?:best|good|right|your) number\b"
            r"|\bnumber (?:to|where|can|should|we)\b"
            r"|\bn[uú]mero\b|\bnuméro\b|\w*nummer\b|\bcódigo\b",
        ),
        (
            "number",
            r"\bhow (?:many|old|big|large)\b|\bon a scale\b|\bparty size\b|\bfrom one to (?:five|ten)\b"
            r"|\b(?:what|which) number\b"
            r"|\bcuánt[oa]s\b|\bcombien de\b|\bwie viele\b|\bquant[ie]\b|\bhoeveel\b",
        ),
        (
            "money",
            r"\bhow much\b|\bwhat\b.{0,30}\b(?:price|cost|rate|fee|charge|total|amount)"
            r"|\bcuánto cuesta\b|\bcombien\b|\bwie viel\b|\bquanto costa\b",
        ),
        (
            "time",
            r"(?<!remember )\bwhen\b|\b(?:what|which) (?:other )?(?:times?|days?|dates?)\b"
            r"|\bwhat (?:are|is) your (?:opening |business )?hours\b|\bhow (?:soon|late|early)\b"
            r"|\bcuándo\b|\bqué (?:día|hora)\b|\bquand\b|\bquelle heure\b|\bquel jour\b|\bwann\b"
            r"|\bum wie viel uhr\b|\bwelche[rnm]? (?:tag|zeit|uhrzeit)\b|\bquando\b|\bche ora\b"
            r"|\bwanneer\b|\bhoe laat\b",
        ),
        (
            "name",
            r"\b(?:your|the|his|her|their|full|first|last|whose|what|which) (?:\w+ )?name\b"
            r"|\bwho (?:am|is|should|would|will|do)\b",
        ),
    )
)
_LEADS = word_set("and so okay ok great thanks thank you then well alright sorry perfect now just also but")
_VERBS = word_set(
    """
    is are was were am do does did can could will would shall should may might must have has had isn't
    aren't don't doesn't didn't can't couldn't won't wouldn't shouldn't haven't hasn't
    """
)
_ASKS_OPENLY = re.compile(r"^(?:could|can|may|would) .*\b(?:what|which|who|where|why|how|tell me)\b")
_ENDS_AS_YES_NO = re.compile(r"\b(?:right|correct|okay|all right|yes)\?$", re.IGNORECASE)
_ASKS_WITHOUT_MARK = re.compile(r"(?:please )?(?:tell me|let me know)\b")
_QUESTION_MARK = re.compile(r"[?？؟][\"'”’»)\]!]*\s*$")
_GOODBYES = re.compile(
    r"\b(?:good ?bye|bye|take care|have an? (?:good|great|nice|lovely|wonderful|pleasant|excellent)"
    r" (?:\w+ )?(?:day|one|evening|night|afternoon|morning|weekend)"
    r"|adi[oó]s|hasta (?:luego|pronto)|que tenga (?:un )?buen\w*|au revoir|bonne (?:journée|soirée)"
    r"|auf wieder(?:hören|sehen)|tschüss|schönen (?:tag|abend)|arrivederci|buona (?:giornata|serata)"
    r"|tchau|até (?:logo|mais|breve)|tenha um bom|tot (?:ziens|horens)|fijne (?:dag|avond)"
    r"|do widzenia|до свидания)\b|再见|再見|さようなら|失礼します",
    re.IGNORECASE,
)


def is_question(sentence: str) -> bool:
    """Whether one sentence asks for an answer."""
    return bool(_QUESTION_MARK.search(sentence) or _ASKS_WITHOUT_MARK.match(plain(sentence)))


def last_question(text: str) -> str:
    """The question that waits for an answer: the last one, unless leave was taken since; else ""."""
    for sentence in reversed(sentences_of(text)):
        if is_question(sentence):
            return sentence
        if is_goodbye(sentence):
            return ""
    return ""


def is_goodbye(text: str) -> bool:
    """Whether the words take leave."""
    return _GOODBYES.search(text) is not None


def kind_asked(question: str) -> str:
    """The kind of answer a question wants, one of understanding.KINDS, by its words alone."""
    for kind, pattern in _KINDS:
        if pattern.search(question):
            return kind
    words = plain(question).split()
    while words and words[0] in _LEADS:
        words.pop(0)
    begins_with_verb = bool(words) and words[0] in _VERBS and not _ASKS_OPENLY.match(" ".join(words))
    return "yes_no" if begins_with_verb or _ENDS_AS_YES_NO.search(question) else "text"
