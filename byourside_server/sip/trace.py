"""The messages of one call as they passed: kept one a line, and drawn as text to be read from top to bottom.

What is kept was redacted before. Knows no file; `pcap` draws the same for packet analysers.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Literal

from byourside_server.sip.hop import Hop
from byourside_server.sip.redact import hide_numbers

Way = Literal["sent", "received"]
# What an endpoint tells of everything that passes: which way, the bytes, the other side, and when.
Tap = Callable[[Way, bytes, Hop, float], None]

_ARROWS: dict[str, str] = {"sent": "-->", "received": "<--"}
_RULE = "-" * 100
HEADING = """\
SIP trace of call {call_id}
Times are UTC, in brackets seconds since the first message. Credentials, media keys, and the bodies of
messages that people typed or pressed have been removed.
"""


@dataclass(frozen=True)
class Passage:
    """One message on its way over the wire."""

    at: float
    """Seconds since 1970, UTC."""
    way: Way
    transport: str
    """UDP, TCP or TLS."""
    ours: tuple[str, int]
    theirs: tuple[str, int]
    message: str
    """Redacted."""

    @property
    def start_line(self) -> str:
        """Request line or status line."""
        return self.message.lstrip("\r\n").partition("\n")[0].rstrip("\r")

    @property
    def without_numbers(self) -> Passage:
        """The same with telephone numbers hidden, to be shown to others."""
        return replace(self, message=hide_numbers(self.message))


def encode(passage: Passage) -> str:
    """One line of JSON, line break included. Surrogates for bytes that are no UTF-8 are escaped."""
    return json.dumps(asdict(passage)) + "\n"


def decode(lines: Iterable[str]) -> Iterator[Passage]:
    """What `encode` wrote; a last line that a killed server left unfinished is passed over."""
    for line in lines:
        try:
            read = json.loads(line)
        except ValueError:
            continue
        read["ours"], read["theirs"] = tuple(read["ours"]), tuple(read["theirs"])
        yield Passage(**read)


def as_text(call_id: str, passages: Sequence[Passage]) -> str:
    """First every message as one line with its arrow, then each in whole."""
    parts = [HEADING.format(call_id=call_id)]
    began_at = passages[0].at if passages else 0.0
    parts += [f"{_heading(passage, began_at)}  {passage.start_line}" for passage in passages]
    for passage in passages:
        parts += ["", _RULE, _heading(passage, began_at), "", passage.message.replace("\r\n", "\n").rstrip()]
    return "\n".join(parts) + "\n"


def _heading(passage: Passage, began_at: float) -> str:
    clock = datetime.fromtimestamp(passage.at, tz=UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
    ours, theirs = _written(passage.ours), _written(passage.theirs)
    arrow = _ARROWS[passage.way]
    return f"{clock} [{passage.at - began_at:8.3f}] {passage.transport} {ours} {arrow} {theirs}"


def _written(address: tuple[str, int]) -> str:
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
