"""Has the other side finished speaking?

Works on words and times only. How much silence ends a turn depends on what was asked and on how the words
end; it learns from the pauses this speaker makes inside a turn.
"""

from __future__ import annotations

from byourside_server.conversation.closure import (
    SHORTEST_DICTATION,
    digits_at_end,
    is_spelling,
    leads_on,
    sounds_closed,
    takes_time,
)
from byourside_server.conversation.numbers import DIGIT_SOUNDS
from byourside_server.conversation.open_question import Asked, part_patience_s
from byourside_server.conversation.understanding import read_answer
from byourside_server.conversation.words import plain, words_of

COMPLETE_S = 0.25
CLOSED_S = 0.45
NEUTRAL_S = 0.55
UNFINISHED_S = 1.2
DICTATING_S = 1.8  # between the groups of a number of which so far there is only a part, and to look it up
WHOLE_NUMBERS = frozenset({7, 10, 11})  # digits of a telephone number
# For speech-to-text, from the last voiced moment. It answers in a quarter of a second; where many calls queue
# for it, a pause is better than words that were said and not understood. An engine that fails says so at
# once.
TEXT_PATIENCE_S = 4.0
MAX_LEARNED_S = 1.2
LEARNING_FACTOR = 1.3
FORGETTING = 0.7  # of the longest pause, with each turn


class Endpointing:
    """The silence a turn needs to be over, for one speaker."""

    def __init__(self) -> None:
        self._longest_pause = 0.0

    def observe_pause(self, pause_s: float) -> None:
        """The speaker was silent this long and then went on in the same turn."""
        self._longest_pause = max(self._longest_pause, pause_s)

    def observe_turn(self) -> None:
        """A turn is over: what was learned in it counts less in the next."""
        self._longest_pause *= FORGETTING

    def quiet_needed(self, text: str, kinds: frozenset[str], asked: Asked | None = None) -> float:
        """Seconds of silence after `text` that end the turn, where an answer of `kinds` is expected.

        `asked` is what the agent's own words asked for.
        """
        spoken = plain(text)
        words = spoken.split()
        if takes_time(spoken):
            return DICTATING_S
        if is_spelling(spoken) or (leads_on(spoken) and not _is_short_answer(text, kinds)):
            return UNFINISHED_S
        dictated = _dictated(words, kinds, asked)
        if dictated:
            least_s = UNFINISHED_S if dictated in WHOLE_NUMBERS else DICTATING_S
            return max(least_s, min(DICTATING_S, self._longest_pause * LEARNING_FACTOR))
        part_s = part_patience_s(asked, spoken) if asked is not None else None
        if part_s is None and is_complete(text, kinds):
            return COMPLETE_S
        usual_s = part_s or (CLOSED_S if sounds_closed(spoken) else NEUTRAL_S)
        return max(usual_s, min(MAX_LEARNED_S, self._longest_pause * LEARNING_FACTOR))


def _dictated(words: list[str], kinds: frozenset[str], asked: Asked | None) -> int:
    """Digits of a number in the giving: all there are where one was asked for, else those at the end."""
    if "digits" in kinds or asked == "number":
        return sum(len(word) if word.isdigit() else word in DIGIT_SOUNDS for word in words)
    at_end = digits_at_end(words)
    return at_end if at_end >= SHORTEST_DICTATION else 0


def _is_short_answer(text: str, kinds: frozenset[str]) -> bool:
    """ "I can", "it is" end in a word that elsewhere leads on."""
    short = 2 <= len(words_of(text)) <= 4 and plain(text).split()[-1] in {
        "can",
        "is",
        "are",
        "am",
        "will",
        "would",
        "was",
    }
    return short and "yes_no" in kinds and read_answer("yes_no", text) is not None


def is_complete(text: str, kinds: frozenset[str]) -> bool:
    """Whether the words answer the open question fully."""
    if "yes_no" in kinds and (
        read_answer("yes_no", text) is not None or read_answer("change", text) is not None
    ):
        return True
    if "time" in kinds:
        read = read_answer("time", text)
        return (
            read is not None
            and any(mark.isdigit() for mark in str(read.value))
            and len(str(read.value).split()) >= 3
        )
    if "money" in kinds and read_answer("money", text) is not None:
        return plain(text).split()[-1] in {"dollars", "dollar", "cents", "pounds", "euros", "bucks"}
    return False
