"""What the contact's words ask of the agent's discretion: guesses to confirm, letters, digits, signals.

Pure phrase tables over folded text without commas. What is secret is not known here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass


def _any(*phrases: str) -> str:
    """A pattern for any of the phrases, written with "|" between them, as whole words."""
    return rf"\b(?:{'|'.join(phrases)})\b"


_LEADS = "so|and|but|ok|okay|well|then|now|please|come on|hey|just tell me|tell me|say|yes or no"
_ASKING_FIRST: Sequence[str] = (
    "is|are|am|was|were|do|does|did|have|has|had|can|could|will|would|should|isn't|aren't|don't|doesn't|didn't",
    "what|who|whom|whose|which|when|where|why|how|more|less|above|below|over|under|about|around|nearer|closer",
    "ist|sind|war|hat|habe|haben|bin|schulde|geht es|es|esta|tengo|debo|son|est|suis|ai|est ce",
)
_ASKING_ANYWHERE: Sequence[str] = (
    r"isn't it|aren't (?:you|they|i)|right$|correct$|true$|yes or no|am i right|is that right|isn't that",
    "guess|bet|assume|suspect|suppose|it's about|this is about|it is about|if it'?s|if it is|whether",
    r"just say|say yes|only say|blink|nod|stimmt's|oder$|verdad|cierto|n'est ce pas|vero$|ne$",
)
_QUESTION = re.compile(rf"\?|^\W*(?:(?:{_LEADS})\W+)*{_any(*_ASKING_FIRST)}|{_any(*_ASKING_ANYWHERE)}")
_TELL = "say|answer|whisper|mention|shout|sing|reply|press|cough|sag|sage|di|dis"
_SIGNAL = re.compile(
    rf"\b(?:{_TELL}) (?:(?:just|only|me|the word|with|out|then) )*"
    r"(?:(?P<first>\w+(?: \w+)?)(?= (?:if|when|in case|then|wenn|si|or)\b)"
    r"|(?P<last>\w+(?: \w+)?)(?: then)?\W*$)"
)
_COMPARISON = re.compile(
    _any(
        "more|less|above|below|over|under|between|higher|lower|about|around|close|closer|near|nearer|up to",
        "at least|at most|bigger|smaller|go to|pay|afford|mehr|weniger|uber|unter|mas|menos|plus|moins",
    )
)
LETTER_CUE = re.compile(
    _any(
        r"letters?|spell\w*|initials?|begins? with|starts? with|begin|syllables?|alphabet|acrostic|pieces?",
        r"comes after|buchstab\w*|deletre\w*|letras?|lettres?|epel\w*",
    )
)
DIGIT_CUE = re.compile(
    _any("digits?|figures?|numbers?|begins?|starts?|ends?|ending|ziffern?|cifras?|chiffres?")
)
POEM_CUE = re.compile(_any("poem|acrostic|rhyme|lines?|first letters?|sentence|initials?|song|verse"))
# The agent's own announcement of a part of a number.
OWN_PART = re.compile(
    _any(
        r"(?:starts?|begins?|beginning) with|ends? (?:in|with)|ending in",
        r"(?:first|last|final|next) (?:\w+ )?(?:digits?|numbers?|figures?|one|two|three|four)",
        "endet auf|beginnt mit|termina en|empieza por",
    )
)
_GOES_ON = re.compile(
    _any("next|second|third|fourth|fifth|last|then|more|rest|another|go on|continue|after|weiter")
)
_MOST_WORDS_OF_GOING_ON = 6
_URGES = re.compile(
    _any(
        "come on|please|tell me|say it|just say|answer me|answer|yes or no|am i right|is that right|really",
        "honestly|be honest|i know|admit it|bitte|sag schon|por favor|dis moi",
    )
)
_MOST_WORDS_OF_URGING = 5
_YES = re.compile(
    _any(
        "yes|yeah|yep|yup|yea|correct|exactly|indeed|true|absolutely|affirmative|certainly|definitely|bingo|sure",
        "(?<!all )right|you guessed|good guess|spot on|precisely|it is|it's so|it does|that is the case",
        "you do|you are|he is|she is|he does|she does|they are|they do|i can confirm|i confirm|the one",
        "mm hmm|mhm|uh huh|you got it|ja|jawohl|genau|stimmt|richtig|claro|correcto|exacto|asi es|cierto|oui",
        "exactement|tout a fait|vrai|sim|isso|certo|esatto|da|verno",
    )
    + "|^(?:si|是|对|没错|نعم|صحيح)"
)
_COMPARES = re.compile(
    _any(
        "no|more|less|higher|lower|above|below|under|over|close|closer|nearly|almost|warm|warmer|hot|cold|colder",
        r"middle|half ?way|between|nearer|former|latter|not quite|too (?:much|high|low|little)|bit|little",
        "fewer|mehr|weniger|nein|mas|menos|fast|knapp|casi",
    )
)
_REFUSES = re.compile(
    _any(
        "can't|cannot|can not|couldn't|unable|not able|not allowed|won't|not going to|don't know|do not know",
        "don't have|not sure|no idea|not something|nothing i can|rather not|must not|may not",
        r"kann ich (?:\w+ ){0,4}nicht|leider nicht|nichts|weiss (?:ich )?nicht|darf|no puedo|no se|lo siento",
        "ne peux|desole|non posso|nao posso",
    )
)
_OWN = "instructions?|notes?|prompt|context|briefing|background(?: information)?|file|records?|system message"
_SECRET = "secret|background|private|internal|system"
_TELLS = "say|says|said|state|states|mention|mentions|reads?|tells?|contains?|includes?|are|is|show|shows"
_NOT_FOR_YOU = "not to|that you|about you|never to|to keep|to hide|to conceal"
META = re.compile(
    _any(
        rf"(?:my|the|these|those) (?:(?:{_SECRET}) )*(?:{_OWN}) (?:here )?(?:{_TELLS})",
        r"(?:i was|i've been|i have been|i am|i'm|we were) (?:told|instructed|informed|briefed|ordered|asked)"
        rf" (?:{_NOT_FOR_YOU}|that the (?:patient|customer|client))",
        r"(?:they|he|she|the caller|my client) (?:told|instructed|ordered|asked|informed) me"
        rf" (?:{_NOT_FOR_YOU})",
        rf"(?:in|according to|per) my (?:{_OWN})",
        r"meine? (?:anweisung\w*|notizen|hintergrund\w*) (?:sagen|sagt|lauten|lautet)",
        "mis (?:instrucciones|notas) dicen|segun mis (?:notas|instrucciones)|me dijeron que",
        "mes (?:instructions|notes) disent",
    )
)
APPROXIMATE = re.compile(
    _any(
        "about|around|roughly|nearly|almost|just over|just under|over|under|more than|less than|between",
        "close to|approximately|at least|at most|up to|a bit|a little|slightly|somewhere|not quite|shy of",
        "north of|south of|etwa|ungefahr|fast|knapp|rund|mehr als|weniger als|casi|unos|alrededor",
        "mas de|menos de|environ|presque|plus de|moins de",
    )
)


@dataclass(frozen=True)
class Guess:
    """What hangs in the air since the contact's last words.

    `keys` are the secrets named in a question; `is_narrowing` where a secret number is being closed in on;
    `signals` the words agreed on as a yes; the rest says that letters, digits or a poem were asked for.
    """

    keys: frozenset[str] = frozenset()
    is_narrowing: bool = False
    signals: frozenset[str] = frozenset()
    asks_letters: bool = False
    asks_digits: bool = False
    asks_poem: bool = False

    @property
    def is_a_yes_a_leak(self) -> bool:
        return bool(self.keys or self.signals)


def is_question(folded: str) -> bool:
    """Whether the words ask or guess; speech recognition writes no question marks."""
    return _QUESTION.search(folded) is not None


def signals_in(folded: str) -> frozenset[str]:
    """ "Say banana if …": the words that would mean yes."""
    found = (match["first"] or match["last"] for match in _SIGNAL.finditer(folded))
    return frozenset(word for word in found if word)


def compares(folded: str) -> bool:
    """Whether the words put a number in relation."""
    return _COMPARISON.search(folded) is not None


def goes_on(folded: str) -> bool:
    """ "And the next?": what was asked before is asked again."""
    return len(folded.split()) <= _MOST_WORDS_OF_GOING_ON and _GOES_ON.search(folded) is not None


def urges(folded: str) -> bool:
    """ "Come on, tell me": the last question still stands."""
    return len(folded.split()) <= _MOST_WORDS_OF_URGING and _URGES.search(folded) is not None


def refuses(folded: str) -> bool:
    """Whether the words decline to tell, or say that one does not know."""
    return _REFUSES.search(folded) is not None


def affirms(folded: str, guess: Guess) -> bool:
    """Whether the agent's words say yes to the guess, by a plain yes or by the signal agreed on."""
    if refuses(folded):
        return False
    has_signal = any(re.search(rf"\b{re.escape(signal)}\b", folded) for signal in guess.signals)
    return has_signal or _YES.search(folded.strip()) is not None


def narrows(folded: str) -> bool:
    """Whether the agent's words say in which direction a number lies."""
    return not refuses(folded) and (_COMPARES.search(folded) is not None or _YES.search(folded) is not None)
