"""What a conversation asks of its owner: plain values, each to be carried out in order."""

from __future__ import annotations

from dataclasses import dataclass, field

from byourside_server.calls.transcript import Turn
from byourside_server.conversation.brief import TransferTarget
from byourside_server.conversation.mind import Situation


@dataclass(frozen=True)
class Say:
    """Speak `text`. At most one utterance is under way; `barge_in` lets the contact's voice cut it.

    `replies_to` is the last voiced moment of the contact's words that this begins to answer.
    """

    utterance_id: int
    text: str
    barge_in: bool
    replies_to: float | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Prepare:
    """Have `text` synthesised: it will be said next, exactly so."""

    text: str


@dataclass(frozen=True)
class Discard:
    """`text`, prepared ahead, will not be said."""

    text: str


@dataclass(frozen=True)
class StopSpeaking:
    """Cut what is being said, or drop what is about to be; then report the clip's end as usual."""


@dataclass(frozen=True)
class Think:
    """Ask the mind what comes next. A newer Think supersedes this one; a late reply is dropped.

    With `situation.is_ahead` nothing may come of the reply until `Confirm`.
    """

    request_id: int
    situation: Situation


@dataclass(frozen=True)
class Confirm:
    """What was asked ahead under this number is the answer now, finished or not."""

    request_id: int


@dataclass(frozen=True)
class StopThinking:
    """What the mind is working on is not wanted any more."""


@dataclass(frozen=True)
class TurnEnded:
    """A turn of either side is complete, in order of speaking."""

    turn: Turn


@dataclass(frozen=True)
class PressKeys:
    """Send these digits as telephone events (RFC 4733)."""

    digits: str


@dataclass(frozen=True)
class Transfer:
    """Hand the call over to this target (blind transfer); then report how that went."""

    target: TransferTarget


@dataclass(frozen=True)
class Finish:
    """Hang up: everything there was to say has been played out. `reason` is one of END_REASONS."""

    ended_by: str
    reason: str


ConversationEvent = (
    Say
    | Prepare
    | Discard
    | StopSpeaking
    | Think
    | Confirm
    | StopThinking
    | TurnEnded
    | PressKeys
    | Transfer
    | Finish
)

# Why a conversation was over, as the record's `endReason` shows it.
END_REASONS: dict[str, str] = {
    "completed": "the agent said goodbye after its last question",
    "voicemail": "a machine answered",
    "fax": "a fax machine answered",
    "not_a_person": "who answered was none of those that the request wants talked to (`hangUpOn`)",
    "unallocated_number": "the network's tones said that nobody has this number",
    "no_response": "the line stayed silent",
    "hung_up": "the contact hung up before the goodbye",
    "menu_dead_end": "a menu of keys led to nobody",
    "screened_out": "call screening did not put the call through",
    "line_lost": "the connection broke",
    "voice_failed": "the agent's speech could not be made",
    "max_duration": "the longest allowed duration was reached",
    "not_interested": "the contact was not interested",
    "do_not_call": "the contact asked not to be called again",
    "wrong_number": "the number belongs to somebody else",
    "canceled": "the caller canceled the call",
    "callback_requested": "the contact asked to be called at another time",
    "transferred": "the call was handed over to a person",
    "mind_failed": "no language model could be reached, and the agent said so",
}
