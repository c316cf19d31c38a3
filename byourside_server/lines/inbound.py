"""Everything that can reach a line: signals, sound, and what engines and mind made of it."""

from __future__ import annotations

from dataclasses import dataclass

from byourside_server.conversation.mind import Decision
from byourside_server.lines.route import NoWay, Way
from byourside_server.media import messages as sound
from byourside_server.providers.base import Recognition
from byourside_server.sip import events as sip


@dataclass(frozen=True)
class VoicePiece:
    """The next sound of an utterance; `last` where it is all that was to come."""

    utterance_id: int
    ulaw: bytes
    last: bool


@dataclass(frozen=True)
class VoiceFailed:
    """No more of an utterance will become sound."""

    utterance_id: int


@dataclass(frozen=True)
class Transcribed:
    """Speech has become words, or (`recognition` None) could not. The highest `number` is the latest."""

    number: int
    recognition: Recognition | None
    until_s: float | None = None
    """Of words asked for in a pause: where the voice fell still. None: they are of all that was heard."""


@dataclass(frozen=True)
class Guessed:
    """What speech may become, heard before the recogniser is sure; `Transcribed` with its number follows."""

    number: int
    recognition: Recognition
    until_s: float


@dataclass(frozen=True)
class Spoke:
    """A whole sentence of the mind's reply, while the rest is still being made."""

    request_id: int
    text: str


@dataclass(frozen=True)
class Replied:
    """The mind has decided."""

    request_id: int
    decision: Decision


@dataclass(frozen=True)
class MindFailed:
    """The mind broke over a situation: nobody is left to say what comes next."""

    request_id: int


@dataclass(frozen=True)
class WayFound:
    """A trunk's server to dial, or why there is none (any more)."""

    way: Way | NoWay


class CancelRequested:
    """Somebody asked through the API for this call to end."""


Inbound = (
    sip.SipEvent
    | sound.LineEvent
    | VoicePiece
    | VoiceFailed
    | Transcribed
    | Guessed
    | Spoke
    | Replied
    | MindFailed
    | WayFound
    | CancelRequested
)
