"""Everything that can reach a line: signals, sound, and what engines and mind made of it."""

from __future__ import annotations

from dataclasses import dataclass

from byourside_server.conversation.mind import Decision
from byourside_server.media import messages as sound
from byourside_server.providers.base import Recognition
from byourside_server.sip import events as sip


@dataclass(frozen=True)
class Synthesized:
    """An utterance has become sound, or (`ulaw` None) could not."""

    utterance_id: int
    ulaw: bytes | None
    barge_in: bool


@dataclass(frozen=True)
class Transcribed:
    """Speech has become words, or (`recognition` None) could not. The highest `number` is the latest."""

    number: int
    recognition: Recognition | None


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

    error: Exception


class CancelRequested:
    """Somebody asked through the API for this call to end."""


Inbound = (
    sip.SipEvent
    | sound.LineEvent
    | Synthesized
    | Transcribed
    | Spoke
    | Replied
    | MindFailed
    | CancelRequested
)
