"""Which way does the sound of a call go? Directions, and the holds that take one away (RFC 3264 §8.4).

Knows descriptions only; what is done with a call on hold is the owner's matter.
"""

from __future__ import annotations

from dataclasses import dataclass

from byourside_server.sip import sdp
from byourside_server.sip.sdp import Direction, Sdp, Stream

_SENDS = ("sendrecv", "sendonly")
_RECEIVES = ("sendrecv", "recvonly")
_NOWHERE = ("0.0.0.0", "::")
# A direction without its receiving half, for a side that holds the other.
_WITHOUT_RECEIVING: dict[Direction, Direction] = {"sendrecv": "sendonly", "recvonly": "inactive"}


@dataclass(frozen=True)
class Flow:
    """What both descriptions together allow."""

    # Whether they want our sound now: no while they hold us.
    we_send: bool = True
    # Whether sound of theirs may come: hold music, for one.
    they_send: bool = True


def direction_of(description: Sdp, stream: Stream) -> Direction:
    """A stream's direction; 0.0.0.0 in place of an address is the old way of not receiving."""
    host = stream.host or description.host
    if host in _NOWHERE:
        return without_receiving(stream.direction)
    return stream.direction


def without_receiving(direction: Direction) -> Direction:
    return _WITHOUT_RECEIVING.get(direction, direction)


def flow(local: bytes, remote: bytes) -> Flow:
    """What may flow between the two; a description that is missing or unreadable forbids nothing."""
    ours, theirs = _direction(local), _direction(remote)
    return Flow(
        we_send=ours in _SENDS and theirs in _RECEIVES,
        they_send=ours in _RECEIVES and theirs in _SENDS,
    )


def _direction(body: bytes) -> Direction:
    if not body:
        return "sendrecv"
    try:
        description = sdp.parse(body)
    except sdp.SdpError:
        return "sendrecv"
    stream = description.audio
    # RFC 3264 §8.2: a stream switched off (port 0) carries nothing either way.
    return "inactive" if stream is None else direction_of(description, stream)
