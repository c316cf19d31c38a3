"""What the agent is saying: one utterance at a time, what waits behind it, and how much was really heard.

Times in seconds since the answer. Puts the disclosure before the first words, whoever wrote them; keeps the
transcript to what was played. Does not decide when to speak.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace

from byourside_server.conversation.brief import Brief
from byourside_server.conversation.disclosure import disclosure, introduction
from byourside_server.conversation.events import ConversationEvent, Prepare, Say, StopSpeaking
from byourside_server.conversation.intents import is_backchannel
from byourside_server.conversation.record import Record
from byourside_server.conversation.utterance import WHOLE, Utterance, Words


class Mouth:
    """Speaks through events, and learns from the reports how far it came."""

    def __init__(self, brief: Brief, events: deque[ConversationEvent], record: Record) -> None:
        self._brief = brief
        self._events = events
        self._record = record
        self._count = 0
        self._withdrawn: dict[int, Utterance] = {}
        self._waiting: deque[Words] = deque()
        self._cut: tuple[Utterance, int] | None = None  # what was cut off, and its words heard
        self._last: tuple[Utterance, float] | None = None  # what was said last, and until when
        self.is_held = False  # the contact speaks: nothing new is begun
        self.is_muted = False  # the line is on hold: nobody would hear it
        self.saying: Utterance | None = None
        self.has_disclosed = False
        self.latencies_ms: list[int] = []
        self.unheard = 0  # utterances in a row of which nothing was heard

    @property
    def is_playing(self) -> bool:
        """Whether words of a reply are sounding; a filler may be spoken over."""
        return self._is_sounding and not self.is_filling

    @property
    def is_filling(self) -> bool:
        """Whether what is being said only fills a silence."""
        return self.saying is not None and self.saying.words.is_filler

    @property
    def is_filler_sounding(self) -> bool:
        return self._is_sounding and self.is_filling

    @property
    def is_saying_last(self) -> bool:
        """Whether these are the last words of the call."""
        return self.saying is not None and self.saying.words.is_last

    @property
    def _is_sounding(self) -> bool:
        return self.saying is not None and self.saying.started_at is not None

    @property
    def has_more(self) -> bool:
        """Whether words of a reply are still to be said, or said on."""
        return self._cut is not None or bool(self._waiting)

    @property
    def is_cut(self) -> bool:
        """Whether words were cut off that may still be said."""
        return self._cut is not None

    @property
    def is_silent(self) -> bool:
        """Nothing is said and nothing waits to be."""
        return self.saying is None and not self.has_more

    @property
    def unsaid(self) -> str:
        """The words of a reply that are not in the transcript yet."""
        saying = [] if self.saying is None else [self.saying.text]
        return " ".join([*saying, *(words.text for words in self._waiting)])

    def say(self, words: Words) -> None:
        """Speak, after what is being said or waits."""
        if self.saying is None and not self.has_more and not self.is_held and not self.is_muted:
            self._begin(words)
        else:
            self._waiting.append(words)
            self._events.append(Prepare(words.text))

    def say_filler(self, text: str, replies_to: float | None) -> None:
        """Fill a silence; where nothing was said yet, with the disclosure, which is no pretext but the first
        words of the answer. Words that wait for their sound are said behind it."""
        pending = self.saying
        if pending is not None:
            self.stop()
            words = pending.words
            if not self.has_disclosed and words.replies_to is not None:
                replies_to, words = words.replies_to, replace(words, replies_to=None)
            self._waiting.appendleft(words)
            self._events.append(Prepare(words.text))
        self._begin(Words("" if not self.has_disclosed else text, is_filler=True, replies_to=replies_to))

    def go_on(self) -> bool:
        """Begin what waits; False where nothing does, or where it must not be begun."""
        if self.saying is not None or self._cut is not None or self.is_held or not self._waiting:
            return False
        if self.is_muted:
            return False
        self._begin(self._waiting.popleft())
        return True

    def mute(self) -> None:
        """The line is put on hold: what is being said is cut, and said on when the hold is over."""
        self.is_muted = True
        if self.saying is not None:
            self._events.append(StopSpeaking())

    def finish_reply(self, asks: str | None, *, is_last: bool) -> None:
        """The reply had no more words than those handed over before: this is what they come to."""
        if self._waiting:
            self._waiting[-1] = replace(self._waiting[-1], asks=asks, is_last=is_last)
            return
        last = self._cut[0] if self._cut is not None else self.saying
        if last is not None and not last.words.is_filler:
            last.words = replace(last.words, asks=asks, is_last=is_last)
        else:
            self._record.asks(asks)

    def _begin(self, words: Words) -> None:
        text, disclosure_words = words.text, 0
        if not self.has_disclosed:
            first = disclosure(self._brief)
            for own in (first, introduction(self._brief)):
                text = text.replace(own, "").strip()
            text = f"{first} {text}".strip()
            disclosure_words = len(first.split())
        self._count += 1
        self.saying = Utterance(self._count, text, words, disclosure_words)
        self._events.append(Say(self._count, text, self.saying.barge_in, words.replies_to))

    def say_rest(self) -> bool:
        """What was cut off, from the cut word on, and what waits behind it; False where there is nothing.

        A disclosure or a demanded sentence that was not heard whole is said from its beginning.
        """
        self.is_held = False
        if self._cut is not None:
            utterance, played = self._cut
            self._cut = None
            rest = " ".join(utterance.text.split()[self._goes_on_at(utterance, played) :])
            if rest:
                self._waiting.appendleft(replace(utterance.words, text=rest, replies_to=None))
        return self.go_on() or self.has_more

    def _goes_on_at(self, utterance: Utterance, played: int) -> int:
        """The word to go on with after so many were heard."""
        words = utterance.text.split()
        for demanded in (*self._brief.must_say, *self._brief.must_ask):
            part = demanded.split()
            begins = range(max(0, played - len(part) + 1), played)
            found = next((at for at in begins if words[at : at + len(part)] == part), None)
            if found is not None:
                return found
        return max(played, utterance.disclosure_words)

    def drop_rest(self) -> None:
        """What was cut off or waits is not said any more."""
        self._cut, self.is_held = None, False
        self._waiting.clear()

    def was_only_listened_to(self, text: str, until: float) -> bool:
        """Whether `text` is no reason to stop: an "uh huh" that is no answer, or nothing intelligible."""
        is_sound = is_backchannel(text, self._brief.language)
        if self._cut is not None:
            return not text or (is_sound and not self._cut[0].is_answered(self._cut[1]))
        if self.has_more or self.is_held:
            return not text or (is_sound and not self._record.ends_with_question)
        return is_sound and self._was_said_under_words(until)

    def _was_said_under_words(self, until: float) -> bool:
        """Whether our last words went on after that, and had asked nothing by then."""
        if self._last is None or self._last[0].started_at is None or until >= self._last[1]:
            return False
        utterance, ended_at = self._last
        share = (until - self._last[0].started_at) / max(1e-3, ended_at - self._last[0].started_at)
        return not utterance.is_answered(utterance.words_played(share))

    def hold_back(self, *, is_replying: bool) -> None:
        """They speak: a filler is over, words whose sound has not begun are kept for later.

        `is_replying` says that more words of the reply are on their way.
        """
        pending = self.saying
        if pending is not None and pending.words.is_filler:
            self.stop()
        elif pending is not None and pending.started_at is None and pending.barge_in:
            self.stop()
            self._cut = (pending, 0)
        self.is_held = (is_replying or self.has_more) and (pending is None or not pending.words.is_last)

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
        if utterance_id in self._withdrawn:
            self._events.append(StopSpeaking())  # its sound was under way when it was withdrawn
            return
        if utterance.words.replies_to is not None:
            self.latencies_ms.append(max(0, round((at - utterance.words.replies_to) * 1000)))

    def ended(self, utterance_id: int, at: float, fraction: float) -> Utterance | None:
        """The sound is over; the utterance where it was said whole, or was a filler."""
        utterance = self._find(utterance_id)
        if utterance is None:
            return None
        played = self._write_down(utterance, at, fraction)
        is_withdrawn = self._withdrawn.pop(utterance_id, None) is not None
        if not is_withdrawn:
            self.saying = None
        if utterance.words.is_filler:
            return None if is_withdrawn else utterance
        if is_withdrawn:
            self._cut = (utterance, played) if self._is_cut(utterance) else self._cut
            return None
        self._last = utterance, at
        self.unheard = 0 if played else self.unheard + 1
        if fraction >= WHOLE:
            return utterance
        self._cut = (utterance, played)
        self._record.close(interrupted=True)
        return None

    def lost(self, now: float) -> None:
        """The line goes away under the words: what can have been heard is written down."""
        under_way = [*self._withdrawn.values(), *([self.saying] if self.saying is not None else [])]
        for utterance in under_way:
            self._write_down(utterance, now, utterance.fraction_at(now))
        self._withdrawn.clear()
        self.saying = None
        self.drop_rest()
        self._record.close()

    def _is_cut(self, utterance: Utterance) -> bool:
        return self._cut is not None and self._cut[0] is utterance

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
        words = utterance.text.split()
        is_whole = played == len(words)
        self._record.speak(
            utterance.text if is_whole else " ".join(words[:played]),
            utterance.started_at,
            at,
            interrupted=not is_whole,
            asks=utterance.words.asks if utterance.question_was_heard(played) else None,
            is_filler=utterance.words.is_filler,
        )
        return played
