"""A call's events as they happen, read from a server-sent event stream (WHATWG HTML §9.2).

Knows lines and how they become events; the connection is `transport.py`'s, going on after a break the
client's.
"""

import json
from typing import Any, Dict, Iterable, Iterator, NamedTuple, Optional

from .errors import ByoursideError

TURN = "turn"


class LiveEvent(NamedTuple):
    """Something that happened to a call.

    `type` is "turn" for a turn just spoken (`data` is the turn), else the type of a webhook event such as
    "call.completed" (`data` is the record as it was, and `event`). `id` is where to go on after it.
    """

    id: str
    type: str
    data: Dict[str, Any]


def live_events(lines: Iterable[bytes]) -> Iterator[LiveEvent]:
    """The events in a stream's lines. Raises ByoursideError for what this API never sends."""
    fields: Dict[str, str] = {}
    for raw in lines:
        line = raw.decode("utf-8", "replace").rstrip("\r\n")
        if line.startswith(":"):
            continue
        if line:
            name, _, value = line.partition(":")
            fields[name] = value[1:] if value.startswith(" ") else value
            continue
        event = _event(fields)
        fields = {}
        if event is not None:
            yield event


def _event(fields: Dict[str, str]) -> Optional[LiveEvent]:
    if "data" not in fields:
        return None
    try:
        data = json.loads(fields["data"])
    except ValueError:
        data = None
    if not isinstance(data, dict):
        raise ByoursideError("http_error", 200, "The stream holds an event that is no JSON object.")
    return LiveEvent(fields.get("id", ""), fields.get("event", "message"), data)
