"""One telephone conversation as a machine without IO: text and times in, things to say and do out.

Times `now` and `at` are seconds since the answer. The owner carries out each event of `next_event`, reports
what came of it, and calls `handle_deadline` when `next_deadline` has passed. It hears no sound: voice
activity, words and tones are reported to it. What to say is the mind's matter; when to say it, who picked
up and when it is over are decided here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import ClassVar

from byourside_server.conversation import expectations, patience, verdicts
from byourside_server.conversation.agent import Next
from byourside_server.conversation.connecting import Heard
from byourside_server.conversation.disclosure import disclosure, introduction
from byourside_server.conversation.events import Finish, Prepare
from byourside_server.conversation.foreseeing import Foreseeing
from byourside_server.conversation.listening import ContactTurn
from byourside_server.conversation.machine_words import is_menu, is_surely_machine
from byourside_server.conversation.mind import Decision, Occasion
from byourside_server.conversation.pickup import Finding, Pickup
from byourside_server.conversation.plan import plan_of
from byourside_server.conversation.utterance import Utterance, Words
from byourside_server.conversation.voicemail import message_of

_REASON_OF_HANG_UP = {"api": "canceled", "network": "line_lost"}

class Conversation(Foreseeing):
    """Who speaks when, from the answer to the hang-up."""

    def handle_deadline(self, now: float) -> None:
        """Do everything that has come due by `now`, in order of time."""
        while (due := self._timers.pop_due(now)) is not None:
            self._DEADLINES[due[0]](self, due[1])
            self._look(due[1], due[1])

    # what happens

    def receive_answered(self, now: float) -> None:
        """The far side picked up."""
        self._events.extend(map(Prepare, (disclosure(self.brief), *self._watch.words_to_prepare())))
        self._timers.set("greet", now + patience.GREET_AFTER_S)
        self._timers.set("goodbye", now + max(0.0, self.brief.max_duration_s - patience.GOODBYE_BEFORE_END_S))
        self._timers.set("maximum", now + self.brief.max_duration_s)

    def receive_speech_started(self, at: float, now: float) -> None:
        """The contact's voice was heard from `at` on."""
        if self._phase == "over":
            return
        self._timers.clear("turn", "silence", "resume", "greet", "foresee")
        self._ears.start(at)
        if self._phase == "machine":
            self._message.hear_voice(now)
            return
        if self._phase != "closing":
            self._agent.hold_back()
        self._look(at, now)

    def receive_speech_stopped(self, start: float, end: float, now: float) -> None:
        """Quiet since `end`. Now the whole turn since `heard_since` goes to be recognised."""
        if self._phase == "over":
            return
        self._ears.stop(end, is_greeting=self.answered_by is None)
        if self._phase == "machine":
            self._message.hear_quiet(end, now)
        self._time_turn(now)
        self._look(end, now)

    def receive_text(self, text: str, confidence: float, start: float, end: float, now: float) -> None:
        """What speech-to-text made of the turn from its start to `end`; also after the hang-up."""
        if not self._ears.take_text(text, confidence, end) or self._ears.turn is None:
            return
        if self._phase == "over":
            self._ears.close()
        elif (
            self.answered_by is None and self._phase != "closing" and is_surely_machine(self._ears.turn.words)
        ):
            self._to_machine(verdicts.BY_WORDS, now)
        elif self._phase == "opening" and self._ears.turn.began_anew and is_menu(self._ears.turn.words):
            self._take_over(now)  # understood while it is read out once more
        else:
            self._time_turn(now)
        self._look(end, now)

    def receive_clip_started(self, utterance_id: int, at: float, now: float) -> None:
        """The first sound of an utterance went out."""
        self._mouth.started(utterance_id, at)
        self._look(at, now)

    def receive_clip_ended(self, utterance_id: int, at: float, played_fraction: float, now: float) -> None:
        """An utterance is over: said whole (1.0), or cut after that share of it."""
        if self._is_cut_short(utterance_id, at, played_fraction, now):
            self._timers.set("resume", now + patience.RESUME_AFTER_S)
        self._look(at, now)

    def receive_voice_failed(self, utterance_id: int, at: float, played_fraction: float, now: float) -> None:
        """The voice broke off after that share of an utterance: the rest is said at once."""
        if self._is_cut_short(utterance_id, at, played_fraction, now):
            self._mouth.say_rest()
        self._look(at, now)

    def receive_tone(self, kind: str, at: float, now: float) -> None:
        """A tone that no voice makes: music to wait by; of some, the verdict on who answered follows."""
        if kind in ("music", "music_ended") and self._phase in ("opening", "talk"):
            self._hear_music(kind, at, now)
        if kind == "ringback" and at >= 0 and self._phase in ("opening", "talk"):
            self._hear_ringing(now)
        finding = self.verdicts.of_tone(kind, at, self._ears.pickup, has_conversed=self._record.has_conversed)
        if finding is not None and self._phase in ("opening", "talk"):
            self._to_machine(finding, now)
        if self._phase == "machine" and kind == "beep" and self._message.hear_beep(now):
            self._mouth.stop()
        self._look(now, now)

    def receive_digit(self, digit: str, at: float, now: float) -> None:
        """A key the contact pressed: somebody is there."""
        self._agent.silences = 0

    def receive_words(self, request_id: int, text: str, now: float) -> None:
        """A sentence of the mind's reply, while the rest is still being made: said as soon as may be."""
        if self._phase != "over":
            self._agent.take_words(request_id, text)
            self._look(now, now)

    def receive_reply(self, request_id: int, decision: Decision, now: float) -> None:
        """The mind's answer to the Think with this number, or its end; any other is too late."""
        if self._phase != "over":
            self._proceed(self._agent.take_reply(request_id, decision), now, now)
            self._look(now, now)

    def receive_transfer(self, succeeded: bool, now: float) -> None:
        """How the handing over of the call went."""
        if self._phase != "transfer":
            return
        self._timers.clear("transfer")
        if succeeded:
            self._finish(now, "transferred")
            return
        self._phase, self._agent.decision = "talk", Decision("", expectation=expectations.OPEN)
        self._mouth.say(Words(self._phrases.not_reached, barge_in=False))
        self._look(now, now)

    def receive_hang_up(self, by: str, now: float) -> None:
        """The line is gone. Words still being recognised may be handed in afterwards."""
        if self._phase == "over":
            return
        self._mouth.lost(now)
        reason = _REASON_OF_HANG_UP.get(by) or self._way.reason_of_hang_up(self.answered_by)
        if self._phase == "machine" or (self._phase == "closing" and by == "contact"):
            reason = self._reason_to_end or self._agent.reason_to_end
        self._end(by, reason, now)
        self._ears.stop(now, is_greeting=False)
        if self._ears.turn is not None and self._ears.turn.has_all_text:
            self._ears.close()

    # the contact's turn

    def _on_turn_over(self, now: float) -> None:
        if self._mouth.is_playing:
            return  # spoken over words that went on: waits until those are said
        heard = self._ears.close(unless_wordless=self._way.hold.is_music_near(now))
        if heard is None or self._phase == "transfer":
            return
        if self._phase == "closing" and not self._reason_to_end and self._mouth.has_more and heard.words:
            self._phase = "talk"  # our goodbye was cut, and they have something to say
        if self._phase == "closing":
            if self._mouth.saying is None:
                self._finish(now)
        elif self._way.hold.outlasts(heard.words, heard.end):
            self._wait(now)
        else:
            self._agent.is_back = self._way.hold.is_on
            self._way.hold.end()
            self._take_up(heard, now)

    def _take_over(self, now: float) -> None:
        """What is being said adds nothing to the words that are there."""
        heard = self._ears.close()
        if heard is not None:
            self._take_up(heard, now)

    def _take_up(self, heard: ContactTurn, now: float) -> None:
        if self.answered_by is None:
            self._judge(heard, now)
        elif self._way.is_queue(heard.words):
            self._way.hold.begin("machine")
            self._wait(now)
        else:
            self._after_contact(heard, now)
        self._agent.foresight.drop()  # where nobody was asked, what was foreseen has not come

    def _wait(self, now: float) -> None:
        """On hold: nothing is said, and nobody is asked what to say."""
        self._agent.be_quiet()
        self._proceed("listen", now, now)

    def _hear_music(self, kind: str, at: float, now: float) -> None:
        self._timers.clear("silence", "greet", "resume")
        if kind == "music":
            self._way.hold.hear_music(at)
        else:
            self._way.hold.hear_music_end(now)
        if self._mouth.is_silent and self._ears.turn is None:
            self._wait(now)

    def _hear_ringing(self, now: float) -> None:
        """Another phone rings: heard in one piece with what is said behind it, words become others."""
        self._timers.clear("silence", "greet", "resume")
        self._way.hold.begin("machine")
        if self._ears.turn is not None and not self._ears.is_hearing:
            self._on_turn_over(now)
        self._way.hold.begin("machine")
        if self._mouth.is_silent and self._ears.turn is None:
            self._wait(now)

    def _judge(self, heard: ContactTurn, now: float) -> None:
        """The first words are over: who picked up?"""
        finding = self._ears.pickup.find(heard.words, heard.confidence)
        if finding.verdict == "unknown" and "unknown" in self.brief.hang_up_on:
            self._to_machine(finding, now)
            return
        who = self._way.judge(heard.words, finding.verdict)
        if who == "voicemail":
            self._to_machine(finding, now)
        elif who == "nowhere":
            self._finish(now, self._way.dead_end)
        elif who != "person":
            self._get_connected(who, heard, now)
        elif heard.is_noise and not self._has_opened:
            self._timers.set("greet", now + patience.GREET_AFTER_S)
        else:
            if not heard.is_noise:
                self.answered_by = self.verdicts.reach(finding, now)
            self._after_contact(heard, now)

    def _after_contact(self, heard: ContactTurn, now: float) -> None:
        """It is our turn now."""
        text = heard.words
        self._agent.hear(text)
        if not self._has_opened:
            self._think("opening", text, heard, now)
        elif heard.is_noise or self._mouth.was_only_listened_to(text, heard.end):
            self._agent.silences *= heard.is_noise  # a noise breaks no silence
            self._proceed(self._agent.go_on(), now, now)
        elif not self._is_machine_after_all(heard, now):
            self._agent.silences = 0
            self._answer(text, heard, now)

    def _is_machine_after_all(self, heard: ContactTurn, now: float) -> bool:
        """What began like a person may turn out to be a machine."""
        is_beginning = self._record.contact_turns <= patience.BEGINNING_TURNS
        if is_beginning and is_surely_machine(heard.words):
            self._to_machine(verdicts.BY_WORDS, now)
        elif self._way.is_menu_after_all(heard.words, is_beginning=is_beginning):
            self._judge(heard, now)
        else:
            return False
        return True

    def _answer(self, text: str, heard: ContactTurn, now: float) -> None:
        self._agent.unclear = 0 if text else self._agent.unclear + 1
        if self._agent.unclear > patience.MAX_UNCLEAR:
            self._say_last(f"{self._phrases.not_caught} {self._phrases.goodbye}", "no_response", now)
        elif self._agent.is_taking_leave(text):
            self._agent.drop()
            self._proceed(self._agent.take_leave(text), now, now)
        else:
            self._think("heard" if text else "unclear", text, heard, now)

    # the agent's turn

    def _think(self, occasion: Occasion, text: str, heard: ContactTurn | None, now: float) -> None:
        if not self._has_opened and occasion != "menu":
            self._has_opened, self._phase = True, "talk"
            if self._way.machine is not None:
                self._mouth.has_disclosed = False  # whoever it is now has not heard it
        self._timers.clear("silence", "resume", "greet", "foresee")
        self._proceed(self._agent.think(occasion, text, heard), now, now)
        waited_for_beep = occasion == "opening" and not text and self._ears.pickup.sounds_like_machine
        self._look(now if heard is None or waited_for_beep else heard.end, now)

    def _proceed(self, then: Next | None, at: float, now: float) -> None:
        """What the agent's side comes to; the contact's patience runs from `at`."""
        if then == "finish":
            self._finish(now)
        elif then == "voicemail":
            self._to_machine(verdicts.BY_MIND, now)
        elif then == "transfer":
            self._phase = "transfer"
            self._timers.set("transfer", now + patience.TRANSFER_S)
        elif then == "listen":
            patience_s = self._way.patience_s(self._agent.decision)
            if patience_s is not None:
                self._timers.set("silence", max(now, at + patience_s))

    def _is_cut_short(self, utterance_id: int, at: float, fraction: float, now: float) -> bool:
        """Whether an utterance came to an end before its last word, and no voice of theirs explains it."""
        said = self._mouth.ended(utterance_id, at, fraction)
        self._watch.air.observe_sound_end(at)
        if self._phase == "over":
            return False
        if said is None and self._mouth.unheard >= patience.MAX_UNHEARD:
            self._finish(now, "voice_failed")
            return False
        if said is not None and not self._mouth.go_on() and not said.words.is_filler:
            self._spoken(said, at, now)
        return said is None and self._mouth.is_cut and self._ears.turn is None

    def _spoken(self, utterance: Utterance, at: float, now: float) -> None:
        """An utterance was played to its end, and nothing may be said behind it now."""
        if utterance.words.is_last and self._ears.turn is not None:
            self._timers.set("finish", now + patience.LAST_WORDS_S)
            self._time_turn(now)
        elif utterance.words.is_last:
            self._finish(now)
        elif self._ears.turn is not None:
            self._time_turn(now)
        elif not self._agent.thought.is_pending:
            self._proceed(self._agent.all_said(), at, now)

    def _look(self, at: float, now: float) -> None:
        """Something happened `at`: are words owed since then?"""
        if self._mouth.is_saying_last and self._phase in ("opening", "talk"):
            self._phase = "closing"
        self._watch.look(self._phase, at, now, is_waiting=self._way.is_waiting(self._phase))

    def _on_give_up(self, now: float) -> None:
        """Nobody waits for ever: say so honestly."""
        reason = "voice_failed" if self._watch.air.cause == "voice" else "mind_failed"
        if self._phase == "closing":
            self._finish(now, reason)
        else:
            self._say_last(self._phrases.technical_problem, reason, now)

    # machines

    def _to_machine(self, finding: Finding, now: float) -> None:
        """Nobody to talk to: do what the caller wished."""
        self.answered_by = self.verdicts.reach(finding, now)
        self._phase, self._reason_to_end = "machine", verdicts.reason_to_end(finding)
        self._agent.drop()
        self._timers.clear("turn", "silence", "resume", "greet")
        self._mouth.stop()
        if self.brief.voicemail.action == "hang_up" or finding.verdict != "voicemail":
            self._finish(now)
            return
        self._message.begin(now, self._ears.quiet_since)

    def _on_message(self, now: float) -> None:
        self._ears.close()
        self._message.spoken(now)
        self._mouth.has_disclosed = False  # the message stands alone
        self._mouth.say(Words(message_of(self.brief), is_last=True))

    def _get_connected(self, who: Heard, heard: ContactTurn, now: float) -> None:
        """A machine or a queue: ask for a person, and begin anew when one speaks."""
        if self._way.machine in self.brief.hang_up_on:
            self._to_machine(verdicts.BEFORE_A_PERSON[self._way.machine], now)
            return
        if self._way.machine is not None:
            self.verdicts.reach(verdicts.BEFORE_A_PERSON[self._way.machine], now)
        self.answered_by, self._phase = None, "opening"
        self._ears.pickup, self._has_opened = Pickup(), False
        self._agent.begin_anew()
        self._timers.set("silence", now + patience.CONNECTING_S)
        if who == "menu":
            self._think("menu", self._way.menu, heard, now)
        elif who == "screening":
            self._agent.drop()
            who_calls = introduction(self.brief) if self._way.is_asked_again else ""
            self._agent.say(f"{who_calls} {plan_of(self.brief).purpose}")
        elif who == "welcome":
            self._timers.set("greet", now + patience.AFTER_WELCOME_S)
        else:
            self._wait(now)

    # the end

    def _on_silence(self, now: float) -> None:
        is_alone = self._agent.decision is None
        if is_alone and self._way.hold.may_be_back:
            self._way.hold.end()
            self._think("opening", "", None, now)
            return
        if self._agent.silences >= patience.MAX_SILENCES or (is_alone and not self._way.may_choose):
            self._finish(now, self._way.dead_end if is_alone else "no_response")
            return
        self._agent.silences += 1
        if is_alone:
            self._think("menu", self._way.choose(), None, now)
        elif self._agent.is_taking_leave():
            self._proceed(self._agent.take_leave(""), now, now)
        else:
            self._think("silence", "", None, now)

    def _say_last(self, text: str, reason: str, now: float) -> None:
        """Words of our own that end the call, over whatever goes on."""
        self._agent.drop()
        self._timers.clear("turn", "silence", "resume", "greet")
        self._mouth.stop(now)
        self._phase, self._reason_to_end = "closing", reason
        self._watch.air.start_anew()
        self._mouth.say(Words(text, is_last=True))

    def _on_goodbye(self, now: float) -> None:
        """Time is nearly up: say so honestly."""
        if self._phase not in ("closing", "machine", "transfer"):
            self._say_last(self._phrases.out_of_time, "max_duration", now)

    def _finish(self, now: float, reason: str | None = None) -> None:
        self._mouth.lost(now)
        self._ears.close()
        self._end("agent", reason or self._reason_to_end or self._agent.reason_to_end, now)
        self._events.append(Finish("agent", self.end_reason or "completed"))

    def _end(self, by: str, reason: str, now: float) -> None:
        self._agent.foresight.drop()
        self._agent.thought.drop()
        self.ended_by, self.end_reason = by, reason
        self._phase = "over"
        self._look(now, now)
        self._timers.clear_all()
        if self.answered_by is None:
            self.answered_by = self._way.machine or self.verdicts.reach(verdicts.NOTHING_HEARD, now)

    _DEADLINES: ClassVar[Mapping[str, Callable[[Conversation, float], object]]] = MappingProxyType(
        {
            "greet": lambda self, now: self._think("opening", "", None, now),
            "turn": _on_turn_over,
            "foresee": Foreseeing._foresee,
            "silence": _on_silence,
            "resume": lambda self, now: self._mouth.say_rest(),
            "back": lambda self, now: self._proceed(self.hold.back(self._phase), now, now),
            "filler": lambda self, now: self._watch.fill(now),
            "give_up": _on_give_up,
            "transfer": lambda self, now: self.receive_transfer(False, now),
            "no_beep": lambda self, now: self._message.give_up_on_beep(now),
            "message": _on_message,
            "again": lambda self, now: self._message.wait_again(now, self._mouth.stop),
            "finish": _finish,
            "goodbye": _on_goodbye,
            "maximum": lambda self, now: self._finish(now, "max_duration"),
        }
    )
