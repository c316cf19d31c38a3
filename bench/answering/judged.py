"""A whole opening in no time: what was heard of one call is told to a real `Conversation`.

Times in seconds since the answer. Words come as long after the sound as the recogniser's CPU time; the
agent's own words take 60 ms a character and are cut by a voice as on the line.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from bench.answering.heard import Heard
from bench.answering.words import Words
from byourside_server.calls.answering import Answering
from byourside_server.calls.call import VoicemailPolicy
from byourside_server.conversation import events as talk
from byourside_server.conversation.brief import Brief
from byourside_server.conversation.conversation import Conversation
from byourside_server.conversation.embedded_mind import decide
from byourside_server.lines.early import EarlyEars
from byourside_server.lines.listening import TurnSound
from byourside_server.media import messages as sound
from byourside_server.providers.base import Expectation

SECONDS_PER_CHARACTER = 0.06
VOICE_S = 0.05
BARGE_IN_S = 0.25
MESSAGE = "Please call Acme Dental back on the number you see."
BRIEF = Brief(
    "Confirm the appointment for tomorrow at 2pm and ask if they need to reschedule.",
    on_behalf_of="Acme Dental",
    voicemail=VoicemailPolicy("leave_message", MESSAGE),
)


class Recogniser(Protocol):
    least_s_a_second: float
    """CPU time for a second of sound that is never undercut."""

    def words_of(self, ulaw: bytes, expect: Expectation) -> Words: ...


@dataclass(frozen=True)
class Judged:
    """What became of one call."""

    heard: Heard
    early: str | None
    """How the attempt ended before any answer."""
    early_at_s: float | None
    first: Answering | None
    final: Answering | None
    words: str
    words_cpu_s: float
    message_at: float | None
    message_was_whole: bool


class Opening:
    """One call, from the first early sound on."""

    def __init__(self, heard: Heard, recognition: Recogniser) -> None:
        self._heard = heard
        self._recognition = recognition
        self._talk = Conversation(BRIEF)
        self._early = EarlyEars()
        self._turn = TurnSound()
        self._queue: list[tuple[float, int, Callable[[float], None]]] = []
        self._order = itertools.count()
        self._asked = 0
        self._saying: tuple[talk.Say, float, float] | None = None
        self._first: Answering | None = None
        self._words: list[str] = []
        self._words_cpu_s = 0.0
        self._message: tuple[float, bool] | None = None
        self._is_over = False

    def run(self) -> Judged:
        outcome, outcome_at = self._ring()
        if outcome is None and self._heard.rendered.answer_tick is not None:
            self._converse()
        return Judged(
            self._heard,
            outcome,
            outcome_at,
            self._first,
            self._talk.verdicts.answering,
            " / ".join(self._words),
            self._words_cpu_s,
            *(self._message or (None, False)),
        )

    def _ring(self) -> tuple[str | None, float | None]:
        """Everything before the answer; the outcome, where early sound alone decides."""
        is_answered = self._heard.rendered.answer_tick is not None
        last = 0.0 if is_answered else self._heard.ends_at
        for at, event in self._heard.events:
            if at > last:
                break
            self._early.hear(event, at)
            due = self._early.give_up_at
            if due is not None and due <= last and self._early.verdict is not None:
                return self._early.verdict.end_reason, due
        return None, None

    def _converse(self) -> None:
        self._talk.receive_answered(0.0)
        since = self._early.voice_since
        if since is not None:
            self._talk.receive_speech_started(since, 0.0)
        for at, event in self._heard.events:
            if at > 0:
                self._at(at, self._told(event))
        self._carry_out(0.0)
        while not self._is_over:
            deadline = self._talk.next_deadline()
            if self._queue and (deadline is None or self._queue[0][0] <= deadline):
                now, _, act = heapq.heappop(self._queue)
                if now > self._heard.ends_at:
                    break
                act(now)
            elif deadline is not None and deadline <= self._heard.ends_at:
                now = deadline
                self._talk.handle_deadline(now)
            else:
                break
            self._carry_out(now)
        if self._talk.answered_by is None:
            self._talk.receive_hang_up("contact", self._heard.ends_at)
            self._look()

    def _told(self, event: sound.LineEvent) -> Callable[[float], None]:
        def tell(now: float) -> None:
            match event:
                case sound.SpeechStarted():
                    self._talk.receive_speech_started(event.at_ms / 1000, now)
                    self._at(now + BARGE_IN_S, self._barge_in)
                case sound.SpeechStopped():
                    self._stopped(event, now)
                case sound.ToneHeard():
                    self._talk.receive_tone(event.kind, event.at_ms / 1000, now)
                case _:
                    pass

        return tell

    def _stopped(self, event: sound.SpeechStopped, now: float) -> None:
        start, end = event.start_ms / 1000, event.end_ms / 1000
        self._turn.forget_before(self._talk.heard_since)
        self._turn.add(event.ulaw, start, end)
        self._talk.receive_speech_stopped(start, end, now)
        self._asked += 1
        number, ulaw, expect = self._asked, self._turn.ulaw, self._talk.expectation
        there_at = now + self._recognition.least_s_a_second * len(ulaw) / 8000
        stops = [at for at, each in self._heard.events if isinstance(each, sound.SpeechStopped) and at > now]
        if self._talk.heard_since is None or (stops and stops[0] < there_at):
            return  # nobody waits for these words, or they are asked for anew before they are there
        words = self._recognition.words_of(ulaw, expect)
        self._words_cpu_s += words.cpu_s
        begins = self._turn.start_s

        def heard(now: float) -> None:
            if number == self._asked and self._talk.heard_since is not None:
                self._words.append(words.text or "-")
                self._talk.receive_text(words.text, words.confidence, begins, end, now)

        self._at(now + words.cpu_s, heard)

    # the agent's end

    def _carry_out(self, now: float) -> None:
        while (event := self._talk.next_event()) is not None:
            if isinstance(event, talk.Say):
                self._begin(event, now)
            elif isinstance(event, talk.StopSpeaking):
                self._cut(now)
            elif isinstance(event, talk.Think):
                self._talk.receive_reply(event.request_id, decide(event.situation), now)
            elif isinstance(event, talk.Finish):
                self._is_over = True
        self._look()

    def _look(self) -> None:
        if self._first is None:
            self._first = self._talk.verdicts.answering

    def _begin(self, say: talk.Say, now: float) -> None:
        start = now + VOICE_S
        end = start + SECONDS_PER_CHARACTER * len(say.text)
        self._saying = say, start, end
        self._at(start, lambda now: self._sounds(say, now))
        self._at(end, lambda now: self._ended(say, now))

    def _sounds(self, say: talk.Say, now: float) -> None:
        if self._saying is not None and self._saying[0] is say:
            self._talk.receive_clip_started(say.utterance_id, now, now)
            if MESSAGE in say.text:
                self._message = now, False

    def _ended(self, say: talk.Say, now: float) -> None:
        if self._saying is not None and self._saying[0] is say:
            self._saying = None
            if MESSAGE in say.text and self._message is not None:
                self._message = self._message[0], True
            self._talk.receive_clip_ended(say.utterance_id, now, 1.0, now)

    def _cut(self, now: float) -> None:
        if self._saying is not None:
            say, start, end = self._saying
            self._saying = None
            self._talk.receive_clip_ended(say.utterance_id, now, max(0.0, now - start) / (end - start), now)

    def _barge_in(self, now: float) -> None:
        if self._saying is not None and self._saying[0].barge_in and self._talk.heard_since is not None:
            self._cut(now)

    def _at(self, at: float, act: Callable[[float], None]) -> None:
        heapq.heappush(self._queue, (at, next(self._order), act))
