"""Messages between the two processes as length-prefixed bytes.

Knows the dataclasses of `messages` by their field types; no field is named here, so a message that gains
one needs no change. A frame is: length (u32), number of the message type (u8), fields in order.
"""

import struct
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from typing import Any, get_type_hints

from byourside_server.media import messages
from byourside_server.media.messages import Command, Event

_LENGTH = struct.Struct("<I")
_INT, _FLOAT = struct.Struct("<q"), struct.Struct("<d")

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

_NUMBERS = {kind: number for number, kind in enumerate(TYPES)}


def _put_bytes(out: bytearray, value: bytes) -> None:
    out += _LENGTH.pack(len(value))
    out += value


def _get_bytes(data: memoryview, at: int) -> tuple[bytes, int]:
    start = at + _LENGTH.size
    end = start + _LENGTH.unpack_from(data, at)[0]
    return bytes(data[start:end]), end


def _put_text(out: bytearray, value: str) -> None:
    _put_bytes(out, value.encode())


def _get_text(data: memoryview, at: int) -> tuple[str, int]:
    value, end = _get_bytes(data, at)
    return value.decode(), end


def _put_int(out: bytearray, value: int) -> None:
    out += _INT.pack(value)


def _get_int(data: memoryview, at: int) -> tuple[int, int]:
    return _INT.unpack_from(data, at)[0], at + _INT.size


def _put_optional_int(out: bytearray, value: int | None) -> None:
    out.append(value is not None)
    _put_int(out, value or 0)


def _get_optional_int(data: memoryview, at: int) -> tuple[int | None, int]:
    value, end = _get_int(data, at + 1)
    return (value if data[at] else None), end


def _put_float(out: bytearray, value: float) -> None:
    out += _FLOAT.pack(value)


def _get_float(data: memoryview, at: int) -> tuple[float, int]:
    return _FLOAT.unpack_from(data, at)[0], at + _FLOAT.size


def _put_optional_float(out: bytearray, value: float | None) -> None:
    out.append(value is not None)
    _put_float(out, value or 0.0)


def _get_optional_float(data: memoryview, at: int) -> tuple[float | None, int]:
    value, end = _get_float(data, at + 1)
    return (value if data[at] else None), end


def _put_ints(out: bytearray, values: tuple[int, ...]) -> None:
    out += _LENGTH.pack(len(values))
    for value in values:
        _put_int(out, value)


def _get_ints(data: memoryview, at: int) -> tuple[tuple[int, ...], int]:
    (count,) = _LENGTH.unpack_from(data, at)
    start = at + _LENGTH.size
    end = start + count * _INT.size
    return tuple(value for (value,) in _INT.iter_unpack(data[start:end])), end


def _put_bool(out: bytearray, value: bool) -> None:
    out.append(value)


def _get_bool(data: memoryview, at: int) -> tuple[bool, int]:
    return bool(data[at]), at + 1


_FIELD: dict[object, tuple[Callable[..., None], Callable[[memoryview, int], tuple[Any, int]]]] = {
    bytes: (_put_bytes, _get_bytes),
    str: (_put_text, _get_text),
    int: (_put_int, _get_int),
    int | None: (_put_optional_int, _get_optional_int),
    float: (_put_float, _get_float),
    float | None: (_put_optional_float, _get_optional_float),
    bool: (_put_bool, _get_bool),
    tuple[int, ...]: (_put_ints, _get_ints),
}


def _layout(kind: type) -> tuple[tuple[str, Any], ...]:
    hints = get_type_hints(kind)
    return tuple((field.name, hints[field.name]) for field in fields(kind))


_LAYOUTS: dict[type, tuple[tuple[str, Any], ...]] = {
    kind: _layout(kind) for kind in (*TYPES, messages.Srtp, messages.RowStats, messages.StageCpu)
}


def _put(out: bytearray, value: object, kind: type) -> None:
    for name, hint in _LAYOUTS[kind]:
        inner = getattr(value, name)
        if is_dataclass(hint):
            assert isinstance(hint, type)
            _put(out, inner, hint)
        else:
            _FIELD[hint][0](out, inner)


def _get(data: memoryview, at: int, kind: type) -> tuple[Any, int]:
    values = []
    for _, hint in _LAYOUTS[kind]:
        if is_dataclass(hint):
            assert isinstance(hint, type)
            value, at = _get(data, at, hint)
        else:
            value, at = _FIELD[hint][1](data, at)
        values.append(value)
    return kind(*values), at


def encode(message: Command | Event) -> bytes:
    out = bytearray(_LENGTH.size)
    out.append(_NUMBERS[type(message)])
    _put(out, message, type(message))
    _LENGTH.pack_into(out, 0, len(out) - _LENGTH.size)
    return bytes(out)


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
                with view[at + _LENGTH.size : end] as frame:
                    found.append(_get(frame, 1, TYPES[frame[0]])[0])
                at = end
        del self._buffer[:at]
        return found
