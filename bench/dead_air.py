"""How long does a contact wait in silence when minds, ears and voices fail? Measured in the recordings.

Starts the real server as a process of its own for each fault that the simulated vendors know, places calls to
the sandbox's people, and looks in the stereo recordings for stretches of more than two seconds in which
neither side sounds and the agent owes words.

    script/bench dead_air --calls 100
    script/bench dead_air --calls 8 --only "mind: hang"
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.silences.recording import DEAD_AIR_S, Silence, silences_of
from bench.silences.vendors import Trouble, all_troubles, vendors
from tests.walks.house import House, command, wait_for_end

RESULTS = Path(__file__).with_name("results") / "dead_air.json"
AT_ONCE = 8
REQUEST = {
    "objective": "Confirm the appointment for tomorrow at 2pm and ask if they need to reschedule.",
    "maxDurationSec": 90,
}
# An agreeable person, one who interrupts, one who says no, one who wants no more calls, one who leaves.
NUMBERS = ("+14155550123", "+14155550147", "+14155550153", "+14155550148", "+14155550150")
CALL_TIMEOUT_S = 150.0


@dataclass(frozen=True)
class Measured:
    """One call: how it ended, and its silences."""

    call_id: str
    number: str
    ended: str
    silences: tuple[Silence, ...]
    transcript: str

    @property
    def longest_s(self) -> float:
        return max((silence.seconds for silence in self.silences), default=0.0)

    @property
    def dead_air(self) -> list[Silence]:
        """Those over two seconds in which not even a filler had been said."""
        return [each for each in self.silences if each.seconds > DEAD_AIR_S and not each.was_filled]


def place_and_measure(house: House, key: str, number: str) -> Measured:
    with house.client(key) as client:
        answer = client.post("/v1/agent/calls", json={**REQUEST, "to": number})
        assert answer.status_code == 200, answer.text
        record = wait_for_end(client, answer.json()["callId"], CALL_TIMEOUT_S)
    wav = (house.data_dir / "recordings" / f"{record['callId']}.wav").read_bytes()
    return Measured(
        call_id=record["callId"],
        number=number,
        ended=f"{record['status']}/{record['endReason']}",
        silences=tuple(silences_of(wav, record["turns"], record["endedBy"])),
        transcript=record["transcript"] or "",
    )


def measure(trouble: Trouble, calls: int, *, with_embedded: bool) -> list[Measured]:
    """So many calls under one fault, some at once, against a server that was just started."""
    numbers = [NUMBERS[place % len(NUMBERS)] for place in range(calls)]
    with (
        tempfile.TemporaryDirectory() as folder,
        vendors(trouble, with_embedded=with_embedded) as environment,
    ):
        house = House(Path(folder), environment=environment)
        house.start()
        try:
            key = house.make_key()
            limits = ("--per-minute", "10000", "--at-once", str(AT_ONCE))
            command("accounts", "limits", "default", *limits, "--data-dir", folder)
            with ThreadPoolExecutor(AT_ONCE) as pool:
                return list(pool.map(lambda number: place_and_measure(house, key, number), numbers))
        finally:
            house.stop()


def row_of(trouble: Trouble, calls: list[Measured]) -> dict[str, Any]:
    endings = Counter(call.ended for call in calls)
    return {
        "fault": trouble.name,
        "calls": len(calls),
        "ended": dict(endings.most_common()),
        "longest_silence_s": round(max(call.longest_s for call in calls), 2),
        "dead_air_events": sum(len(call.dead_air) for call in calls),
        "events": [
            {"call": call.call_id, "number": call.number, **asdict(event), "transcript": call.transcript}
            for call in calls
            for event in call.dead_air
        ],
    }


def show(row: dict[str, Any]) -> None:
    ended = ", ".join(f"{count} {how}" for how, count in row["ended"].items())
    figures = f"{row['calls']:5d}  {row['longest_silence_s']:7.2f}  {row['dead_air_events']:6d}"
    print(f"{row['fault']:40s} {figures}  {ended}", flush=True)
    for event in row["events"]:
        print(f"    {event['start']:6.2f} s to {event['end']:6.2f} s of the call to {event['number']}")


def share_out(calls: int, rows: int) -> list[int]:
    """Every fault has at least one call; the first ones have one more where it does not come out even."""
    calls = max(calls, rows)
    return [calls // rows + (place < calls % rows) for place in range(rows)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", type=int, default=100, help="over all faults; at least one for each")
    parser.add_argument("--only", help="measure the faults whose name begins so; writes no results")
    parser.add_argument("--alone", action="store_true", help="no embedded engine behind the vendors")
    parser.add_argument("--faults-at-once", type=int, default=3, help="servers that run side by side")
    given = parser.parse_args()
    troubles = [each for each in all_troubles() if each.name.startswith(given.only or "")]
    if not troubles:
        parser.error("no fault has that name: " + ", ".join(each.name for each in all_troubles()))
    print(f"{'fault':40s} {'calls':>5s}  {'longest':>7s}  {'> 2 s':>6s}  ended")

    def measured(trouble: Trouble, calls: int) -> dict[str, Any]:
        return row_of(trouble, measure(trouble, calls, with_embedded=not given.alone))

    rows = []
    with ThreadPoolExecutor(given.faults_at_once) as pool:
        for row in pool.map(measured, troubles, share_out(given.calls, len(troubles))):
            rows.append(row)
            show(row)
    events = sum(row["dead_air_events"] for row in rows)
    total, longest = sum(row["calls"] for row in rows), max(row["longest_silence_s"] for row in rows)
    print(f"\n{total} calls, {events} silences of more than {DEAD_AIR_S:g} s, the longest {longest:.2f} s")
    if given.only is None:
        RESULTS.parent.mkdir(exist_ok=True)
        whole = {
            "calls": total,
            "with_embedded": not given.alone,
            "dead_air_events": events,
            "longest_silence_s": longest,
            "faults": rows,
        }
        RESULTS.write_text(json.dumps(whole, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return 0 if events == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
