"""What a line reports while a call runs: plain facts, each with its moment (epoch seconds).

The line knows no store and the switchboard no sockets; these values are all that passes between them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from byourside_server.calls.answering import Answering
from byourside_server.calls.call import SipFacts
from byourside_server.calls.latency import LatencyFacts
from byourside_server.calls.media_facts import MediaFacts
from byourside_server.calls.transcript import Turn
from byourside_server.providers.base import Usage

EndedBy = Literal["agent", "contact", "api", "network", "server"]


@dataclass(frozen=True)
class Ringing:
    """The far phone rings (180), or plays sound before answering (183 with SDP)."""

    at: float
    early_media: bool = False


@dataclass(frozen=True)
class Answered:
    """The far side picked up: the recording's zero."""

    at: float


@dataclass(frozen=True)
class TurnHeard:
    """A turn has been said to its end, by either side."""

    turn: Turn


@dataclass(frozen=True)
class LineEnded:
    """The line is over. Said exactly once, last.

    `state` is the lifecycle state to go to: "post" where the call was answered (analysis follows),
    otherwise no_answer, declined, failed or canceled. `error` is a token on failed calls.
    """

    at: float
    state: str
    ended_by: EndedBy
    end_reason: str
    error: str | None = None
    answered_by: str | None = None
    answering: Answering | None = None
    sip: SipFacts = field(default_factory=SipFacts)
    turns: tuple[Turn, ...] = ()
    recording_ms: int | None = None
    latency: LatencyFacts = field(default_factory=LatencyFacts)
    media: MediaFacts | None = None
    mind: str = "embedded"
    usage: Usage = field(default_factory=Usage)


Happening = Ringing | Answered | TurnHeard | LineEnded
