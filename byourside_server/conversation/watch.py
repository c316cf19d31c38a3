"""Who keeps whom waiting: tells the watch over dead air what the agent's words are kept by.

Looks at ears, mouth and thought; changes none of them but to have a filler said.
"""

from __future__ import annotations

from byourside_server.conversation.agent import Agent
from byourside_server.conversation.dead_air import Cause, DeadAir
from byourside_server.conversation.listening import Ears
from byourside_server.conversation.on_hold import OnHold
from byourside_server.conversation.phrases import Phrases
from byourside_server.conversation.timers import Timers


class Watch:
    """The silences of one conversation in which the agent owes words."""

    def __init__(self, ears: Ears, agent: Agent, timers: Timers, phrases: Phrases) -> None:
        self._ears = ears
        self._agent = agent
        self._phrases = phrases
        self._fillers = 0
        self.air = DeadAir(timers)
        self.hold = OnHold(timers, agent, ears, self.air)

    def look(self, phase: str, at: float, now: float, *, is_waiting: bool) -> None:
        """Something happened `at`: who waits for whom since then?"""
        cause = self._waits_for(phase, is_waiting=is_waiting)
        if cause is not None and self._agent.mouth.is_filler_sounding:
            self.air.observe_filler(at)
        else:
            self.air.observe(cause, at, now)

    def _waits_for(self, phase: str, *, is_waiting: bool) -> Cause | None:
        mouth, ears = self._agent.mouth, self._ears
        if phase in ("machine", "transfer", "over") or mouth.is_playing or ears.is_hearing or mouth.is_muted:
            return None
        if phase == "opening":
            return "recognition" if not is_waiting and ears.is_waiting_for_greeting else None
        if mouth.has_more and ears.turn is not None:
            return "recognition"
        if mouth.has_more or (mouth.saying is not None and not mouth.is_filling):
            return "voice"
        if self._agent.thought.is_pending:
            return "mind"
        return "recognition" if phase == "talk" and not is_waiting and ears.is_waiting_for_words else None

    def fill(self, now: float) -> None:
        """Say something short, each time something else."""
        is_second = self.air.fillers % 2 == 1
        self.air.fill(now)
        if not self._agent.mouth.is_filling:
            fillers = self._phrases.fillers
            text = self._phrases.still_here if is_second else fillers[self._fillers % len(fillers)]
            self._agent.fill(text)
            self._fillers += not is_second

    def words_to_prepare(self) -> tuple[str, ...]:
        """What must be at hand when all else is slow."""
        return (*self._phrases.fillers, self._phrases.still_here, self._phrases.technical_problem)
