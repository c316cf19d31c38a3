"""A telephone line in virtual time: a scripted contact at one end, a `Conversation` at the other.

Speech takes 60 ms per character. Voice activity needs 100 ms to notice a voice and 200 ms of quiet to notice
its end; speech-to-text answers 150 ms later; a voice that goes on for 300 ms cuts an utterance that may be
cut. The contact says the next line of the script each time the agent falls silent and owes nothing more.
A `Pace` makes engines slow; the sound of prepared words is there as soon as it has been made.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from byourside_server.calls.call import Field, Report, VoicemailPolicy
from byourside_server.calls.transcript import Turn
from byourside_server.conversation.brief import Brief
from byourside_server.conversation.conversation import Conversation
from byourside_server.conversation.embedded_mind import decide
from byourside_server.conversation.events import (
    Finish,
    Prepare,
    PressKeys,
    Say,
    StopSpeaking,
    StopThinking,
    Think,
    Transfer,
)
from byourside_server.conversation.mind import Decision, Situation
from byourside_server.conversation.words import plain
from byourside_server.report import compose

SECONDS_PER_CHARACTER = 0.06
VOICE_NOTICED_S = 0.1
QUIET_NOTICED_S = 0.2
RECOGNITION_S = 0.15
BARGE_IN_S = 0.3
SYNTHESIS_S = 0.05
REACTION_S = 0.5
LIMIT_S = 1000.0

README_OBJECTIVE = "Confirm the appointment for tomorrow at 2pm and ask if they need to reschedule."
README_FIELDS = (Field("confirmed", "boolean"), Field("new_time"))
README = Brief(README_OBJECTIVE, fields=README_FIELDS, on_behalf_of="Acme Dental")


def brief_with_message(message: str | None = None) -> Brief:
    return Brief(
        README_OBJECTIVE,
        context="The patient owes 40 dollars from the visit in March.",
        fields=README_FIELDS,
        voicemail=VoicemailPolicy("leave_message", message),
    )


@dataclass(frozen=True)
class Line:
    """What the contact does when the agent falls silent (or, as the first line, on picking up)."""

    text: str = ""
    after_s: float = REACTION_S
    heard_as: str | None = None
    hangs_up: bool = False
    beep: bool = False


@dataclass(frozen=True)
class Interruption:
    """The contact speaks over the utterance with this number, so long after its beginning."""

    utterance: int
    after_s: float
    text: str
    heard_as: str | None = None


@dataclass(frozen=True)
class Streamed:
    """A scripted mind's reply: each sentence so long after the one before, then the decision."""

    sentences: tuple[tuple[float, str], ...]
    decision: Decision
    decided_after_s: float = 0.0


@dataclass(frozen=True)
class Pace:
    """How long each engine takes, in seconds; asked anew each time. None: it never answers."""

    mind: Callable[[], float | None] = lambda: 0.0
    voice: Callable[[], float | None] = lambda: SYNTHESIS_S
    ears: Callable[[], float | None] = lambda: RECOGNITION_S


ScriptedMind = Callable[[Situation], Decision | Streamed]

SILENCE = Line()
HANG_UP = Line(hangs_up=True)


@dataclass
class _Sound:
    utterance_id: int
    text: str
    barge_in: bool
    start: float
    end: float


class ScriptedLine:
    """Runs one call to its end on construction's script; then look at what came of it."""

    def __init__(
        self,
        brief: Brief,
        script: Sequence[Line | str],
        interruptions: Sequence[Interruption] = (),
        *,
        mind: ScriptedMind = decide,
        pace: Pace | None = None,
    ) -> None:
        self.brief = brief
        self.conversation = Conversation(brief)
        self.said: list[str] = []
        self.sounds: list[tuple[float, float, str]] = []  # of ours: from, to, what
        self.voices: list[tuple[float, float]] = []  # of theirs
        self.situations: list[Situation] = []
        self.transfers: list[str] = []
        self.stopped_thinking = 0
        self.hand_over: bool | None = None  # how a transfer goes; None: nobody ever says
        self._mind = mind
        self._pace = pace or Pace()
        self._made_at: dict[str, float | None] = {}
        self._thinking = 0
        self._pending: Say | None = None
        self.keys = ""
        self.ended_at: float | None = None
        self.script = [Line(each) if isinstance(each, str) else each for each in script]
        self._interruptions = {each.utterance: each for each in interruptions}
        self._queue: list[tuple[float, int, Callable[[float], None]]] = []
        self._order = itertools.count()
        self._now = 0.0
        self._sound: _Sound | None = None

    def run(self) -> ScriptedLine:
        self.conversation.receive_answered(0.0)
        self._next_line(0.0, greeting=True)
        while self.ended_at is None and self._now < LIMIT_S:
            self._carry_out()
            if self.ended_at is not None:
                break
            deadline = self.conversation.next_deadline()
            if self._queue and (deadline is None or self._queue[0][0] <= deadline):
                self._now, _, act = heapq.heappop(self._queue)
                act(self._now)
            elif deadline is not None:
                self._now = deadline
                self.conversation.handle_deadline(deadline)
            else:
                raise AssertionError("the conversation waits for nothing")
        while self._queue and self._queue[0][0] <= self._now + 1.0:  # words still being recognised
            at, _, act = heapq.heappop(self._queue)
            act(at)
        return self

    @property
    def turns(self) -> tuple[Turn, ...]:
        return self.conversation.turns

    @property
    def transcript(self) -> list[str]:
        return [f"{turn.role}: {turn.text}" for turn in self.turns]

    def words_of(self, role: str) -> str:
        return " ".join(turn.text for turn in self.turns if turn.role == role)

    @property
    def report(self) -> Report:
        done = self.conversation
        return compose(
            self.brief,
            done.turns,
            answered_by=done.answered_by,
            ended_by=done.ended_by,
            end_reason=done.end_reason,
        )

    # the agent's end

    def _carry_out(self) -> None:
        while (event := self.conversation.next_event()) is not None:
            if isinstance(event, Say):
                self.said.append(event.text)
                self._synthesize(event)
            elif isinstance(event, Prepare):
                self._prepare(event.text)
            elif isinstance(event, StopSpeaking):
                self._stop(self._now)
            elif isinstance(event, Think):
                self._think(event)
            elif isinstance(event, StopThinking):
                self.stopped_thinking += 1
                self._thinking = 0
            elif isinstance(event, PressKeys):
                self.keys += event.digits
            elif isinstance(event, Transfer):
                self.transfers.append(event.target.number)
                if self.hand_over is not None:
                    self._at(self._now + REACTION_S, self._handed_over)
            elif isinstance(event, Finish):
                self.ended_at = self._now

    def _think(self, think: Think) -> None:
        self._thinking = think.request_id
        self.situations.append(think.situation)
        reply = self._mind(think.situation)
        delay = self._pace.mind()
        if delay is None:
            return
        at = self._now + delay
        if isinstance(reply, Streamed):
            for after_s, sentence in reply.sentences:
                at += after_s
                self._at(at, self._words(think.request_id, sentence))
            self._at(at + reply.decided_after_s, self._decided(think.request_id, reply.decision))
        elif delay:
            self._at(at, self._decided(think.request_id, reply))
        else:
            self._thinking = 0
            self.conversation.receive_reply(think.request_id, reply, self._now)

    def _words(self, request_id: int, sentence: str) -> Callable[[float], None]:
        def come(now: float) -> None:
            if self._thinking == request_id:
                self.conversation.receive_words(request_id, sentence, now)

        return come

    def _decided(self, request_id: int, decision: Decision) -> Callable[[float], None]:
        def come(now: float) -> None:
            if self._thinking == request_id:
                self._thinking = 0
                self.conversation.receive_reply(request_id, decision, now)
                self._at(now, self._their_turn)

        return come

    def _handed_over(self, now: float) -> None:
        self.conversation.receive_transfer(bool(self.hand_over), now)

    def _prepare(self, text: str) -> None:
        if text not in self._made_at:
            delay = self._pace.voice()
            self._made_at[text] = None if delay is None else self._now + delay

    def _synthesize(self, say: Say) -> None:
        assert self._sound is None, "one utterance at a time"
        assert self._pending is None, "one utterance at a time"
        self._prepare(say.text)
        made_at, self._pending = self._made_at[say.text], say
        if made_at is not None:
            self._at(max(self._now + SYNTHESIS_S, made_at), self._start(say))

    def _start(self, say: Say) -> Callable[[float], None]:
        def start(now: float) -> None:
            if self._pending is not say:
                return
            self._pending = None
            sound = _Sound(
                say.utterance_id, say.text, say.barge_in, now, now + len(say.text) * SECONDS_PER_CHARACTER
            )
            self._sound = sound
            self.conversation.receive_clip_started(say.utterance_id, now, now)
            self._at(sound.end, lambda end: self._played_out(sound, end))
            interruption = self._interruptions.get(say.utterance_id)
            if interruption is not None:
                self._speak(interruption.text, now + interruption.after_s, interruption.heard_as)

        return start

    def _played_out(self, sound: _Sound, now: float) -> None:
        if self._sound is not sound:
            return
        self._sound = None
        self.sounds.append((sound.start, now, sound.text))
        self.conversation.receive_clip_ended(sound.utterance_id, now, 1.0, now)
        self._at(now, self._their_turn)

    def _their_turn(self, now: float) -> None:
        """The contact waits politely while words are on their way."""
        conversation = self.conversation
        is_quiet = self._sound is None and self._pending is None and conversation.heard_since is None
        if is_quiet and not self._thinking:
            self._next_line(now)

    def _stop(self, now: float) -> None:
        sound, self._sound = self._sound, None
        pending, self._pending = self._pending, None
        if pending is not None:
            self.conversation.receive_clip_ended(pending.utterance_id, now, 0.0, now)
        if sound is None:
            return
        self.sounds.append((sound.start, now, sound.text))
        fraction = (now - sound.start) / (sound.end - sound.start)
        self.conversation.receive_clip_ended(sound.utterance_id, now, fraction, now)

    # the contact's end

    def speak_at(self, at: float, text: str) -> None:
        """Beside the script."""
        self._speak(text, at, None)

    def tone_at(self, at: float, kind: str, since: float | None = None) -> None:
        """A tone told at this moment; it began `since` then, or at once."""
        began = at if since is None else since
        self._at(at, lambda now: self.conversation.receive_tone(kind, began, now))

    def beep_at(self, at: float) -> None:
        """A voicemail's tone, beside the script."""
        self._at(at, lambda now: self.conversation.receive_tone("beep", now, now))

    def hang_up_at(self, at: float) -> None:
        self._at(at, self._hang_up)

    def _next_line(self, now: float, *, greeting: bool = False) -> None:
        if not self.script:
            return
        line = self.script.pop(0)
        at = now + (0.3 if greeting and line.after_s == REACTION_S else line.after_s)
        if line.hangs_up:
            self._at(at, self._hang_up)
        if line.text:
            at = self._speak(line.text, at, line.heard_as)
        if line.beep:
            self._at(at + 0.5, lambda now: self.conversation.receive_tone("beep", now, now))

    def _speak(self, text: str, start: float, heard_as: str | None) -> float:
        end = start + len(text) * SECONDS_PER_CHARACTER
        words = plain(text) if heard_as is None else heard_as
        hear = self.conversation
        self._at(start + VOICE_NOTICED_S, lambda now: hear.receive_speech_started(start, now))
        self._at(start + BARGE_IN_S, lambda now: self._barge_in(end, now))
        self._at(end + QUIET_NOTICED_S, lambda now: hear.receive_speech_stopped(start, end, now))
        delay = self._pace.ears()
        if delay is not None:
            self._at(
                end + QUIET_NOTICED_S + delay,
                lambda now: hear.receive_text(
                    words, 0.9 if words else 0.0, hear.heard_since or start, end, now
                ),
            )
        self.voices.append((start, end))
        return end

    def _barge_in(self, speech_end: float, now: float) -> None:
        if self._sound is not None and self._sound.barge_in and speech_end > now:
            self._stop(now)

    def _hang_up(self, now: float) -> None:
        self.conversation.receive_hang_up("contact", now)
        self.ended_at = now

    def _at(self, at: float, act: Callable[[float], None]) -> None:
        heapq.heappush(self._queue, (at, next(self._order), act))


def call(
    brief: Brief,
    *script: Line | str,
    interruptions: Sequence[Interruption] = (),
    mind: ScriptedMind = decide,
    pace: Pace | None = None,
) -> ScriptedLine:
    """One whole call."""
    return ScriptedLine(brief, script, interruptions, mind=mind, pace=pace).run()


def settled(talk: Conversation) -> Conversation:
    """A conversation that was answered, and has had prepared what it wants prepared."""
    talk.receive_answered(0.0)
    while isinstance(talk.next_event(), Prepare):
        pass
    return talk
