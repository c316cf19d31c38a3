"""Does the contact's turn bear out a true or a false?

Reads the turn with the rules for yes and no first. Where they cannot tell, a true needs words of agreement
or the question's own words back, a false needs words of refusal; doubt speaks against a true.
"""

from __future__ import annotations

import re

from byourside_server.conversation.answering import answer_to
from byourside_server.conversation.fields import stems
from byourside_server.conversation.moments import DAY_WORDS, WEEKDAYS
from byourside_server.conversation.sentences import sentences_of
from byourside_server.conversation.understanding import read_answer
from byourside_server.conversation.words import FILLERS, plain
from byourside_server.conversation.yes_no_phrases import (
    AFTER_NO,
    DOUBLE_NEGATIVE,
    NEGATION,
    NO_WORDS,
    POLITE_COMPANY,
    PRESENCE,
    QUESTION_BACK,
    RESTRICTION,
    STATE,
    YES_WORDS,
)
from byourside_server.report.doubts import doubt, without_idioms
from byourside_server.report.findings import Finding
from byourside_server.report.said import is_time, marks_of, marks_said
from byourside_server.report.talk import Talk, assents
from byourside_server.report.topics import quoted_sentences

_AGREES = re.compile(
    r"\b(?:yes|yeah|yep|yup|of course|certainly|definitely|absolutely|exactly|gladly|any ?time|count on"
    r"|suits|happy to|wouldn't miss|let's|with pleasure|why not|go ahead|consider it|no problem|i'll|we'll"
    r"|i will|we will|i can|we can|i could|we could|there is|there are|there's|we've got|i've got|see you"
    r"|the sooner|is (?:fine|perfect|good|great|okay|ok|all right|lovely|ideal))\b"
    r"|^(?:i|we|he|she|they|it|there|that) (?:sure |certainly |really )?(?:do|does|did|have|has|is|are|am|was"
    r"|were|can|will|could|would)$"
)
_REFUSES = re.compile(
    r"\b(?:no|not|nope|nah|never|none|nobody|neither|nothing|without|hardly|afraid|sadly|unfortunately"
    r"|\w+n't|cannot|can't|sorry|too (?:early|late|far|expensive|much|busy)|full|booked|closed|sold|gone"
    r"|taken|away|abroad|cancel\w*|elsewhere|somebody else|someone else|instead|rather|withdraw|decided"
    r"|declin\w*|until|still|stays?|staying|broken|damaged|end|wrong)\b"
)
# A question with one of these is turned round: a yes to it is a no to the matter.
_TURNS = re.compile(
    r"\b(?:no longer|not|never|\w+n't|end|cancel\w*|stop|drop|skip|broken|damaged|declin\w*|withdraw"
    r"|instead)\b"
)
_EMPTY = YES_WORDS | NO_WORDS | FILLERS | AFTER_NO | POLITE_COMPANY
# A yes with one of these offers something else, or only a part.
_LIMIT = re.compile(
    r"\b(?:but(?! (?:yes|yeah|sure|okay))|only|though|although|however|instead|rather|(?<!the )better"
    r"|how about|what about|(?:can|could) (?:we|you))\b"
)
_RELATIVE = re.compile(
    r"\bmy (?:wife|husband|boss|partner|mother|father|mom|mum|dad|son|daughter|brother|sister|friend"
    r"|colleague|manager|assistant|roommate)\b"
)
_OWN_WORD = re.compile(r"\b(?:yes|yeah|yep|no|nope|i|i'm|i'll|we|we're|we'll)\b")
DAYS = WEEKDAYS | DAY_WORDS
MIN_STEM = 4
STEM_CHARS = 5
MIN_SENTENCES = 2
MIN_SENTENCE_WORDS = 3


def bears_out(finding: Finding, talk: Talk) -> bool:
    """Whether the words say what the value says."""
    if not finding.is_claimed:
        if finding.value is True and doubt(finding.turn.text) in ("irony", "command"):
            return False
        alone = _read(finding, finding.turn.text)
        if alone is not None:
            return alone is finding.value
        # a new time named is a wish to change
        return finding.value is True and finding.step is not None and finding.step.kind == "change"
    if finding.value is True and _is_doubtful(finding):
        return False
    alone = _read_claimed(finding)
    if alone is finding.value:
        return True
    if finding.value is False and _agrees_to_a_turned_question(finding, talk):
        return True
    return alone is None and _says_in_other_words(finding, talk)


def is_last_word(finding: Finding) -> bool:
    """No sentence after the proof says the contrary: "Yes, it is. No, sorry, that's another one."."""
    sentences = sentences_of(finding.turn.text)
    if len(sentences) < MIN_SENTENCES or not isinstance(finding.value, bool):
        return True
    last = sentences[-1]
    if finding.value is True and STATE.search(plain(last)) and _read(finding, last) is not True:
        return False
    decided = _read(finding, last) if len(plain(last).split()) >= MIN_SENTENCE_WORDS else None
    asks_for_change = finding.step is not None and finding.step.kind == "change"
    return decided is None or decided is finding.value or asks_for_change


def answers_its_question(finding: Finding, talk: Talk) -> bool:
    """A bare yes or no answers the words right before it: those must have been a question."""
    return not finding.is_claimed or not is_bare(finding.turn.text) or talk.is_in_reply(finding.turn)


def is_bare(text: str) -> bool:
    """Nothing but yes, no, and their polite company."""
    return all(word in _EMPTY for word in plain(text).split())


def _read_claimed(finding: Finding) -> bool | None:
    """The turn read whole; where the quote is its end, the last word, the quote is read by itself.

    Where the whole cannot be read, its sentences may: they must agree.
    """
    if _is_last_word(finding):
        return _read(finding, finding.quote)
    whole = _read(finding, finding.turn.text)
    if whole is not None:
        return whole
    told = {_read(finding, sentence) for sentence in sentences_of(finding.turn.text)} - {None}
    if len(told) == 1:
        return told.pop()
    return _read(finding, finding.quote) if _leads_freely(finding) else None


def _leads_freely(finding: Finding) -> bool:
    """The quote is the turn's first clause, and nothing after it takes some of it back: "Yes please, I …"."""
    rest = finding.turn.text.removeprefix(finding.quote)
    is_clause = rest != finding.turn.text and rest.startswith((",", ";", " —", " –"))
    return is_clause and RESTRICTION.search(plain(rest)) is None and doubt(rest) is None


def _is_last_word(finding: Finding) -> bool:
    """The quote is a sentence of its own, and the last of its turn."""
    text = finding.turn.text.rstrip(" .!?")
    before = text[: -len(finding.quote)].rstrip()
    return text.endswith(finding.quote) and before.endswith((".", "!", "?", "..."))


def _is_doubtful(finding: Finding) -> bool:
    """Irony and commands in the sentence quoted; conditions and hedges where no plain yes outweighs them."""
    if doubt(quoted_sentences(finding)) in ("irony", "command"):
        return True
    if doubt(finding.quote) is not None:
        return _read(finding, finding.quote) is not True
    return doubt(finding.turn.text) is not None and _read_claimed(finding) is not True


def _read(finding: Finding, text: str) -> bool | None:
    step = finding.step
    answer = answer_to(step, text) if step is not None and step.is_yes_no else read_answer("yes_no", text)
    return answer.value if answer is not None and isinstance(answer.value, bool) else None


def _agrees_to_a_turned_question(finding: Finding, talk: Talk) -> bool:
    """ "So we let it end?" "Yes, please": a no to the renewal, unless the field itself is about the end."""
    if not assents(finding.turn.text):
        return False
    step = finding.step
    named = f"{finding.field.name} {finding.field.description or ''} {step.spoken if step else ''}"
    own = {word[:STEM_CHARS] for word in plain(named.replace("_", " ")).split()}
    turned = {match[0][:STEM_CHARS] for match in _TURNS.finditer(plain(talk.said_before(finding.turn)))}
    return bool(turned - own)


def _says_in_other_words(finding: Finding, talk: Talk) -> bool:
    """Where the rules cannot tell: words of agreement or of refusal, and nothing that leaves it open."""
    text = quoted_sentences(finding)
    spoken = without_idioms(plain(text))
    if text.rstrip().endswith("?") or _is_open(finding, talk, spoken):
        return False
    if finding.value is False:
        return _REFUSES.search(spoken) is not None
    if _REFUSES.search(spoken) or NEGATION.search(spoken):
        return False
    return _AGREES.search(spoken) is not None or _repeats_the_question(finding, talk)


def _is_open(finding: Finding, talk: Talk, spoken: str) -> bool:
    """Conditions, hedges, two negations, somebody else's answer, "speaking", or a yes with a limit."""
    if doubt(spoken) is not None or DOUBLE_NEGATIVE.search(spoken):
        return True
    if PRESENCE.match(spoken) or QUESTION_BACK.match(spoken):
        return True
    if _RELATIVE.search(spoken) and not _OWN_WORD.search(spoken):
        return True
    return finding.value is True and (_LIMIT.search(spoken) is not None or _names_another_day(finding, talk))


def _names_another_day(finding: Finding, talk: Talk) -> bool:
    """ "Friday works" confirms no Tuesday, unless the agent had just proposed Friday."""
    asked = marks_said(f"{finding.step.subject if finding.step else ''} . {talk.said_before(finding.turn)}")
    named = {mark for mark in marks_of(finding.turn.text) if mark in DAYS}
    return bool(named) and bool(asked & DAYS) and not named & asked


def _repeats_the_question(finding: Finding, talk: Talk) -> bool:
    """ "Is it ready?" "It's ready": a telling word said again, no name and no day."""
    question = talk.said_before(finding.turn)
    names = {word.lower() for word in re.findall(r"(?<=[a-z,] )[A-Z]\w+", question)}
    shared = stems(question) & stems(finding.quote)
    return any(
        len(stem) >= MIN_STEM and stem not in stems(" ".join(names)) and not is_time(stem) for stem in shared
    )
