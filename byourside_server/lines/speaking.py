"""The agent's words on their way to the ear: made, played piece by piece, cut, and how far they came.

Knows utterances, sounds and clips; an utterance's number is its clip's. Decides nothing: what the talk wants
said comes in, and an `Outcome` goes out for each utterance, once.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass

from byourside_server.conversation.events import Say
from byourside_server.lines.inbound import Inbound, VoiceFailed, VoicePiece
from byourside_server.lines.leg import Leg
from byourside_server.lines.sound import Shelf, Sound
from byourside_server.lines.tasks import Tasks
from byourside_server.media.messages import ClipEnded
from byourside_server.providers.base import ProviderError, ProviderErrorKind, TextToSpeech

log = logging.getLogger(__name__)

# Speech this long over the agent's own is an interruption; shorter is a cough or an echo.
BARGE_IN_AFTER_MS = 160
# Until that is known the agent stands still, and goes on to the sample where it was nothing.
HOLD_AFTER_MS = 64
BYTES_PER_MS = 8
PIECE_BYTES = 100 * BYTES_PER_MS
# What there is goes out when so little is left to play, however small it is.
RUNNING_DRY_S = 0.06
# A voice that leaves the ear so long in mid-sentence has broken off, whatever it may still be doing.
DRY_PATIENCE_S = 1.0
# Speed of speech, to reckon what share was played of words whose whole length was never known.
CHARACTERS_PER_S = 15.0
MOST_WITHOUT_THE_END = 0.95


@dataclass(frozen=True)
class Outcome:
    """An utterance is over: the share of its words that was played; whether the voice failed in it."""

    utterance_id: int
    fraction: float
    voice_failed: bool


@dataclass
class Utterance:
    """What was handed to the line of one utterance."""

    wish: Say
    sound: Sound
    playing: asyncio.Task[None] | None = None
    sent_bytes: int = 0
    is_whole: bool = False
    has_failed: bool = False

    def fraction(self, played_ms: int) -> float:
        """The share that was heard, by the sound's real length where it is known."""
        if self.is_whole:
            return min(1.0, played_ms * BYTES_PER_MS / max(1, self.sent_bytes))
        words_s = max(1, len(self.wish.text)) / CHARACTERS_PER_S
        return min(MOST_WITHOUT_THE_END, played_ms / 1000 / words_s)


class Speaking:
    """The mouth of one line."""

    def __init__(
        self,
        call_id: str,
        language: str,
        voice: TextToSpeech,
        leg: Leg,
        receive: Callable[[Inbound], None],
    ) -> None:
        self._call_id = call_id
        self._leg = leg
        self._receive = receive
        self._shelf = Shelf(voice, language)
        self._tasks = Tasks()
        self._utterances: dict[int, Utterance] = {}
        self._has_spoken = False

    # --- what the talk wants --------------------------------------------------------------------------

    def prepare(self, text: str) -> None:
        """Have this made: it will be said, exactly so.

        What is prepared before the first words is kept for the whole call: fillers and the last words are.
        """
        self._shelf.prepare(text, keep=not self._has_spoken)

    def discard(self, text: str) -> None:
        """What was prepared ahead is not to be said."""
        self._shelf.discard(text)

    def say(self, wish: Say) -> None:
        """Say it as soon as there is any of its sound."""
        self._has_spoken = True
        utterance = Utterance(wish, self._shelf.take(wish.text))
        self._utterances[wish.utterance_id] = utterance
        utterance.playing = self._tasks.start(self._play(utterance))

    def stop(self) -> list[Outcome]:
        """Fall silent at once; the outcomes of what had not begun. Of the rest the line will tell."""
        unheard = [number for number, each in self._utterances.items() if not each.sent_bytes]
        for utterance in self._utterances.values():
            self._let_go(utterance)
        self._leg.stop_playing()
        for number in unheard:
            del self._utterances[number]
        return [Outcome(number, 0.0, voice_failed=False) for number in unheard]

    def sweep(self) -> None:
        """All that the talk wanted at this moment has been said: what it let go of is made no further."""
        self._shelf.sweep()

    def close(self) -> None:
        """Let nothing more come back."""
        for utterance in self._utterances.values():
            self._let_go(utterance)
        self._tasks.cancel()
        self._shelf.close()

    # --- what comes of it -----------------------------------------------------------------------------

    def receive_piece(self, piece: VoicePiece) -> None:
        """Play the next piece of an utterance, unless that was cut meanwhile."""
        utterance = self._utterances.get(piece.utterance_id)
        if utterance is None or utterance.playing is None:
            return
        if not utterance.sent_bytes:
            self._leg.allow_barge_in(BARGE_IN_AFTER_MS if utterance.wish.barge_in else None, HOLD_AFTER_MS)
        self._leg.play(piece.utterance_id, piece.ulaw, last=piece.last)
        utterance.sent_bytes += len(piece.ulaw)
        utterance.is_whole = piece.last

    def receive_failure(self, failed: VoiceFailed) -> Outcome | None:
        """The voice gave up: what it made is still played; the outcome at once where that is nothing."""
        utterance = self._utterances.get(failed.utterance_id)
        if utterance is None or utterance.playing is None:
            return None
        utterance.has_failed = True
        if utterance.sent_bytes:
            self._leg.play(failed.utterance_id, b"", last=True)
            return None
        del self._utterances[failed.utterance_id]
        return Outcome(failed.utterance_id, 0.0, voice_failed=True)

    def receive_clip_ended(self, event: ClipEnded) -> Outcome | None:
        """The sound is over, by itself or by an interruption."""
        utterance = self._utterances.pop(event.clip_id, None)
        if utterance is None:
            return None
        self._let_go(utterance)
        if event.complete and utterance.has_failed:
            return Outcome(event.clip_id, utterance.fraction(event.played_ms), voice_failed=True)
        fraction = 1.0 if event.complete else utterance.fraction(event.played_ms)
        return Outcome(event.clip_id, fraction, voice_failed=False)

    # --- beside the talk ------------------------------------------------------------------------------

    def _let_go(self, utterance: Utterance) -> None:
        if utterance.playing is not None:
            utterance.playing.cancel()
            utterance.playing = None
        self._shelf.give_back(utterance.wish.text, utterance.sound)

    async def _play(self, utterance: Utterance) -> None:
        """Hand on the sound as it comes: the first of it at once, then in pieces of 100 ms or more."""
        number, sound = utterance.wish.utterance_id, utterance.sound
        sent, dry_at = 0, 0.0
        while await _next_piece(sound, sent, dry_at):
            piece, is_last = bytes(sound.ulaw[sent:]), sound.is_whole
            if piece or is_last:
                self._receive(VoicePiece(number, piece, is_last))
            if is_last:
                return
            if sound.is_over:
                break
            sent += len(piece)
            now = asyncio.get_running_loop().time()
            dry_at = max(dry_at, now) + len(piece) / BYTES_PER_MS / 1000
        else:
            sound.give_up(ProviderError(ProviderErrorKind.TIMED_OUT, "it fell silent in mid-sentence"))
        self._log_failure(sound)
        self._receive(VoiceFailed(number))

    def _log_failure(self, sound: Sound) -> None:
        extra, failure = {"call_id": self._call_id}, sound.failure
        if isinstance(failure, ProviderError):
            log.error("text-to-speech failed", extra={**extra, "why": str(failure)})
        elif failure is not None:
            log.error("text-to-speech broke", extra=extra, exc_info=failure)
        else:
            log.error("text-to-speech made no sound", extra=extra)


async def _next_piece(sound: Sound, sent: int, dry_at: float) -> bool:
    """Wait for 100 ms more; for anything at all at the beginning, and where playing is about to run dry.

    False where playing ran dry long ago and nothing more came.
    """
    if not sent:
        await sound.reach(1)
        return True
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout_at(dry_at - RUNNING_DRY_S):
            await sound.reach(sent + PIECE_BYTES)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout_at(dry_at + DRY_PATIENCE_S):
            await sound.reach(sent + 1)
            return True
    return False
