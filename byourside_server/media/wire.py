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

_VARYING: dict[object, tuple[str, str]] = {
    bytes: ("{0}", "bytes({0})"),
    str: ("{0}.encode()", "str({0}, 'utf-8')"),
    tuple[int, ...]: ("array('q', {0}).tobytes()", "tuple(array('q', bytes({0})))"),
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


class _Layout:
    """One message type: the two functions that lay it into a frame and read it from there.

    Their source is written here, once for each type, as `dataclasses` writes `__init__`: step by step through
    the fields a piece of speech took more than three times as long to encode and twice as long to decode, and
    a thousand calls tell a hundred in every tick.
    """

    def __init__(self, number: int, kind: type) -> None:
        self._formats = "<IB"
        self._names: dict[str, Any] = {"array": array}
        self._fixed: list[str] = []
        self._read: list[str] = []
        self._to_bytes: list[str] = []
        self._from_bytes: list[str] = []
        made = self._lay(kind, "message")
        head = struct.Struct(self._formats)
        self._names |= {"pack": head.pack, "unpack": head.unpack_from, "join": b"".join}
        varying = [line.partition(" = ")[0] for line in self._to_bytes]
        size = " + ".join([str(head.size - _LENGTH.size), *(f"len({name})" for name in varying)])
        laid = ", ".join([f"pack({', '.join([size, str(number), *self._fixed])})", *varying])
        self.encode: Callable[[Any], bytes] = self._written(
            "encode(message)", [*self._to_bytes, f"return join(({laid},))"]
        )
        read = f"{', '.join(['_', '_', *self._read])} = unpack(data, at)"
        self.decode: Callable[[memoryview, int], Any] = self._written(
            "decode(data, at)", [read, f"end = at + {head.size}", *self._from_bytes, f"return {made}"]
        )
        """The message whose frame begins at `at`."""

    def _lay(self, kind: type, path: str) -> str:
        """Lay the fields of a `kind` found at `path`, those of nested dataclasses in their place; returns
        the expression that makes it anew."""
        hints, values = get_type_hints(kind), []
        for field in fields(kind):
            hint, source = hints[field.name], f"{path}.{field.name}"
            if is_dataclass(hint):
                assert isinstance(hint, type)
                values.append(self._lay(hint, source))
                continue
            self._formats += _FORMATS[hint]
            name = f"v{len(self._read)}"
            values.append(name)
            self._read.append(name)
            if hint in _VARYING:
                to_bytes, from_bytes = _VARYING[hint]
                self._to_bytes.append(f"{name} = {to_bytes.format(source)}")
                self._fixed.append(f"len({name})")
                portion = f"data[end : (end := end + {name})]"
                self._from_bytes.append(f"{name} = {from_bytes.format(portion)}")
            elif hint in (int | None, float | None):
                self._fixed += [f"{source} is not None", f"{source} or 0"]
                self._read[-1:] = [f"has_{name}", name]
                self._from_bytes.append(f"{name} = {name} if has_{name} else None")
            else:
                self._fixed.append(source)
        self._names[kind.__name__] = kind
        return f"{kind.__name__}({', '.join(values)})"

    def _written(self, head: str, lines: list[str]) -> Any:
        """The function of that source."""
        source = "\n    ".join([f"def {head}:", *lines])
        exec(source, self._names)
        return self._names[head.partition("(")[0]]


_LAYOUTS = [_Layout(number, kind) for number, kind in enumerate(TYPES)]
_ENCODE = {kind: layout.encode for kind, layout in zip(TYPES, _LAYOUTS, strict=True)}
_DECODE = [layout.decode for layout in _LAYOUTS]


def encode(message: Command | Event) -> bytes:
    return _ENCODE[type(message)](message)


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
                found.append(_DECODE[view[at + _LENGTH.size]](view, at))
                at = end
        del self._buffer[:at]
        return found
