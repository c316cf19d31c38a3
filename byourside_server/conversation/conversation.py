"""One telephone conversation as a machine without IO: text and times in, things to say and do out.

Times `now` and `at` are seconds since the answer. The owner carries out each event of `next_event`, reports
what came of it, and calls `handle_deadline` when `next_deadline` has passed. It hears no sound: voice
activity, words and tones are reported to it. What to say is the mind's matter; when to say it, who picked
up and when it is over are decided here.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import ClassVar, Literal

from byourside_server.calls.transcript import Turn
from byourside_server.conversation import expectations
from byourside_server.conversation.brief import Brief
from byourside_server.conversation.disclosure import without_context
from byourside_server.conversation.events import ConversationEvent, Finish, PressKeys, Think
from byourside_server.conversation.intents import is_surely_machine
from byourside_server.conversation.listening import ContactTurn, Ears
from byourside_server.conversation.mind import Decision, Occasion, Situation
from byourside_server.conversation.mouth import Mouth, Utterance
from byourside_server.conversation.pickup import Pickup
from byourside_server.conversation.plan import plan_of
from byourside_server.conversation.record import Record
from byourside_server.conversation.timers import Timers
from byourside_server.conversation.voicemail import MessageTiming, message_of
from byourside_server.providers.base import Expectation

GREET_AFTER_S = 0.9  # of silence since the answer
MAX_UNHEARD = 3  # utterances of which no sound went out
RESUME_AFTER_S = 0.8  # after a cut that no speech explains
CONNECTING_PATIENCE_S = 30.0  # after a menu or a screening service was answered
LAST_WORDS_PATIENCE_S = 2.0  # for a contact who speaks over our goodbye
GOODBYE_BEFORE_END_S = 5.0
OUT_OF_TIME = "I'm sorry, I have to end the call here. Goodbye."
BEEP_PROVES_UNTIL_S = 30.0
OPERATOR_KEY = "0"
_REASON_OF_HANG_UP = {"api": "canceled", "network": "line_lost"}

# opening: who picked up? · talk · machine: wait for its beep · closing: the last words · over
Phase = Literal["opening", "talk", "machine", "closing", "over"]


class Conversation:
    """Who speaks when, from the answer to the hang-up."""

    def __init__(self, brief: Brief, *, mind_name: str = "embedded") -> None:
        self.brief = brief
        self.mind_name = mind_name
        self.answered_by: str | None = None
        self.verdict_at: float | None = None
        self.end_reason: str | None = None
        self.ended_by: str | None = None
        self._phase: Phase = "opening"
        self._events: deque[ConversationEvent] = deque()
        self._timers = Timers()
        self._record = Record(self._events)
        self._mouth = Mouth(brief, self._events, self._record)
        self._message = MessageTiming(self._timers)
        self._ears = Ears(self._record)
        self._requests = 0
        self._request: int | None = None  # the Think that is waited for
        self._replies_to: float | None = None
        self._decision: Decision | None = None
        self._has_opened = False
        self._owes_reply = False
        self._connecting: str | None = None  # the kind of machine that stands before the person
        self._silences = 0
        self._unclear = 0
        self._reason_to_end = "completed"

    # what is known

    @property
    def turns(self) -> tuple[Turn, ...]:
        """The turns so far, in order."""
        return self._record.turns

    @property
    def latencies_ms(self) -> list[int]:
        """From the contact's last voiced moment to the first sound of each reply."""
        return self._mouth.latencies_ms

    @property
    def heard_since(self) -> float | None:
        """Where the contact's turn in progress began: its sound from here on goes to speech-to-text."""
        return None if self._ears.turn is None else self._ears.turn.start

    @property
    def expectation(self) -> Expectation:
        """What speech-to-text should expect now."""
        if self.answered_by is not None and self._decision is not None:
            return self._decision.expectation
        return expectations.before_verdict(plan_of(self.brief), has_asked=self._decision is not None)

    def next_event(self) -> ConversationEvent | None:
        return self._events.popleft() if self._events else None

    def next_deadline(self) -> float | None:
        return self._timers.next_at

    def handle_deadline(self, now: float) -> None:
        """Do everything that has come due by `now`, in order of time."""
        while (due := self._timers.pop_due(now)) is not None:
            self._DEADLINES[due[0]](self, due[1])

    # what happens

    def receive_answered(self, now: float) -> None:
        """The far side picked up."""
        self._timers.set("greet", now + GREET_AFTER_S)
        self._timers.set("goodbye", now + max(0.0, self.brief.max_duration_s - GOODBYE_BEFORE_END_S))
        self._timers.set("maximum", now + self.brief.max_duration_s)

    def receive_speech_started(self, at: float, now: float) -> None:
        """The contact's voice was heard from `at` on."""
        if self._phase == "over":
            return
        self._timers.clear("turn", "silence", "resume", "greet")
        self._ears.start(at)
        if self._phase == "machine":
            self._message.hear_voice()
            return
        if self._phase != "closing":
            self._request = None  # a reply to what went before would talk over them
        self._mouth.hold_back()

    def receive_speech_stopped(self, start: float, end: float, now: float) -> None:
        """Quiet since `end`. Now the whole turn since `heard_since` goes to be recognised."""
        if self._phase == "over":
            return
        self._ears.stop(end, is_greeting=self.answered_by is None)
        if self._phase == "machine":
            self._message.hear_quiet(end, now)
        self._time_turn(now)

    def receive_text(self, text: str, confidence: float, start: float, end: float, now: float) -> None:
        """What speech-to-text made of the turn from its start to `end`; also after the hang-up."""
        if not self._ears.take_text(text, confidence, end) or self._ears.turn is None:
            return
        if self._phase == "over":
            self._ears.close()
        elif self._is_machine_already(self._ears.turn.words):
            self._to_voicemail(now)
        else:
            self._time_turn(now)

    def receive_clip_started(self, utterance_id: int, at: float, now: float) -> None:
        """The first sound of an utterance went out."""
        self._mouth.started(utterance_id, at)

    def receive_clip_ended(self, utterance_id: int, at: float, played_fraction: float, now: float) -> None:
        """An utterance is over: said whole (1.0), or cut after that share of it."""
        said = self._mouth.ended(utterance_id, at, played_fraction)
        if self._phase == "over":
            return
        if said is not None:
            self._spoken(said, at, now)
        elif self._mouth.unheard >= MAX_UNHEARD:
            self._finish(now, "voice_failed")
        elif self._ears.turn is None:
            self._timers.set("resume", now + RESUME_AFTER_S)

    def receive_tone(self, kind: str, at: float, now: float) -> None:
        """A tone that no voice makes; only the beep of a voicemail means something here."""
        if kind != "beep":
            return
        is_proof = self.answered_by in (None, "unknown") or (
            at <= BEEP_PROVES_UNTIL_S and not self._record.has_conversed
        )
        if self._phase in ("opening", "talk") and is_proof:
            self._to_voicemail(now)
        if self._phase == "machine":
            self._message.hear_beep(now)

    def receive_digit(self, digit: str, at: float, now: float) -> None:
        """A key the contact pressed: somebody is there."""
        self._silences = 0

    def receive_reply(self, request_id: int, decision: Decision, now: float) -> None:
        """The mind's answer to the Think with this number; any other is too late."""
        if request_id != self._request or self._phase == "over":
            return
        self._request, self._decision, self._owes_reply = None, decision, False
        ends = decision.then == "hang_up"
        if ends:
            self._phase = "closing"
            self._reason_to_end = decision.end_reason or "completed"
        text = without_context(decision.say.strip(), self.brief)
        if text:
            self._say(text, asks=decision.asks, is_last=ends)
        elif ends:
            self._finish(now)
        else:
            self._timers.set("silence", now + decision.patience_s)

    def receive_hang_up(self, by: str, now: float) -> None:
        """The line is gone. Words still being recognised may be handed in afterwards."""
        if self._phase == "over":
            return
        self._mouth.lost(now)
        reason = _REASON_OF_HANG_UP.get(by, "hung_up")
        if self._phase == "machine" or (self._phase == "closing" and by == "contact"):
            reason = self._reason_to_end
        self._end(by, reason)
        self._ears.stop(now, is_greeting=False)
        if self._ears.turn is not None and self._ears.turn.has_all_text:
            self._ears.close()

    # the contact's turn

    def _time_turn(self, now: float) -> None:
        """Set when the turn will be over if nothing more is said."""
        over_at = self._ears.over_at(self.expectation.kinds, is_greeting=self.answered_by is None)
        if over_at is not None and self._phase != "machine":
            self._timers.set("turn", max(now, over_at))

    def _on_turn_over(self, now: float) -> None:
        if self._mouth.is_playing:
            return  # spoken over words that may not be cut: waits until those are said
        heard = self._ears.close()
        if heard is None:
            return
        if self._phase == "closing":
            if self._mouth.saying is None and self._request is None:
                self._finish(now)
        elif self.answered_by is None:
            self._judge(heard, now)
        else:
            self._after_contact(heard, now)

    def _judge(self, heard: ContactTurn, now: float) -> None:
        """The first words are over: who picked up?"""
        verdict = self._ears.pickup.verdict(heard.words)
        if verdict == "voicemail":
            self._to_voicemail(now)
        elif verdict in ("ivr", "screening"):
            self._get_connected(verdict, now)
        elif heard.is_noise and not self._has_opened:
            self._timers.set("greet", now + GREET_AFTER_S)
        elif heard.is_noise:
            self._after_noise(now)
        else:
            self.answered_by, self.verdict_at = verdict, now
            self._after_contact(heard, now)

    def _after_contact(self, heard: ContactTurn, now: float) -> None:
        """It is our turn now."""
        text = heard.words
        if not self._has_opened:
            self._think("opening", text, heard)
            return
        if heard.is_noise:
            self._after_noise(now)
            return
        self._silences = 0
        if self._mouth.was_cut_for_nothing(text):
            self._mouth.say_rest()
            return
        self._mouth.drop_rest()
        if self._record.contact_turns <= 2 and is_surely_machine(text):
            self._to_voicemail(now)
        elif text:
            self._unclear, self._owes_reply = 0, True
            self._think("heard", text, heard)
        else:
            self._unclear += 1
            self._think("unclear", "", heard)

    def _after_noise(self, now: float) -> None:
        """A sound too short to be speech changes nothing."""
        if self._mouth.say_rest():
            return
        if self._owes_reply:
            self._think("heard", self._record.last_contact_text, None)
        elif self._decision is not None and self._mouth.saying is None:
            self._timers.set("silence", now + self._decision.patience_s)

    # the agent's turn

    def _think(self, occasion: Occasion, text: str, heard: ContactTurn | None) -> None:
        if not self._has_opened:
            self._has_opened, self._phase = True, "talk"
            self._mouth.has_disclosed = False  # whoever it is now has not heard it
        self._requests += 1
        self._request = self._requests
        self._replies_to = heard.end if heard is not None else None
        confidence = heard.confidence if heard is not None else 0.0
        open_step, counts = self._record.open_step, (self._silences, self._unclear)
        situation = Situation(self.brief, self.turns, occasion, text, confidence, open_step, *counts)
        self._events.append(Think(self._requests, situation))

    def _say(self, text: str, *, asks: str | None = None, is_last: bool = False) -> None:
        replies_to, self._replies_to = self._replies_to, None
        self._timers.clear("silence", "resume", "greet")
        self._mouth.say(text, asks=asks, is_last=is_last, replies_to=replies_to)

    def _spoken(self, utterance: Utterance, at: float, now: float) -> None:
        """An utterance was played to its end."""
        if utterance.is_last and self._ears.turn is None:
            self._finish(now)
        elif utterance.is_last:
            self._timers.set("finish", now + LAST_WORDS_PATIENCE_S)
            self._time_turn(now)
        elif self._ears.turn is not None:
            self._time_turn(now)
        else:
            patience_s = self._decision.patience_s if self._decision is not None else CONNECTING_PATIENCE_S
            self._timers.set("silence", at + patience_s)

    # machines

    def _to_voicemail(self, now: float) -> None:
        """A machine: do what the caller wished."""
        self.answered_by, self.verdict_at = "voicemail", now
        self._request, self._phase = None, "machine"
        self._mouth.drop_rest()
        self._timers.clear("turn", "silence", "resume", "greet")
        self._mouth.stop()
        self._reason_to_end = "voicemail"
        if self.brief.voicemail.action == "hang_up":
            self._finish(now)
            return
        self._message.begin(now, self._ears.quiet_since)

    def _is_machine_already(self, text: str) -> bool:
        """Words of a greeting still running that no person says."""
        return self.answered_by is None and self._phase != "closing" and is_surely_machine(text)

    def _on_message(self, now: float) -> None:
        self._ears.close()
        self._message.spoken()
        self._mouth.has_disclosed = False  # the message stands alone
        self._say(message_of(self.brief), is_last=True)

    def _get_connected(self, machine: str, now: float) -> None:
        """A menu or a screening service: ask for a person, and begin anew when one speaks."""
        has_tried, self._connecting = self._connecting is not None, machine
        self._ears.pickup, self._has_opened, self._decision = Pickup(), False, None
        self._mouth.drop_rest()
        self._phase = "opening"
        if machine == "screening":
            self._say(plan_of(self.brief).purpose)
        elif not has_tried:
            self._events.append(PressKeys(OPERATOR_KEY))
        self._timers.set("silence", now + CONNECTING_PATIENCE_S)

    # the end

    def _on_silence(self, now: float) -> None:
        if self._decision is None:  # nobody came after the menu
            self._finish(now, "no_response")
        else:
            self._silences += 1
            self._think("silence", "", None)

    def _on_goodbye(self, now: float) -> None:
        """Time is nearly up: say so honestly."""
        if self._phase in ("closing", "machine"):
            return
        self._ears.close()
        self._request = None
        self._mouth.drop_rest()
        self._mouth.stop(now)
        self._phase, self._reason_to_end = "closing", "max_duration"
        self._say(OUT_OF_TIME, is_last=True)

    def _finish(self, now: float, reason: str | None = None) -> None:
        self._mouth.lost(now)
        self._ears.close()
        self._end("agent", reason or self._reason_to_end)
        self._events.append(Finish("agent", reason or self._reason_to_end))

    def _end(self, by: str, reason: str) -> None:
        self.ended_by, self.end_reason = by, reason
        self._phase = "over"
        self._timers.clear_all()
        if self.answered_by is None:
            self.answered_by = self._connecting or "unknown"

    _DEADLINES: ClassVar[Mapping[str, Callable[[Conversation, float], object]]] = MappingProxyType(
        {
            "greet": lambda self, now: self._think("opening", "", None),
            "turn": _on_turn_over,
            "silence": _on_silence,
            "resume": lambda self, now: self._mouth.say_rest(),
            "no_beep": lambda self, now: self._message.give_up_on_beep(now),
            "message": _on_message,
            "finish": _finish,
            "goodbye": _on_goodbye,
            "maximum": lambda self, now: self._finish(now, "max_duration"),
        }
    )
