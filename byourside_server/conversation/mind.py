"""The door to whatever decides what the agent says next.

A mind is handed a `Situation` and gives a `Decision`; it hears no sound and keeps no clock. The same door
serves the embedded rules and a language model.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, Protocol

from byourside_server.calls.transcript import Turn
from byourside_server.conversation.brief import Brief
from byourside_server.providers.base import Expectation

# Why the mind is asked: the line opened, words came, sound without words came, or nothing came.
Occasion = Literal["opening", "heard", "unclear", "silence"]

DEFAULT_PATIENCE_S = 6.0


@dataclass(frozen=True)
class Situation:
    """Everything a mind may look at.

    `text` is the contact's latest words ("" for none), already the last of `turns` where there are any.
    `open_step` is the question waiting for an answer. `silences` counts those in a row, `unclear` the
    times in a row that sound came without words.
    """

    brief: Brief
    turns: tuple[Turn, ...]
    occasion: Occasion
    text: str = ""
    confidence: float = 0.0
    open_step: str | None = None
    silences: int = 0
    unclear: int = 0


@dataclass(frozen=True)
class Decision:
    """What to say and what to do then.

    `asks` names the step the words put as a question; `expectation` says what answer may come;
    `patience_s` is how much silence the contact gets. `end_reason` is one of END_REASONS where
    `then` is "hang_up". `note` is for logs and people.
    """

    say: str
    asks: str | None = None
    expectation: Expectation = field(default_factory=Expectation)
    patience_s: float = DEFAULT_PATIENCE_S
    then: Literal["listen", "hang_up"] = "listen"
    end_reason: str | None = None
    note: str = ""


class Mind(Protocol):
    """Decides what comes next."""

    name: str

    async def reply(self, situation: Situation) -> Decision: ...

    def first_words(self, brief: Brief) -> str | None:
        """What it will most likely say first, so that it can be synthesised while the phone rings."""
        ...
