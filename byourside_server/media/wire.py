"""Messages between the two processes as length-prefixed bytes.

Knows the dataclasses of `messages` by their field types; no field is named here, so a message that gains
one needs no change. A frame is: length (u32), number of the message type (u8), then what has a fixed size,
fields in order (of text and bytes the length), then the texts and bytes themselves. A nested dataclass
stands as its fields; an optional field as whether it is there, and its value or 0.
"""

import struct
from array import array
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from operator import attrgetter
from typing import Any, get_type_hints

from byourside_server.media import messages
from byourside_server.media.messages import Command, Event

_LENGTH = struct.Struct("<I")

TYPES: tuple[type, ...] = (
    messages.Open,
    messages.Connect,
    messages.StartRecording,
    messages.Play,
    messages.Clear,
    messages.BargeIn,
    messages.ListenAlong,
    messages.SendDtmf,
    messages.Close,
    messages.AskStats,
    messages.Opened,
    messages.OpenFailed,
    messages.FirstPacket,
    messages.SpeechStarted,
    messages.SpeechPiece,
    messages.SpeechPaused,
    messages.SpeechResumed,
    messages.SpeechStopped,
    messages.ClipStarted,
    messages.ClipEnded,
    messages.ToneHeard,
    messages.DigitHeard,
    messages.Closed,
    messages.Lost,
    messages.EngineStats,
)
"""Position is the number on the wire. Both processes are started from the same code."""

_VARYING: dict[object, tuple[Callable[[Any], bytes], Callable[[bytes], Any]]] = {
    bytes: (bytes, bytes),
    str: (str.encode, bytes.decode),
    tuple[int, ...]: (lambda values: array("q", values).tobytes(), lambda data: tuple(array("q", data))),
}
"""Fields of no fixed size: to bytes and back."""

_FORMATS: dict[object, str] = {
    **dict.fromkeys(_VARYING, "I"),
    int: "q",
    int | None: "?q",
    float: "d",
    float | None: "?d",
    bool: "?",
}


def _leaves(kind: type, path: str = "") -> list[tuple[str, Any]]:
    """Dotted name and type of every field, those of nested dataclasses in their place."""
    hints, found = get_type_hints(kind), []
    for field in fields(kind):
        hint = hints[field.name]
        name = path + field.name
        if is_dataclass(hint):
            assert isinstance(hint, type)
            found += _leaves(hint, f"{name}.")
        else:
            found.append((name, hint))
    return found


def _maker(kind: type) -> Callable[[list[Any]], Any]:
    """What makes a `kind` of the values of its leaves."""
    hints, spans, at = get_type_hints(kind), [], 0
    for field in fields(kind):
        hint = hints[field.name]
        if is_dataclass(hint):
            assert isinstance(hint, type)
            width = len(_leaves(hint))
            spans.append((at, at + width, _maker(hint)))
            at += width
        else:
            at += 1

    def make(values: list[Any]) -> Any:
        for start, end, make_inner in reversed(spans):
            values[start:end] = [make_inner(values[start:end])]
        return kind(*values)

    return make


class _Layout:
    """One message type: how its fields lie in a frame."""

    def __init__(self, number: int, kind: type) -> None:
        leaves = _leaves(kind)
        hints = [hint for _, hint in leaves]
        self._number = number
        self._head = struct.Struct("<IB" + "".join(_FORMATS[hint] for hint in hints))
        names = [name for name, _ in leaves]
        self._values: Callable[[object], Any] = attrgetter(*names) if names else lambda _: ()
        self._is_alone = len(names) == 1
        self._varying = [(at, *_VARYING[hint]) for at, hint in enumerate(hints) if hint in _VARYING]
        self._optional = [at for at, hint in enumerate(hints) if hint in (int | None, float | None)]
        self._make = _maker(kind)

    def encode(self, message: object) -> bytes:
        values = [self._values(message)] if self._is_alone else list(self._values(message))
        tail, size = [], self._head.size - _LENGTH.size
        for at, to_bytes, _ in self._varying:
            data = to_bytes(values[at])
            values[at] = len(data)
            size += len(data)
            tail.append(data)
        for at in reversed(self._optional):
            value = values[at]
            values[at : at + 1] = value is not None, value or 0
        return b"".join((self._head.pack(size, self._number, *values), *tail))

    def decode(self, data: memoryview, at: int) -> Any:
        """The message whose frame begins at `at`."""
        values = list(self._head.unpack_from(data, at)[2:])
        for where in self._optional:
            values[where : where + 2] = [values[where + 1] if values[where] else None]
        start = at + self._head.size
        for where, _, from_bytes in self._varying:
            end = start + values[where]
            values[where] = from_bytes(data[start:end].tobytes())
            start = end
        return self._make(values)


_LAYOUTS = [_Layout(number, kind) for number, kind in enumerate(TYPES)]
_LAYOUT_OF = dict(zip(TYPES, _LAYOUTS, strict=True))


def encode(message: Command | Event) -> bytes:
    return _LAYOUT_OF[type(message)].encode(message)


class MessageReader:
    """Bytes in any portions, whole messages out."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def receive(self, data: bytes) -> list[Any]:
        """Messages completed by these bytes (`Command`s or `Event`s, by the direction they came from)."""
        self._buffer += data
        found, at = [], 0
        with memoryview(self._buffer) as view:
            while len(view) - at >= _LENGTH.size:
                end = at + _LENGTH.size + _LENGTH.unpack_from(view, at)[0]
                if len(view) < end:
                    break
                found.append(_LAYOUTS[view[at + _LENGTH.size]].decode(view, at))
                at = end
        del self._buffer[:at]
        return found
