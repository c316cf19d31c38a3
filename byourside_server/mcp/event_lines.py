"""Server-sent events read line by line: WHATWG HTML §9.2.6. Text in, events out; knows no socket."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ServerEvent:
    """One event: its `id` as last told, its type, its data."""

    id: str
    kind: str
    data: str


class EventLines:
    """Takes lines without their ends; a blank line completes an event."""

    def __init__(self) -> None:
        self._id = ""
        self._kind = ""
        self._data: list[str] = []

    def receive(self, line: str) -> ServerEvent | None:
        """The event that this line completes, if any. Comments and unknown fields are skipped."""
        if not line:
            return self._complete()
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "id":
            self._id = value
        elif name == "event":
            self._kind = value
        elif name == "data":
            self._data.append(value)
        return None

    def _complete(self) -> ServerEvent | None:
        kind, data = self._kind, self._data
        self._kind, self._data = "", []
        return ServerEvent(self._id, kind or "message", "\n".join(data)) if data else None
