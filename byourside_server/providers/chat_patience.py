"""How long to wait for a streamed answer, and for what.

Seconds on the running loop's own clock. Knows no connection.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from byourside_server.providers.chat_answer import ChatAnswer

# After the last word only the count of tokens is to come; it is not worth more waiting.
USAGE_PATIENCE_S = 0.5


@dataclass(frozen=True)
class Patience:
    """How long to wait, in seconds: for a connection, the first word, the next piece, the whole answer."""

    connect_s: float = 1.5
    first_token_s: float = 2.5
    gap_s: float = 4.0
    whole_s: float = 20.0


USUAL_PATIENCE = Patience()


class Watch:
    """Until when to wait next: `deadline` on the loop's clock, and `complaint` for when it has passed."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._now = asyncio.get_running_loop().time
        self._whole_at = self._now() + patience.whole_s
        self.restart()

    def restart(self) -> None:
        """A request goes out: wait for its first word."""
        self._wait(self._patience.first_token_s, f"no first word in {self._patience.first_token_s:g} s")

    def listen(self, answer: ChatAnswer) -> None:
        """The next chunk is waited for; reasoning alone is still silence to whoever waits for words.

        Counted from here, so that a reader who takes his time is not held against the model.
        """
        if answer.finish_reason is not None:
            self._wait(USAGE_PATIENCE_S, "no count of tokens")
        elif answer.has_begun:
            self._wait(self._patience.gap_s, f"it fell silent for {self._patience.gap_s:g} s")

    def _wait(self, seconds: float, complaint: str) -> None:
        self.deadline, self.complaint = self._now() + seconds, complaint
        if self._whole_at < self.deadline:
            self.deadline = self._whole_at
            self.complaint = f"not finished in {self._patience.whole_s:g} s"
