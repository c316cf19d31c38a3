"""The contact's turn in progress: its beginning, its last voiced moment, its words, and when it is over.

Times in seconds since the answer. Knows what silence ends a turn, not what follows from it.
"""

from __future__ import annotations

from dataclasses import dataclass

from byourside_server.conversation.endpointing import TEXT_PATIENCE_S, Endpointing
from byourside_server.conversation.open_question import Asked
from byourside_server.conversation.pickup import Pickup
from byourside_server.conversation.record import Record
from byourside_server.conversation.words import UNINTELLIGIBLE

TEXT_COVERS_S = 0.05
NOISE_S = 0.3  # shorter sound without words is no turn
WORD_S = 0.15  # the shortest "yes": until there are words, it may be one
MIN_CONFIDENCE = 0.2
# The network ends a burst some 90 ms behind its pause (media/edges.py). Where it hears a voice for longer,
# that has gone on, and was too low to be told of, or nobody told any more.
TRAILS_S = 0.3
ANEW_S = 2.0  # of quiet, behind which a menu is read out once more


@dataclass
class ContactTurn:
    """Speech with short pauses in between. `text` is None until there are words, for `text_end`."""

    start: float
    end: float
    burst_start: float
    is_speaking: bool = True
    speech_s: float = 0.0
    text: str | None = None
    confidence: float = 0.0
    text_end: float = -1.0
    still_since: float | None = None
    """Where the voice fell still and has not gone on since: known earlier than the end, and more exactly."""

    @property
    def voiced_until(self) -> float:
        """The last voiced moment, as well as it is known."""
        return self.end if self.still_since is None else self.still_since

    @property
    def words(self) -> str:
        return self.text or ""

    @property
    def has_all_text(self) -> bool:
        return self.text is not None and self.text_end >= self.voiced_until - TEXT_COVERS_S

    @property
    def began_anew(self) -> bool:
        """Whether a voice speaks again, long after what the words are of: no pause between two options."""
        return self.is_speaking and self.burst_start - self.text_end >= ANEW_S

    @property
    def is_noise(self) -> bool:
        """Too short to be speech, and no words were made of it."""
        return self.speech_s < NOISE_S and not self.text


class Ears:
    """Gathers bursts of speech and their words into turns."""

    def __init__(self, record: Record) -> None:
        self._record = record
        self._endpointing = Endpointing()
        self.pickup = Pickup()
        self.turn: ContactTurn | None = None
        self.heard_until = -1.0

    @property
    def is_hearing(self) -> bool:
        """Whether the contact speaks at this moment."""
        return self.turn is not None and self.turn.is_speaking

    @property
    def is_waiting_for_words(self) -> bool:
        """Whether what may be speech is over for now, and its turn is not."""
        turn = self.turn
        if turn is None or turn.is_speaking or turn.has_all_text:
            return False  # with all its words there, it is the contact who may go on
        return turn.speech_s >= WORD_S or bool(turn.text)

    @property
    def is_waiting_for_greeting(self) -> bool:
        """Whether a person seems to have said hello, and it is not our turn yet."""
        return self.is_waiting_for_words and not self.pickup.sounds_like_machine

    @property
    def quiet_since(self) -> float | None:
        """The last voiced moment, None while there is a voice."""
        if self.turn is None:
            return self.heard_until
        return None if self.turn.is_speaking else self.turn.end

    def start(self, at: float) -> None:
        """A voice, from `at` on."""
        if self.turn is None:
            self.turn = ContactTurn(start=at, end=at, burst_start=at)
            self._record.contact_since = at
        elif not self.turn.is_speaking:
            self._endpointing.observe_pause(max(0.0, at - self.turn.end))
            self.turn.is_speaking = True
            self.turn.burst_start, self.turn.still_since = at, None

    def pause(self, at: float) -> None:
        """The voice fell still at `at`; whether that is the end of the burst is not sure yet."""
        if self.turn is not None and self.turn.is_speaking:
            self.turn.still_since = at

    def resume(self) -> None:
        """It goes on."""
        if self.turn is not None:
            self.turn.still_since = None

    @property
    def may_be_over(self) -> bool:
        """Whether the contact is still, for a moment or longer."""
        turn = self.turn
        return turn is not None and (not turn.is_speaking or turn.still_since is not None)

    @property
    def covered_from(self) -> float:
        """Words of the turn up to here or later are all there are."""
        return 0.0 if self.turn is None else self.turn.voiced_until - TEXT_COVERS_S

    def patience_s(self, text: str, kinds: frozenset[str], asked: Asked | None) -> float:
        """The silence after which a turn with these words is over."""
        return self._endpointing.quiet_needed(text, kinds, asked)

    def stop(self, end: float, *, is_greeting: bool) -> None:
        """Quiet since `end`."""
        turn = self.turn
        if turn is None or not turn.is_speaking:
            return
        if turn.still_since is not None and end - turn.still_since > TRAILS_S:
            turn.still_since = None
        burst_s = max(0.0, end - turn.burst_start)
        turn.is_speaking, turn.end = False, max(turn.end, end)
        turn.speech_s += burst_s
        if is_greeting:
            self.pickup.hear_burst(turn.burst_start, max(end, turn.burst_start))

    def take_text(self, text: str, confidence: float, end: float) -> bool:
        """Words of the turn up to `end`, in place of earlier ones; False where they come too late."""
        turn = self.turn
        if turn is None or end <= self.heard_until:
            return False
        if end >= turn.text_end:
            turn.text = text.strip() if confidence >= MIN_CONFIDENCE else ""
            turn.confidence, turn.text_end = confidence, end
        return True

    def over_at(
        self, kinds: frozenset[str], *, is_greeting: bool, asked: Asked | None = None
    ) -> float | None:
        """When the turn is over if nothing more is said; None while a voice is heard.

        A long greeting is a machine's, which minds no silence, and takes long to be recognised.
        """
        turn = self.turn
        if turn is None or turn.is_speaking:
            return None
        text_patience_s = TEXT_PATIENCE_S
        if is_greeting:
            quiet_s = self.pickup.quiet_needed(turn.text)
            text_patience_s += turn.speech_s if self.pickup.sounds_like_machine else 0.0
        else:
            quiet_s = self._endpointing.quiet_needed(turn.words, kinds, asked)
        return turn.voiced_until + (quiet_s if turn.has_all_text else max(quiet_s, text_patience_s))

    def close(self, *, unless_wordless: bool = False) -> ContactTurn | None:
        """The turn in progress becomes part of the transcript; `unless_wordless`, only where it has words."""
        turn, self.turn = self.turn, None
        if turn is None:
            return None
        self.heard_until = turn.end
        self._endpointing.observe_turn()
        if turn.text or not (turn.is_noise or unless_wordless):
            words = turn.text or UNINTELLIGIBLE
            self._record.hear(words, turn.start, turn.end, round(turn.confidence, 3))
        self._record.contact_is_done()
        return turn
