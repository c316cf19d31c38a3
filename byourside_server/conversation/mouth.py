"""What the agent is saying: one utterance at a time, and how much of it was really heard.

Times in seconds since the answer. Puts the disclosure before the first words, whoever wrote them; keeps the
transcript to what was played. Does not decide when to speak.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass

from byourside_server.conversation.brief import Brief
from byourside_server.conversation.disclosure import disclosure, introduction
from byourside_server.conversation.events import ConversationEvent, Say, StopSpeaking
from byourside_server.conversation.intents import is_backchannel
from byourside_server.conversation.record import Record

WHOLE = 0.999
# Speed of speech, to reckon what was played where the line ended without saying so.
CHARACTERS_PER_S = 15.0
_SENTENCE = re.compile(r"(?<=[.!?])(?<![ap]\.m\.)\s+")


@dataclass
class Utterance:
    """Words handed over for speaking. The first `disclosure_words` of them must be heard whole."""

    utterance_id: int
    text: str
    barge_in: bool
    asks: str | None = None
    disclosure_words: int = 0
    is_last: bool = False
    replies_to_end: float | None = None
    started_at: float | None = None

    @property
    def words(self) -> list[str]:
        return self.text.split()

    def words_played(self, fraction: float) -> int:
        """Whole words heard; a word cut in the middle was not."""
        if fraction >= WHOLE:
            return len(self.words)
        return int(max(0.0, fraction) * len(self.words) + 1e-6)

    def fraction_at(self, now: float) -> float:
        """What must have been played by `now`, cautiously."""
        if self.started_at is None or not self.text:
            return 0.0
        return min(1.0, (now - self.started_at) * CHARACTERS_PER_S / len(self.text))

    def question_was_heard(self, played: int) -> bool:
        """Whether at least half of the last sentence, the question, came across."""
        last_sentence = len(_SENTENCE.split(self.text)[-1].split())
        return played >= len(self.words) - last_sentence / 2


class Mouth:
    """Speaks through events, and learns from the reports how far it came."""

    def __init__(self, brief: Brief, events: deque[ConversationEvent], record: Record) -> None:
        self._brief = brief
        self._events = events
        self._record = record
        self._count = 0
        self._withdrawn: dict[int, Utterance] = {}
        self._cut: tuple[Utterance, int] | None = None  # what was cut off, and its words heard
        self.saying: Utterance | None = None
        self.has_disclosed = False
        self.latencies_ms: list[int] = []
        self.unheard = 0  # utterances in a row of which no sound went out

    @property
    def is_playing(self) -> bool:
        return self.saying is not None and self.saying.started_at is not None

    def say(
        self, text: str, *, asks: str | None = None, is_last: bool = False, replies_to: float | None = None
    ) -> None:
        """Speak; `replies_to` is the end of the contact's words this answers."""
        disclosure_words = 0
        if not self.has_disclosed:
            first = disclosure(self._brief)
            text = f"{first} {text.replace(introduction(self._brief), '').strip()}".strip()
            disclosure_words = len(first.split())
        self._count += 1
        self.saying = Utterance(
            self._count,
            text,
            barge_in=not is_last,
            asks=asks,
            disclosure_words=disclosure_words,
            is_last=is_last,
            replies_to_end=replies_to,
        )
        self._events.append(Say(self.saying.utterance_id, text, self.saying.barge_in))

    def say_rest(self) -> bool:
        """What was cut off, from the cut word on; all of it where the disclosure was not heard whole."""
        if self._cut is None:
            return False
        utterance, played = self._cut
        kept = utterance.disclosure_words if played < utterance.disclosure_words else played
        self._cut = None
        self.say(" ".join(utterance.words[kept:]), asks=utterance.asks, is_last=utterance.is_last)
        return True

    def drop_rest(self) -> None:
        """What was cut off is not said any more."""
        self._cut = None

    def was_cut_for_nothing(self, text: str) -> bool:
        """Whether `text` was no reason to stop: an "uh huh" that is no answer, or nothing intelligible."""
        if self._cut is None:
            return False
        utterance, played = self._cut
        is_answer = utterance.asks is not None and utterance.question_was_heard(played)
        return not text or (is_backchannel(text) and not is_answer)

    def hold_back(self) -> None:
        """They speak before our next words have begun: keep those for later."""
        pending = self.saying
        if pending is not None and pending.started_at is None and pending.barge_in:
            self.stop()
            self._cut = (pending, 0)

    def stop(self, now: float | None = None) -> None:
        """Cut what is being said; its end is still reported, and counts.

        With `now`, a disclosure that must have been heard by then is not owed any more.
        """
        if self.saying is not None:
            owed = self.saying.disclosure_words
            if now is not None and self.saying.words_played(self.saying.fraction_at(now)) >= owed > 0:
                self.has_disclosed = True
            self._withdrawn[self.saying.utterance_id] = self.saying
            self.saying = None
            self._events.append(StopSpeaking())

    def started(self, utterance_id: int, at: float) -> None:
        """The first sound went out."""
        utterance = self._find(utterance_id)
        if utterance is None:
            return
        utterance.started_at = at
        self.unheard = 0
        if utterance_id in self._withdrawn:
            self._events.append(StopSpeaking())  # its sound was under way when it was withdrawn
            return
        if utterance.replies_to_end is not None:
            self.latencies_ms.append(max(0, round((at - utterance.replies_to_end) * 1000)))

    def ended(self, utterance_id: int, at: float, fraction: float) -> Utterance | None:
        """The sound is over; the utterance where it was said whole."""
        utterance = self._find(utterance_id)
        if utterance is None:
            return None
        played = self._write_down(utterance, at, fraction)
        if self._withdrawn.pop(utterance_id, None) is not None:
            if self._cut is not None and self._cut[0] is utterance:
                self._cut = (utterance, played)
            return None
        self.saying = None
        self.unheard += utterance.started_at is None
        self._cut = (utterance, played) if fraction < WHOLE else None
        return utterance if fraction >= WHOLE else None

    def lost(self, now: float) -> None:
        """The line goes away under the words: what can have been heard is written down."""
        under_way = [*self._withdrawn.values(), *([self.saying] if self.saying is not None else [])]
        for utterance in under_way:
            self._write_down(utterance, now, utterance.fraction_at(now))
        self._withdrawn.clear()
        self.saying = None

    def _find(self, utterance_id: int) -> Utterance | None:
        if self.saying is not None and self.saying.utterance_id == utterance_id:
            return self.saying
        return self._withdrawn.get(utterance_id)

    def _write_down(self, utterance: Utterance, at: float, fraction: float) -> int:
        played = utterance.words_played(fraction)
        if played == 0 or utterance.started_at is None:
            return 0
        if played >= utterance.disclosure_words > 0:
            self.has_disclosed = True
        is_whole = played == len(utterance.words)
        text = utterance.text if is_whole else " ".join(utterance.words[:played])
        asks = utterance.asks if utterance.question_was_heard(played) else None
        self._record.add("agent", text, utterance.started_at, at, interrupted=not is_whole, asks=asks)
        return played
