"""A call laid out for a page: turns with their evidence, the time axis, events and webhooks in one line.

Values in, values out: asks no one and renders nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from byourside_server.calls import lifecycle
from byourside_server.calls.call import Call, Evidence, FieldValue, JsonValue
from byourside_server.calls.latency import stages
from byourside_server.calls.transcript import Turn
from byourside_server.switchboard import Delivery, Event

AXIS_LABELS = 5
# Narrower than this share of the axis a turn could not be seen, nor hit.
LEAST_SHARE = 0.004


@dataclass(frozen=True)
class Piece:
    """Part of a turn's text; `field` names the extracted field it is the evidence of."""

    text: str
    field: str | None = None


@dataclass(frozen=True)
class ShownTurn:
    """A turn, its text in pieces, and where it lies on the axis (in thousandths)."""

    turn: Turn
    pieces: tuple[Piece, ...]
    waited_s: float | None
    """From the contact's last word to this turn's first sound; None where it answers nobody."""
    x: float
    width: float


@dataclass(frozen=True)
class ShownField:
    """A field that was asked for, its value once known, and the words it was taken from.

    `is_known` also where it will never be learnt: the call is over.
    """

    name: str
    value: FieldValue
    is_known: bool
    evidence: Evidence | None


@dataclass(frozen=True)
class ShownWebhook:
    """One event on its way to the receiver."""

    event: Event
    state: str
    attempts: tuple[Delivery, ...]

    @property
    def body(self) -> JsonValue:
        """What was or will be sent."""
        return self.event.body

    @property
    def can_replay(self) -> bool:
        """One that waits its turn will be sent anyway."""
        return self.state != "wait"


def length_ms(call: Call) -> int:
    """How long the axis is: the recording, or as far as anything was said."""
    return max([call.recording_ms or 0, *(turn.end_ms for turn in call.turns)])


def shown_turns(call: Call) -> list[ShownTurn]:
    """The transcript for the page."""
    evidence = call.report.evidence if call.report else {}
    whole = max(length_ms(call), 1)
    shown: list[ShownTurn] = []
    for place, turn in enumerate(call.turns):
        before = call.turns[place - 1] if place else None
        answers = before is not None and turn.role == "agent" and before.role == "contact"
        waited_s = (turn.start_ms - before.end_ms) / 1000 if before is not None and answers else None
        x = turn.start_ms / whole
        width = max(LEAST_SHARE, (turn.end_ms - turn.start_ms) / whole)
        shown.append(
            ShownTurn(
                turn,
                tuple(_pieces(turn, evidence)),
                waited_s if waited_s is not None and waited_s >= 0 else None,
                round(1000 * x, 1),
                round(1000 * min(width, 1 - x), 1),
            )
        )
    return shown


def shown_fields(call: Call) -> list[ShownField]:
    """Every field asked for, in the order of asking."""
    report = call.report
    is_known = report is not None or call.state in lifecycle.TERMINAL_STATES
    return [
        ShownField(
            field.name,
            report.extracted.get(field.name) if report else None,
            is_known,
            report.evidence.get(field.name) if report else None,
        )
        for field in call.request.fields
    ]


def shown_waits(call: Call) -> list[tuple[int, dict[str, int | None]]]:
    """What each wait was made of, numbered as the bars of the waits are; ms by stage."""
    return [(place, stages(turn)) for place, turn in enumerate(call.latency.turns, 1)]


def axis_labels(call: Call) -> list[float]:
    """Seconds at which the time axis is labelled, ends included."""
    whole_s = length_ms(call) / 1000
    return [whole_s * place / (AXIS_LABELS - 1) for place in range(AXIS_LABELS)]


def shown_webhooks(
    events: Sequence[Event], states: Mapping[str, str], deliveries: Sequence[Delivery]
) -> list[ShownWebhook]:
    """Each event that has a webhook, with every attempt to deliver it."""
    return [
        ShownWebhook(
            event,
            states[event.event_id],
            tuple(delivery for delivery in deliveries if delivery.event_id == event.event_id),
        )
        for event in events
        if event.event_id in states
    ]


def _pieces(turn: Turn, evidence: Mapping[str, Evidence | None]) -> list[Piece]:
    """The turn's text, cut where a quote begins and ends; quotes that overlap keep the first."""
    marks = []
    for name, found in evidence.items():
        if found is not None and found.turn == turn.index and found.quote:
            at = turn.text.find(found.quote)
            if at >= 0:
                marks.append((at, at + len(found.quote), name))
    pieces, done = [], 0
    for start, end, name in sorted(marks):
        if start >= done:
            pieces += [Piece(turn.text[done:start]), Piece(turn.text[start:end], name)]
            done = end
    return [piece for piece in [*pieces, Piece(turn.text[done:])] if piece.text]
