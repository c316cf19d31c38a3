"""The book of one call's response times: which stage began and ended when, between their words and ours.

Looks on at what comes in and what is carried out; changes nothing, has no clock. Moments are seconds since
the answer: those of speech and clips as the recording has them, all others as the line met them (the two run
apart by less than a tick of 20 ms and the message between).

Holds whatever happens ahead of its turn as well: a mind asked, or a sound ordered, before the contact's turn
is decided to be over belongs to the answer it ends up in. What was taken back belongs to none.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from byourside_server.calls.latency import LatencyFacts, Silence, TurnLatency
from byourside_server.calls.transcript import Turn
from byourside_server.conversation import events as talk
from byourside_server.conversation.dead_air import Cause
from byourside_server.lines.inbound import Inbound, Replied, Spoke, Transcribed, VoicePiece
from byourside_server.media import messages as sound

# The mind is asked about silences as well, and those are no words of theirs to be answered.
_ANSWERING = frozenset({"opening", "heard", "unclear", "menu"})
# A turn's beginning on the record was rounded on another way.
_ROUNDING_MS = 1

log = logging.getLogger(__name__)


@dataclass
class _Answer:
    """Moments on the way to one answer, None until they come."""

    quiet: float | None = None
    words: float | None = None
    text: str = ""
    decided: float | None = None
    mind_asked: float | None = None
    first_token: float | None = None
    request_id: int | None = None
    ordered: dict[str, float] = field(default_factory=dict)
    """Sounds ordered, by their words."""


@dataclass
class _Said:
    """An answer whose sound has not begun yet."""

    answer: _Answer
    replies_to: float
    voice_asked: float
    said: float
    first_audio: float | None = None


class Ledger:
    """Kept by one line."""

    def __init__(self) -> None:
        self._answer = _Answer()
        self._said: dict[int, _Said] = {}
        self._entries: list[tuple[int, TurnLatency]] = []
        """Each with the moment its sound began, ms."""
        self._latest_words = 0

    def receive(self, event: Inbound, now: float) -> None:
        """Something came in."""
        answer = self._answer
        match event:
            case sound.SpeechStarted() | sound.SpeechResumed():
                answer.quiet = answer.words = None
            case sound.SpeechPaused():
                answer.quiet, answer.words = now, None
            case sound.SpeechStopped() if answer.quiet is None:
                answer.quiet = now
            case Transcribed() if event.number >= self._latest_words:
                self._latest_words = event.number
                self._note_words(event.recognition.text if event.recognition else "", now)
            case Spoke() | Replied() if event.request_id == answer.request_id:
                answer.first_token = now if answer.first_token is None else answer.first_token
            case VoicePiece() if (said := self._said.get(event.utterance_id)) and event.ulaw:
                said.first_audio = now if said.first_audio is None else said.first_audio
            case sound.ClipStarted():
                self._enter(event.clip_id, event.at_ms)
            case _:
                pass

    def carry_out(self, wish: talk.ConversationEvent, now: float) -> None:
        """Something is done for the conversation."""
        answer = self._answer
        match wish:
            case talk.Think():
                is_answer = wish.situation.occasion in _ANSWERING
                answer.mind_asked = now if is_answer else None
                answer.request_id = wish.request_id if is_answer else None
                answer.first_token = None
                answer.ordered.clear()
            case talk.StopThinking():
                answer.mind_asked = answer.first_token = answer.request_id = None
            case talk.TurnEnded() if wish.turn.role == "contact":
                self._decide(wish.turn, now)
            case talk.Prepare():
                answer.ordered.setdefault(wish.text, now)
            case talk.Discard():
                answer.ordered.pop(wish.text, None)
            case talk.Say() if wish.replies_to is not None:
                asked = answer.ordered.setdefault(wish.text, now)
                self._said[wish.utterance_id] = _Said(answer, wish.replies_to, asked, now)
            case talk.StopSpeaking():
                # What has not sounded yet never will as this utterance: words kept for later are said anew.
                self._said.clear()
            case _:
                pass

    def facts(self, turns: Sequence[Turn], silences: Iterable[tuple[float, float, Cause]]) -> LatencyFacts:
        """The whole book, with the turns of the record that its entries belong to."""
        entries = [replace(entry, turn=_turn_at(turns, at_ms)) for at_ms, entry in self._entries]
        return LatencyFacts(
            turns_ms=tuple(entry.total_ms for entry in entries),
            turns=tuple(entries),
            silences=tuple(Silence(_ms(start), _ms(end), cause) for start, end, cause in silences),
        )

    def _note_words(self, text: str, now: float) -> None:
        """The same words, given once more, came when they first did."""
        answer = self._answer
        if answer.words is None or text != answer.text:
            answer.words = now if answer.quiet is not None else None
        answer.text = text

    def _decide(self, turn: Turn, now: float) -> None:
        answer = self._answer
        if answer.mind_asked is not None and _ms(answer.mind_asked) < turn.start_ms:
            # Asked before they said this: its reply was held back, and was no answer to it.
            answer.mind_asked = answer.first_token = answer.request_id = None
        answer.decided = now

    def _enter(self, utterance_id: int, at_ms: int) -> None:
        said = self._said.pop(utterance_id, None)
        if said is None:
            return
        answer, zero = said.answer, said.replies_to

        def after(moment: float | None) -> int | None:
            return None if moment is None else _ms(moment - zero)

        entry = TurnLatency(
            first_packet_ms=at_ms - _ms(zero),
            quiet_ms=after(answer.quiet),
            words_ms=after(answer.words),
            decided_ms=after(answer.decided),
            mind_asked_ms=after(answer.mind_asked),
            first_token_ms=after(answer.first_token),
            voice_asked_ms=after(said.voice_asked),
            said_ms=after(said.said),
            first_audio_ms=after(said.first_audio),
        )
        self._entries.append((at_ms, entry))
        self._answer = _Answer()


def tell_silences(call_id: str, facts: LatencyFacts) -> None:
    """Log every silence that left the contact waiting for words; moments in seconds since the answer."""
    for silence in facts.silences:
        start, end = round(silence.start_ms / 1000, 2), round(silence.end_ms / 1000, 2)
        extra = {"call_id": call_id, "start": start, "end": end, "cause": silence.cause}
        log.warning("dead air", extra=extra)


def _turn_at(turns: Sequence[Turn], at_ms: int) -> int | None:
    for turn in turns:
        if turn.role == "agent" and turn.start_ms - _ROUNDING_MS <= at_ms < max(
            turn.end_ms, turn.start_ms + 1
        ):
            return turn.index
    return None


def _ms(moment: float) -> int:
    return round(moment * 1000)
