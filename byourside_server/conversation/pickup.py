"""Who picked up? A person, a machine, or not to be told yet.

Goes by cadence (a person says little and waits), by words, and by the beep. Times in seconds since the
answer. The limits are those measured with synthetic greetings: a first burst of at most
1.8 s followed by 0.6 s of silence is a person, 2.8 s of speech without a person's words is a machine.
"""

from __future__ import annotations

from byourside_server.conversation.machine_words import machine_of

SHORT_GREETING_S = 1.8
SHORT_QUIET_S = 0.6
LONG_QUIET_S = 1.2
MACHINE_SPEECH_S = 2.8
SURE_MACHINE_SPEECH_S = 6.0
UNWORDED_QUIET_S = 3.0  # a long greeting nobody understood: a beep may still come
MANY_BURSTS = 5


class Pickup:
    """The evidence about one greeting."""

    def __init__(self) -> None:
        self._speech_s = 0.0
        self._bursts = 0

    def hear_burst(self, duration_s: float) -> None:
        """One stretch of speech, as voice activity cut it."""
        self._speech_s += duration_s
        self._bursts += 1

    @property
    def sounds_like_machine(self) -> bool:
        return self._speech_s >= MACHINE_SPEECH_S or self._bursts >= MANY_BURSTS

    def quiet_needed(self, text: str | None) -> float:
        """The silence after which the greeting is over."""
        if self._speech_s <= SHORT_GREETING_S and self._bursts <= 2:
            return SHORT_QUIET_S
        if self.sounds_like_machine and not text:
            return UNWORDED_QUIET_S
        return LONG_QUIET_S

    def verdict(self, text: str) -> str:
        """Who it was, once the greeting is over: human, voicemail, ivr, screening or unknown."""
        machine = machine_of(text)
        if machine is not None:
            return machine
        if text or not self.sounds_like_machine:
            return "human"
        return "voicemail" if self._speech_s >= SURE_MACHINE_SPEECH_S else "unknown"
