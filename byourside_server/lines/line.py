"""One live call, from the first INVITE to the closed recording. Reads as a story: dial, talk, close.

The only place where signalling, sound and talk meet: SIP knows no sound, media no words, the conversation
neither. The line knows no store: what happens is told to `report`, and the last thing told is LineEnded.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from byourside_server.calls import outcomes
from byourside_server.calls.call import Call
from byourside_server.calls.happened import Answered, EndedBy, Happening, LineEnded, Ringing, TurnHeard
from byourside_server.calls.media_facts import MediaFacts, media_facts
from byourside_server.conversation import events as talk
from byourside_server.conversation.brief import brief_of
from byourside_server.conversation.conversation import Conversation
from byourside_server.conversation.disclosure import disclosure
from byourside_server.conversation.mind import Decision
from byourside_server.conversation.phrases import phrases_for
from byourside_server.lines import dialing, ringing
from byourside_server.lines.dialing import Unanswered
from byourside_server.lines.equipment import Equipment
from byourside_server.lines.hearing import Hearing
from byourside_server.lines.inbound import (
    CancelRequested,
    Guessed,
    Inbound,
    MindFailed,
    Replied,
    Spoke,
    Transcribed,
    VoiceFailed,
    VoicePiece,
)
from byourside_server.lines.keypad import Keypad
from byourside_server.lines.ledger import Ledger, tell_silences
from byourside_server.lines.leg import Leg
from byourside_server.lines.speaking import Outcome, Speaking
from byourside_server.lines.thoughts import Thoughts
from byourside_server.media import messages as sound
from byourside_server.providers.base import Recognition
from byourside_server.sip import events as sip

MEDIA_CLOSE_TIMEOUT_S = 5.0
LAST_WORDS_TIMEOUT_S = 2.0
DEFAULT_LANGUAGE = "en-US"

log = logging.getLogger(__name__)


class Line:
    """Runs one call. Make it, `await run()`, and forget it."""

    def __init__(
        self,
        call: Call,
        equipment: Equipment,
        report: Callable[[Happening], Awaitable[None]],
        cancelled: asyncio.Event,
    ) -> None:
        language = call.request.language or DEFAULT_LANGUAGE
        self._clock = equipment.clock
        self._report = report
        self._cancelled = cancelled
        self._loop = asyncio.get_running_loop()
        self._inbox: asyncio.Queue[Inbound] = asyncio.Queue()
        self._call_id = call.id
        receive = self._inbox.put_nowait
        self._leg = Leg(call, equipment, receive)
        self._hearing = Hearing(call.id, language, equipment.ears, self._leg.listen_along, receive)
        self._speaking = Speaking(call.id, language, equipment.voice, self._leg, receive)
        self._thoughts = Thoughts(call.id, equipment.make_mind(), receive)
        self._brief = brief_of(
            call.request,
            today=equipment.today(),
            language=language,
            on_behalf_of=equipment.on_behalf_of,
            transfers=equipment.transfers,
        )
        self._conversation = Conversation(self._brief, asks_ahead=self._thoughts.may_be_asked_ahead)
        self._ledger = Ledger()
        self._keypad = Keypad()
        self._ringing = ringing.Ringing(
            call.id, self._leg, equipment.trunks.ring_timeout_s, self._tell_ringing
        )
        self._answered_at = 0.0
        self._recording_ms: int | None = None
        self._media: MediaFacts | None = None
        # Whether there is a row of sound still to be closed; and whether it went in the middle of the talk.
        self._media_open = False
        self._media_lost = False

    async def run(self) -> None:
        """The whole call. Never raises for what the far side or a vendor does; reports LineEnded last.

        Where it does raise (cancelled, or a fault of our own), the phone has been put down all the same.
        """
        watcher = asyncio.create_task(self._watch_for_cancel())
        try:
            unanswered = await self._dial()
            ending = await self._talk() if unanswered is None else await self._give_up(unanswered)
        except BaseException:
            # Broken off from outside or by a fault of ours: the far phone is not left off the hook.
            self._leg.abandon()
            raise
        finally:
            watcher.cancel()
            self._leg.leave()
            for part in (self._thoughts, self._speaking, self._hearing):
                part.close()
        await self._report(ending)

    # --- dial -----------------------------------------------------------------------------------------

    async def _dial(self) -> Unanswered | None:
        """Ring the phone. None once somebody picked up, else why nobody did."""
        if not await self._leg.open():
            return dialing.MEDIA_LOST
        self._media_open = True
        self._hearing.prepare(self._conversation.expectation)
        self._thoughts.prepare(self._brief, self._expect_to_say)
        outcome = await self._ringing.run(self._next)
        self._media_open = not self._ringing.media_lost
        return await self._pick_up(outcome) if isinstance(outcome, sip.Answered) else outcome

    async def _tell_ringing(self, early_media: bool) -> None:
        await self._report(Ringing(self._clock.epoch(), early_media))

    async def _pick_up(self, event: sip.Answered) -> Unanswered | None:
        if not self._leg.connect(event.sdp):
            self._leg.hang_up(self._leg.why_unusable.replace("_", " "))
            return dialing.unusable(self._leg.why_unusable)
        self._leg.start_recording()
        self._hearing.begin()
        self._answered_at = self._loop.time()
        await self._report(Answered(self._clock.epoch()))
        return None

    def _expect_to_say(self, words: str) -> None:
        """The mind's likely first words, as the conversation will say them."""
        self._speaking.prepare(f"{disclosure(self._brief)} {words}")

    async def _give_up(self, unanswered: Unanswered) -> LineEnded:
        ended_at = self._clock.epoch()
        await self._close_media()
        return LineEnded(
            at=ended_at,
            state=unanswered.state,
            ended_by=unanswered.ended_by,
            end_reason=unanswered.end_reason,
            error=unanswered.error,
            sip=self._ringing.facts.facts,
            mind=self._thoughts.mind.name,
            usage=self._thoughts.mind.usage,
        )

    # --- talk -----------------------------------------------------------------------------------------

    async def _talk(self) -> LineEnded:
        """Hold the conversation until somebody ends it."""
        conversation = self._conversation
        conversation.receive_answered(self._now())
        # Exchanges that put two calls together answer on hold, and connect later.
        conversation.hold.receive(self._leg.is_held, self._now())
        if (since := self._ringing.early.voice_since) is not None:
            conversation.receive_speech_started(since - self._answered_at, self._now())
        ended_by: EndedBy | None = None
        while ended_by is None:
            ended_by = await self._act()
            if ended_by is not None:
                break
            deadline = conversation.next_deadline()
            event = await self._next(None if deadline is None else self._answered_at + deadline)
            if event is None:
                conversation.handle_deadline(self._now())
            else:
                ended_by = self._receive(event)
            if conversation.heard_since is None:
                # The turn was closed without its words: nobody waits for them any more.
                self._hearing.take_back()
        ended_at = self._clock.epoch()
        if ended_by != "contact":
            self._leg.hang_up()
        await self._hear_last_words(await self._close_media())
        await self._act()
        return self._ending(ended_by, ended_at)

    def _receive(self, event: Inbound) -> EndedBy | None:
        """Tell the conversation what came in; who ended the call, where that is what came."""
        conversation, now = self._conversation, self._now()
        self._ledger.receive(event, now)
        match event:
            case sound.SpeechStarted() if not conversation.hold.is_on:
                conversation.receive_speech_started(event.at_ms / 1000, now)
            case sound.SpeechPiece():
                self._hearing.push(event.ulaw)
            case sound.SpeechPaused():
                conversation.receive_pause(event.at_ms / 1000, now)
                self._hearing.pause(event.at_ms / 1000, conversation.heard_since, conversation.expectation)
            case sound.SpeechResumed():
                conversation.receive_resumed(now)
            case sound.SpeechStopped():
                self._on_speech_stopped(event, now)
            case Guessed() if self._hearing.is_newest(event.number):
                guess = event.recognition
                conversation.receive_guess(guess.text, guess.confidence, event.until_s, now)
            case Transcribed() if self._hearing.is_latest(event):
                heard = event.recognition or Recognition("", 0.0)
                start_s, end_s = self._hearing.turn.start_s, self._hearing.turn.end_s
                end_s = end_s if event.until_s is None else event.until_s
                conversation.receive_text(heard.text, heard.confidence, start_s, end_s, now)
            case sound.ClipStarted():
                conversation.receive_clip_started(event.clip_id, event.at_ms / 1000, now)
            case sound.ClipEnded():
                self._on_outcome(self._speaking.receive_clip_ended(event), event.at_ms / 1000, now)
            case VoicePiece():
                self._speaking.receive_piece(event)
            case VoiceFailed():
                self._on_outcome(self._speaking.receive_failure(event), now, now)
            case Spoke():
                conversation.receive_words(event.request_id, event.text, now)
            case MindFailed():
                conversation.receive_reply(event.request_id, self._honest_goodbye(), now)
            case Replied():
                conversation.receive_reply(event.request_id, event.decision, now)
            case sound.ToneHeard():
                conversation.receive_tone(event.kind, event.at_ms / 1000, now)
            case sound.DigitHeard() if self._keypad.pressed_by_sound(now):
                conversation.receive_digit(event.digit, event.at_ms / 1000, now)
            case sip.InfoReceived():
                key = self._keypad.pressed_by_info(event.body, event.content_type, now)
                if key is not None:
                    conversation.receive_digit(key, now, now)
            case sip.Reinvited() | sip.Acknowledged() | sip.Reoffered():
                self._leg.reconnect(event.sdp)
                conversation.hold.receive(not event.flow.we_send, now)
            case sip.Referred():
                conversation.receive_transfer(event.succeeded, now)
            case sip.HungUp():
                return self._on_hung_up(event, now)
            case CancelRequested():
                conversation.receive_hang_up("api", now)
                return "api"
            case sound.Lost():
                self._media_open, self._media_lost = False, True
                conversation.receive_hang_up("network", now)
                return "server"
            case _:
                pass
        return None

    def _on_hung_up(self, event: sip.HungUp, now: float) -> EndedBy:
        if event.by != "network":
            self._conversation.receive_hang_up("contact", now)
            return "contact"
        log.warning("the far side is gone", extra={"call_id": self._call_id, "why": event.reason})
        self._conversation.receive_hang_up("network", now)
        return "network"

    def _honest_goodbye(self) -> Decision:
        """A mind that broke leaves nobody to say what comes next: the contact is told so."""
        words = phrases_for(self._brief.language).technical_problem
        return Decision(words, then="hang_up", end_reason="mind_failed")

    async def _act(self) -> EndedBy | None:
        """Carry out what the conversation wants; "agent" once it wants to hang up."""
        while (wish := self._conversation.next_event()) is not None:
            self._ledger.carry_out(wish, self._now())
            match wish:
                case talk.Say():
                    self._speaking.say(wish)
                case talk.Prepare():
                    self._speaking.prepare(wish.text)
                case talk.Discard():
                    self._speaking.discard(wish.text)
                case talk.StopSpeaking():
                    now = self._now()
                    for outcome in self._speaking.stop():
                        self._on_outcome(outcome, now, now)
                case talk.Think():
                    self._thoughts.think(wish)
                case talk.Confirm():
                    await self._thoughts.confirm()
                case talk.StopThinking():
                    self._thoughts.stop()
                case talk.Transfer():
                    self._leg.transfer(wish.target.number)
                case talk.PressKeys():
                    self._leg.press(wish.digits)
                case talk.TurnEnded():
                    if wish.turn.role == "agent":
                        self._leg.caption(wish.turn.text)
                    await self._report(TurnHeard(wish.turn))
                case talk.Finish():
                    return "agent"
        self._speaking.sweep()
        return None

    def _on_speech_stopped(self, event: sound.SpeechStopped, now: float) -> None:
        if self._conversation.hold.is_on and self._conversation.heard_since is None:
            return  # hold music is not worth a recogniser's time
        start_s, end_s = event.start_ms / 1000, event.end_ms / 1000
        expected, since_s = self._conversation.expectation, self._conversation.heard_since
        self._hearing.add(event.ulaw, start_s, end_s, since_s, expected)
        self._conversation.receive_speech_stopped(start_s, end_s, now)
        self._hearing.recognise(self._conversation.expectation)

    def _on_outcome(self, outcome: Outcome | None, at: float, now: float) -> None:
        """An utterance is over: the conversation decides what follows."""
        if outcome is None:
            return
        if outcome.voice_failed:
            self._conversation.receive_voice_failed(outcome.utterance_id, at, outcome.fraction, now)
        else:
            self._conversation.receive_clip_ended(outcome.utterance_id, at, outcome.fraction, now)

    # --- close ----------------------------------------------------------------------------------------

    async def _hear_last_words(self, missed: list[Inbound]) -> None:
        """Words that were being said or recognised when the line went belong to the transcript.

        Sound first: closing the line ends a turn in its middle, and what was made of less is out of date.
        """
        for kinds in ((sound.SpeechPiece, sound.SpeechStopped), (Transcribed,)):
            for each in missed:
                if isinstance(each, kinds):
                    self._receive(each)
        give_up_at = self._loop.time() + LAST_WORDS_TIMEOUT_S
        while self._conversation.heard_since is not None and self._hearing.is_recognising:
            event = await self._next(give_up_at)
            if event is None:
                return
            if isinstance(event, Transcribed):
                self._receive(event)

    async def _close_media(self) -> list[Inbound]:
        """Finish the WAV and wait until it is whole on disk; everything else that came in meanwhile."""
        missed: list[Inbound] = []
        if not self._media_open:
            return missed
        self._media_open = False
        self._leg.close_media()
        give_up_at = self._loop.time() + MEDIA_CLOSE_TIMEOUT_S
        while (event := await self._next(give_up_at)) is not None:
            if isinstance(event, sound.Lost):
                break
            if isinstance(event, sound.Closed):
                self._recording_ms = event.stats.duration_ms
                self._media = media_facts(event.stats)
                break
            missed.append(event)
        return missed

    def _ending(self, ended_by: EndedBy, ended_at: float) -> LineEnded:
        conversation = self._conversation
        latency = self._ledger.facts(conversation.turns, conversation.dead_air)
        tell_silences(self._call_id, latency)
        reason = conversation.end_reason or "hung_up"
        nobody = outcomes.OUTCOME_OF_END_REASON.get(reason)
        error = "media_lost" if self._media_lost else nobody.error if nobody else None
        return LineEnded(
            at=ended_at,
            state="failed" if error else "post",
            ended_by=ended_by,
            end_reason="media_lost" if self._media_lost else reason,
            error=error,
            answered_by=conversation.answered_by,
            answering=conversation.verdicts.answering,
            sip=self._ringing.facts.facts,
            turns=conversation.turns,
            recording_ms=self._recording_ms,
            latency=latency,
            media=self._media,
            mind=self._thoughts.mind.name,
            usage=self._thoughts.mind.usage,
        )

    # --- plumbing -------------------------------------------------------------------------------------

    def _now(self) -> float:
        """Seconds since the answer."""
        return self._loop.time() - self._answered_at

    async def _next(self, deadline: float | None) -> Inbound | None:
        """The next thing that happened, or None at `deadline` (loop time)."""
        try:
            async with asyncio.timeout_at(deadline):
                return await self._inbox.get()
        except TimeoutError:
            return None

    async def _watch_for_cancel(self) -> None:
        await self._cancelled.wait()
        self._inbox.put_nowait(CancelRequested())
