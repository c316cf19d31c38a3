"""The door to whatever decides what the agent says next.

A mind is handed a `Situation` and gives a `Decision`; it hears no sound and keeps no clock. The same door
serves the embedded rules and a language model. One mind serves one call.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

from byourside_server.calls.transcript import Turn
from byourside_server.conversation.brief import Brief
from byourside_server.conversation.menu import Pressed
from byourside_server.providers.base import Expectation, Usage

# Why the mind is asked: the line opened, words came, sound without words came, nothing came, or a menu of
# keys was read out.
Occasion = Literal["opening", "heard", "unclear", "silence", "menu"]

DEFAULT_PATIENCE_S = 6.0

# Told each sentence as soon as it is whole, so that it can be spoken while the next is still being made.
Speak = Callable[[str], None]


@dataclass(frozen=True)
class Situation:
    """Everything a mind may look at.

    `text` is the contact's latest words ("" for none), already the last of `turns` where there are any.
    `open_step` is the question waiting for an answer. `silences` counts those in a row, `unclear` the
    times in a row that sound came without words. `owed` are the sentences and questions that the caller
    demands and that have not been said yet. In a menu `text` is all it said since the last key, `pressed` the
    keys before, and `silences` says that it has fallen silent. `is_back`: we were on hold until now, and
    whoever speaks may be somebody else. `is_ahead`: the contact may go on yet, and then nothing of this was.
    """

    brief: Brief
    turns: tuple[Turn, ...]
    occasion: Occasion
    text: str = ""
    confidence: float = 0.0
    open_step: str | None = None
    silences: int = 0
    unclear: int = 0
    owed: tuple[str, ...] = ()
    pressed: tuple[Pressed, ...] = ()
    is_back: bool = False
    is_ahead: bool = False


@dataclass(frozen=True)
class Decision:
    """What to say and what to do then.

    `say` is what has not been given to `speak` yet: all of it for a mind that does not stream.
    `asks` names the step the words put as a question; `expectation` says what answer may come;
    `patience_s` is how much silence the contact gets. `end_reason` is one of END_REASONS where
    `then` is "hang_up". `keys` are pressed after the words, in a menu only; `transfer_to` is the name of a
    configured target where `then` is "transfer"; "leave_message" says that a machine is listening.
    A mind may ask for anything: what is not allowed is not carried out. `note` is for logs and people.
    """

    say: str
    asks: str | None = None
    expectation: Expectation = field(default_factory=Expectation)
    patience_s: float = DEFAULT_PATIENCE_S
    then: Literal["listen", "hang_up", "transfer", "leave_message"] = "listen"
    end_reason: str | None = None
    keys: str = ""
    transfer_to: str | None = None
    note: str = ""


class Mind(Protocol):
    """Decides what comes next."""

    name: str

    @property
    def usage(self) -> Usage:
        """What language models were asked for this call so far."""
        ...

    async def prepare(self, brief: Brief) -> str | None:
        """Get ready while the phone rings; what it will most likely say first, to be synthesised ahead."""
        ...

    async def reply(self, situation: Situation, speak: Speak) -> Decision:
        """What comes next. Cancelled where the contact goes on speaking; never raises ProviderError."""
        ...


@runtime_checkable
class ForesightedMind(Mind, Protocol):
    """One that may be asked ahead: such a reply leaves no trace in it until `confirm`."""

    def confirm(self) -> None:
        """The last reply made ahead, which may still be in the making, is the answer."""
        ...
