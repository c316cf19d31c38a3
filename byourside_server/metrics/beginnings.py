"""Which series are on the page before anything has been counted into them, each at 0.

Prometheus sees an increase only between two samples of one series. A series that appears with its first event
hides that event from `rate` and `increase`: the first lost call would ring no alarm. So whatever has a closed
set of labels begins at 0 with the process; of engines, requests and reasons of hanging up only what has been
met is there, since nobody knows beforehand, or the page would be long.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import get_args

from byourside_server.calls import lifecycle
from byourside_server.calls.latency import TurnLatency, stages
from byourside_server.calls.outcomes import OUTCOME_OF_SIP_STATUS
from byourside_server.conversation.dead_air import Cause
from byourside_server.measures import table
from byourside_server.measures.book import Labels, Measure
from byourside_server.metrics.observation import ERRORS, NONE
from byourside_server.report.outcome import OUTCOMES

CANCELED = "canceled"
SIDES = (("here",), ("far_end",))
# Why a receiver did not take a webhook, by its status or by what kept it from answering.
REFUSALS = ("4xx", "5xx", "connect_failed", "timed_out")


def _endings() -> tuple[Labels, ...]:
    """Every state that a call may end in, with the errors that go with it."""
    failed = [("failed", error) for error in sorted(ERRORS - {CANCELED})]
    fine = [(state, NONE) for state in sorted(lifecycle.TERMINAL_STATES - {"failed", CANCELED})]
    return (*fine, *failed, (CANCELED, CANCELED))


def _stages() -> tuple[Labels, ...]:
    return tuple((stage,) for stage in stages(TurnLatency(0)) if stage != "total")


BEGINNINGS: Mapping[Measure, tuple[Labels, ...]] = {
    table.CALLS: _endings(),
    table.CALL_OUTCOMES: tuple(product((NONE, *OUTCOMES), ("yes", "no", "unknown"))),
    table.ANALYSES: (("done",), ("failed",)),
    table.MODEL_REQUESTS: (("answered",), ("failed",)),
    table.MODEL_TOKENS: (("prompt",), ("cached",), ("completion",)),
    table.STAGES: _stages(),
    table.SILENCES: tuple((cause,) for cause in get_args(Cause)),
    table.CALL_MOS: SIDES,
    table.CALL_LOSS: SIDES,
    table.CALL_JITTER: SIDES,
    table.DELIVERIES: (("delivered", "2xx"), *product(("retried", "gave_up"), REFUSALS)),
    table.SPANS: (("sent",), ("failed",), ("left_out",)),
}

# What a trunk may say in the end, by number where it means something here (docs/outcomes.md).
SIP_STATUSES = (
    *(str(status) for status in sorted(OUTCOME_OF_SIP_STATUS)),
    *(f"{first}xx" for first in range(2, 7)),
    "no_answer",
)


def beginnings(measure: Measure) -> tuple[Labels, ...]:
    """The series that are there from the start; of a measure without labels its only one."""
    return BEGINNINGS.get(measure, ()) if measure.labels else ((),)


def attempts_of(trunk: str) -> tuple[Labels, ...]:
    """Of `byourside_dial_attempts_total`, for one trunk of the operator's."""
    return tuple((trunk, status) for status in SIP_STATUSES)
