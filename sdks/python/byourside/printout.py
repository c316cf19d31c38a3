"""What a terminal shows of a call: its progress while it runs, its result when it is over.

Knows records and a stream to write to; asks no server anything. Speech and summaries come from outside,
so whatever could steer a terminal is taken out of them.
"""

import json
import shutil
import textwrap
import time
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, TextIO, Tuple

from .records import CallRecord

LABEL_OF_ROLE: Dict[str, str] = {"agent": "Agent", "contact": "Contact"}
# Width of a line's left column: the longest label of the table, "objective met", and two blanks.
LEFT = 15

# Rows of the result that are plain values of the record: label, key.
PLAIN_ROWS: Tuple[Tuple[str, str], ...] = (
    ("call", "callId"),
    ("status", "status"),
    ("error", "error"),
    ("end reason", "endReason"),
    ("answered by", "answeredBy"),
    ("objective met", "objectiveMet"),
    ("summary", "summary"),
)


# Terminal colours (ECMA-48 §8.3.117) of what stands out; on a terminal alone, and not where NO_COLOR is set.
COLOUR_OF_ROLE: Dict[str, str] = {"agent": "36", "contact": "33"}
BOLD = "1"


def wants_colour(out: TextIO, environ: Mapping[str, str]) -> bool:
    """Whether `out` is a terminal whose user has not asked for plain text."""
    return out.isatty() and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"


class Progress:
    """Writes a line for every change of status and every turn spoken, as records come in."""

    def __init__(
        self, out: TextIO, clock: Callable[[], float] = time.monotonic, *, colour: bool = False
    ) -> None:
        self._out = out
        self._colour = colour
        self._clock = clock
        self._began_at = clock()
        self._shown: Optional[str] = None
        self._turns_shown = 0

    def update(self, record: CallRecord) -> None:
        """Show what is new in `record`."""
        phase = self._phase(record)
        over = record.get("endedAt") is not None
        # A call that is over is announced after its last words, a live one before its first.
        if not over:
            self._show_phase(phase)
        turns = record.get("turns") or []
        for turn in turns[self._turns_shown :]:
            self._show_turn(turn)
        self._turns_shown = max(self._turns_shown, len(turns))
        if over:
            self._show_phase(phase)

    def turn(self, turn: Mapping[str, Any]) -> None:
        """Show one turn, just spoken."""
        self._turns_shown += 1
        self._show_turn(turn)

    def status(self, record: CallRecord) -> None:
        """Show the record's status alone, where it is new."""
        self._show_phase(self._phase(record))

    def _phase(self, record: CallRecord) -> str:
        status = str(record.get("status")).replace("_", " ")
        hung_up = status == "in progress" and record.get("endedAt") is not None
        return "hung up, making the summary" if hung_up else status

    def _show_phase(self, phase: str) -> None:
        if phase != self._shown:
            self._shown = phase
            elapsed = f"{self._clock() - self._began_at:.1f} s"
            self._write(f"{elapsed:>8}  {self._painted(phase, BOLD)}")

    def _show_turn(self, turn: Mapping[str, Any]) -> None:
        start_ms = turn.get("startMs")
        at = clock_face(start_ms) if isinstance(start_ms, (int, float)) else ""
        role = str(turn.get("role"))
        speaker = LABEL_OF_ROLE.get(role, harmless(role))
        line = wrapped(f"{'':10}{at:>7}  {speaker:<7}  ", harmless(turn.get("text")))
        # Painted after wrapping: colours have no width.
        self._write(line.replace(speaker, self._painted(speaker, COLOUR_OF_ROLE.get(role, "0")), 1))

    def _painted(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._colour else text

    def _write(self, line: str) -> None:
        self._out.write(line + "\n")
        self._out.flush()


def result_table(record: CallRecord) -> str:
    """The record as a table for people: outcome, summary, extracted fields with their proof, recording."""
    return "\n".join(wrapped(f"{label:<{LEFT}}", text) for label, text in _rows(record))


def call_line(record: CallRecord) -> str:
    """The record in one line, as in a list."""
    made_at = record.get("createdAt") or record.get("startedAt")
    objective = textwrap.shorten(harmless(record.get("objective")), 60, placeholder="...")
    cells = [record.get("callId"), f"{record.get('status') or '':<11}", made_at, record.get("to"), objective]
    return "  ".join(harmless(cell) for cell in cells)


def _rows(record: CallRecord) -> Iterator[Tuple[str, str]]:
    for label, key in PLAIN_ROWS:
        value = record.get(key)
        if value is not None:
            yield label, harmless(value)
    evidence = record.get("evidence") or {}
    for name, value in (record.get("extracted") or {}).items():
        yield harmless(name), json.dumps(value, ensure_ascii=False) + _proof(evidence.get(name))
    duration = record.get("durationSec")
    if duration is not None:
        yield "duration", f"{duration:.1f} s"
    recording = record.get("recordingUrl")
    yield "recording", harmless(recording) if recording else "none"


def _proof(found: Optional[Mapping[str, Any]]) -> str:
    if not found:
        return ""
    return f'   ("{harmless(found.get("quote"))}" at {clock_face(found.get("startMs") or 0)})'


def clock_face(milliseconds: float) -> str:
    """Minutes, seconds and tenths, as on a recorder: 1:02.3."""
    tenths = int(milliseconds) // 100
    return f"{tenths // 600}:{tenths // 10 % 60:02d}.{tenths % 10}"


def harmless(value: object) -> str:
    """The value as one line of printable text."""
    text = "" if value is None else str(value)
    return "".join(letter if letter.isprintable() else " " for letter in text)


def wrapped(lead: str, text: str) -> str:
    """`lead`, then `text` broken to the terminal's width and hung under its own beginning."""
    room = max(terminal_width() - len(lead), 30)
    lines: List[str] = textwrap.wrap(text, room, break_long_words=False, break_on_hyphens=False) or [""]
    return ("\n" + " " * len(lead)).join([lead + lines[0], *lines[1:]])


def terminal_width() -> int:
    return min(shutil.get_terminal_size((100, 24)).columns, 120)
