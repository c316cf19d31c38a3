"""What is done while the contact may have finished and it is not sure: the words so far are answered ahead.

Times in seconds since the answer. When a turn is over is not decided here.
"""

from __future__ import annotations

from byourside_server.conversation.listening import ContactTurn
from byourside_server.conversation.open_question import Asked, asked_in_words
from byourside_server.conversation.standing import Standing

LEAD_S = 0.8
"""A reply and its first sound take about so long: sooner than this before the turn may be over, it is not
asked for. Words that lead on ("my number is") are mostly gone on with by then."""

LISTENING_S = 0.35
"""An "uh huh" into our words needs no more silence to be one; those words are gone on with."""


class Foreseeing(Standing):
    """A conversation that thinks ahead."""

    def receive_pause(self, at: float, now: float) -> None:
        """A voice fell still at `at`: a pause, or the end of the turn. Early words may follow."""
        self._ears.pause(at)
        self._foresee(now)

    def receive_resumed(self, now: float) -> None:
        """It was a pause."""
        self._ears.resume()
        self._timers.clear("foresee")
        self._agent.foresight.drop()

    def receive_guess(self, text: str, confidence: float, end: float, now: float) -> None:
        """What the turn's words up to `end` seem to be; the recogniser may still change its mind."""
        if text.strip() and self._ears.may_be_over and end >= self._ears.covered_from:
            self._foresee(now, text.strip(), confidence)

    def _time_turn(self, now: float) -> None:
        """Set when the turn will be over if nothing more is said, and think ahead meanwhile."""
        turn, kinds = self._ears.turn, self.expectation.kinds
        is_greeting = self.answered_by is None
        over_at = self._ears.over_at(kinds, is_greeting=is_greeting, asked=self._asked)
        if turn is not None and over_at is not None and self._phase != "machine":
            if self._phase == "talk" and self._is_listening_sound(turn):
                over_at = min(over_at, turn.voiced_until + LISTENING_S)
            self._timers.set("turn", max(now, over_at))
        self._foresee(now)

    def _is_listening_sound(self, turn: ContactTurn) -> bool:
        """Whether the words only cut us off to show that they are followed."""
        is_known = turn.has_all_text and bool(turn.words) and self._mouth.has_more
        return is_known and self._mouth.was_only_listened_to(turn.words, turn.voiced_until)

    def _foresee(self, now: float, guess: str = "", confidence: float = 0.0) -> None:
        """Ask the mind about the words there are, where the turn may be over with them."""
        turn = self._ears.turn
        if turn is None or not self._may_foresee or not self._ears.may_be_over:
            return
        if not guess and turn.has_all_text:
            guess, confidence = turn.words, turn.confidence
        if not guess or self._agent.is_taking_leave(guess) or self._way.is_queue(guess):
            return
        patience_s = self._ears.patience_s(guess, self.expectation.kinds, self._asked)
        ask_at = turn.voiced_until + patience_s - LEAD_S
        if ask_at > now:
            self._timers.set("foresee", ask_at)
        elif not self._mouth.was_only_listened_to(guess, turn.voiced_until):
            self._agent.foresee(guess, confidence, turn)

    @property
    def _asked(self) -> Asked | None:
        """What our last words asked for."""
        return asked_in_words(self._record.last_words)

    @property
    def _may_foresee(self) -> bool:
        """In the talk, with nothing of ours under way: there an answer is asked for, and nothing else."""
        return (
            self.asks_ahead
            and self._phase == "talk"
            and self._has_opened
            and self.answered_by is not None
            and self._mouth.saying is None
            and not self._agent.thought.is_pending
            and not self._way.hold.is_on
        )
