"""What the contact wants of the conversation itself, beside answering: stop, repeat, wait, who are you.

Pure phrase tables; the first intent of the table that is found wins.
"""

from __future__ import annotations

import re
from enum import Enum

from byourside_server.conversation.other_moves import CALLS_LATER, OTHER_PERSON
from byourside_server.conversation.phrases import phrases_for
from byourside_server.conversation.words import plain


class Intent(Enum):
    """A move in the conversation that is no answer."""

    DO_NOT_CALL = "do_not_call"
    WRONG_NUMBER = "wrong_number"
    WRONG_PERSON = "wrong_person"
    NOT_INTERESTED = "not_interested"
    CALL_LATER = "call_later"
    ROBOT = "robot"
    PROBE = "probe"
    WHO = "who"
    REPEAT = "repeat"
    HOLD = "hold"
    GOODBYE = "goodbye"


_TABLE: tuple[tuple[Intent, re.Pattern[str]], ...] = tuple(
    (intent, re.compile(rf"\b(?:{pattern})\b"))
    for intent, pattern in (
        (
            Intent.DO_NOT_CALL,
            r"(?:don't|do not|never|stop|quit) (?:you )?(?:ever )?(?:call|calling|phone|phoning"
            r"|contact)(?:ing)?(?: \w+){0,2}"
            r"(?: again| anymore| any more| here| (?:me|us)(?! (?:before|after|until|till|at|on|in|back"
            r"|today|tomorrow|now|while))"
            r"| this number)|(?:lose|delete) (?:my|this) number|unsubscribe me|take (?:me|us) off"
            r"|remove (?:me"
            r"|us|my number)"
            r"|(?:don't|do not) want you (?:to call|calling)|stop calling|do not call list|don't call list",
        ),
        (
            Intent.WRONG_NUMBER,
            r"(?<!not a )(?<!not the )(?<!gave you the )(?<!told you the )(?<!that was the )(?<!is this the )"
            r"wrong (?:number|person)|(?:doesn't|does not) (?:live|work) here|no longer (?:lives|works) here"
            r"|never heard of (?:him|her|them)|no one (?:here )?by that name|nobody (?:here )?by that name"
            r"|there's no one called|i think you have the wrong",
        ),
        (
            Intent.NOT_INTERESTED,
            r"(?:not|isn't|aren't|ain't|never) (?:really |at all |\w+ )?interested(?! in (?:reschedul"
            r"|chang|mov|cancel))\w*"
            r"|no interest"
            r"|leave me alone|go away"
            r"|(?:don't|do not) want (?:any(?! (?:change|other|more help|problem"
            r"|trouble))(?!thing (?:else|changed))|anything(?! else| changed)"
            r"|to talk|to speak)",
        ),
        (Intent.CALL_LATER, CALLS_LATER),
        (Intent.WRONG_PERSON, OTHER_PERSON),
        (
            Intent.ROBOT,
            r"(?:are you|is this|(?:talk|talking|speak|speaking) (?:to|with)|you're|you are"
            r"|sound like) (?:really |like "
            r"|just |actually )?"
            r"(?:an? |the )?(?:robot|machine|computer|ai|a i|bot|human|real person|real human|person"
            r"|recording|"
            r"automated|chatbot|artificial)",
        ),
        (
            Intent.PROBE,
            r"ignore (?:all |your |the |any )*(?:previous |prior )?(?:instructions|rules|prompt)"
            r"|system prompt"
            r"|your (?:instructions|prompt|context|notes|background)|what (?:did they|were you"
            r"|have you been|have they) "
            r"(?:tell|told)|everything you know|what do you know about|what (?:else )?do you know"
            r"|what information do you have|told you about",
        ),
        (
            Intent.WHO,
            r"who(?:'s| is| are) (?:this|calling|you|speaking|it|there)|who (?:am i|are you|do you)"
            r"|who's that"
            r"|what(?:'s| is| was)? (?:this|it|the call|your call) (?:about|regarding|concerning|for)"
            r"|what do you want|why are you calling|where are you calling from|what company|what's this"
            r"|calling for|calling about what|say your name|what is your name|what's your name",
        ),
        (
            Intent.REPEAT,
            r"repeat (?:that|it|the|please)|(?:could|can|would) you (?:please )?repeat|say (?:that"
            r"|it) again|come again"
            r"|once more|one more time|(?:didn't|did not|couldn't|can't|cannot|can hardly|don't|do not) "
            r"(?:\w+ )?(?:hear|understand|catch|get that|follow|get you)|pardon|what did you say"
            r"|excuse me|speak up"
            r"|what was that|beg your pardon|you're breaking up",
        ),
        (
            Intent.HOLD,
            r"hold on|hang on|(?:one|just a|a|give me a) (?:moment|second|sec|minute)|one (?:moment"
            r"|second|sec|minute)"
            r"|wait (?:a|one|please|for)|please (?:hold|wait)|bear with me|let me (?:check|see|look|get"
            r"|ask|find)|hold the line"
            r"|stay on the line|hold please",
        ),
        (
            Intent.GOODBYE,
            r"goodbye|good bye|bye|bye bye|have a (?:good|nice|great) (?:day|one|evening|night)|i have to go"
            r"|i've got to go|i gotta go|got to run|talk to you later|see you(?! (?:then|there|tomorrow"
            r"|on|at|next|\w+day)\b)",
        ),
    )
)
_REPEAT_ALONE = frozenset(
    {"sorry", "what", "huh", "eh", "hm what", "sorry what", "what sorry", "i'm sorry", "pardon"}
)
_HOLD_ALONE = frozenset({"wait", "wait wait", "hold", "moment"})
_BACKCHANNELS = (
    "uh huh|mm hmm|mhm|mm|hmm|hm|okay|ok|right|yeah|yes|sure|i see|got it|uh|ah|oh|oh okay|ah okay|oh i see"
    "|okay okay|yeah yeah|right right|yep|alright|all right|go on|go ahead|okay right|yes yes|okay yes"
    "|uh huh uh huh"
)
BACKCHANNELS = frozenset(_BACKCHANNELS.split("|"))


def intent_of(text: str) -> Intent | None:
    """The contact's move, None where the words are an answer or anything else."""
    spoken = without_insistence(plain(text))
    if spoken in _REPEAT_ALONE:
        return Intent.REPEAT
    if spoken in _HOLD_ALONE:
        return Intent.HOLD
    for intent, pattern in _TABLE:
        if pattern.search(spoken):
            return intent
    return None


def without_insistence(spoken: str) -> str:
    """ "I said yes" is a yes: plain words without what people put before words they say again."""
    return _INSISTS.sub("", spoken) or spoken


_SAYS_AGAIN = (
    r"(?:like |as )?i (?:just |already |have already )?(?:said(?: that)?|told you(?: that)?)"
    r"(?: already| before)? "
)
_INSISTS = re.compile(rf"^(?:(?:well|look|but|no|yes|oh|okay|hey|and) (?={_SAYS_AGAIN}))?{_SAYS_AGAIN}")


def is_backchannel(text: str, language: str | None = None) -> bool:
    """Whether the words only show that somebody listens: "uh huh", "oui d'accord"."""
    heard = " ".join(re.findall(r"[\w']+", text.lower().replace("’", "'")))
    return plain(text) in BACKCHANNELS or heard in phrases_for(language).backchannels
