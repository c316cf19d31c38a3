"""How calls go: figures of a day, a week or a month, as plots and as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from starlette.responses import Response

from byourside_server.dashboard.pages import Pages
from byourside_server.dashboard.plots import LATENCY_STEPS, histogram, stacked_bars
from byourside_server.dashboard.visit import Visit
from byourside_server.store.figures import Figures
from byourside_server.switchboard import Switchboard

HOUR_S = 3600.0
TERMINAL = ("completed", "voicemail", "no_answer", "declined", "failed")
# What the bars are made of, from the bottom up.
KINDS = (
    ("Completed", ("completed",)),
    ("Not reached", ("voicemail", "no_answer", "declined")),
    ("Failed", ("failed",)),
    ("Under way", ("queued", "dialing", "in_progress")),
)


@dataclass(frozen=True)
class Stretch:
    """How far back to look, and in what steps."""

    days: int
    title: str
    slot_s: float
    slot_name: str

    @property
    def slots(self) -> int:
        """How many steps that is."""
        return round(self.days * 24 * HOUR_S / self.slot_s)


STRETCHES = (
    Stretch(1, "24 hours", HOUR_S, "hour"),
    Stretch(7, "7 days", 6 * HOUR_S, "six hours"),
    Stretch(30, "30 days", 24 * HOUR_S, "day"),
)


class Overview:
    """`/`."""

    def __init__(self, switchboard: Switchboard, pages: Pages) -> None:
        self._switchboard = switchboard
        self._pages = pages

    async def show(self, visit: Visit) -> Response:
        """The figures of the stretch that `days` names, of a day otherwise."""
        asked = visit.request.query_params.get("days")
        stretch = next((one for one in STRETCHES if str(one.days) == asked), STRETCHES[0])
        now = self._switchboard.clock.epoch()
        # Slots end on the hour, so that they stay where they are while the hour goes by.
        end = (now // HOUR_S + 1) * HOUR_S
        since = end - stretch.slots * stretch.slot_s
        found = await self._switchboard.office.figures(visit.account, since, stretch.slot_s, stretch.slots)
        allowance = await self._switchboard.office.allowance(visit.account)
        calls, _ = await self._switchboard.list(visit.account, 5)
        return self._pages.show(
            "overview",
            visit,
            title="Overview",
            stretch=stretch,
            stretches=STRETCHES,
            found=found,
            total=sum(sum(slot.values()) for slot in found.slots),
            outcomes=_outcomes(found),
            answered=sum(found.answered_by.values()),
            people=found.answered_by.get("human", 0),
            median_ms=quantile(found.latencies_ms, 0.5),
            percentiles=[(q, quantile(found.latencies_ms, q / 100)) for q in (50, 75, 90, 95, 99)],
            kinds=[name for name, _ in KINDS],
            calls_plot=stacked_bars([_kinds(slot) for slot in found.slots]),
            latency_plot=histogram(found.latencies_ms),
            latency_steps=LATENCY_STEPS,
            rows=[
                (since + number * stretch.slot_s, _kinds(slot))
                for number, slot in enumerate(found.slots)
                if slot
            ],
            allowance=allowance,
            calls=calls,
        )


def quantile(ranked: Sequence[int], q: float) -> int | None:
    """The value below which a share `q` of the ascending values lies, None of none."""
    return ranked[min(len(ranked) - 1, int(q * len(ranked)))] if ranked else None


def _kinds(slot: Mapping[str, int]) -> tuple[int, ...]:
    return tuple(sum(slot.get(status, 0) for status in statuses) for _, statuses in KINDS)


def _outcomes(found: Figures) -> list[tuple[str, int, int]]:
    """Status, number of calls and percent, of calls that are over."""
    sums = {status: sum(slot.get(status, 0) for slot in found.slots) for status in TERMINAL}
    whole = max(sum(sums.values()), 1)
    return [(status, number, round(100 * number / whole)) for status, number in sums.items()]
