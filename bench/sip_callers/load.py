"""What every caller of `script/bench sip` shares: when calls are due, and the figures at the end.

Standard library only and no import of ours: it also runs in the other stack's environment.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import time
from dataclasses import dataclass, field

HOLD_S = 1.0
# How long stragglers are waited for, and the answers to the last BYEs.
PATIENCE_S = 40.0
GOODBYES_S = 0.3
OFFER = (
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    "m=audio 30000 RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n"
    "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\na=sendrecv\r\n"
)


@dataclass
class Load:
    """Calls at an even rate, and what became of each."""

    rate: float
    seconds: float
    began_at: float = 0.0
    dialled: int = 0
    ended: int = 0
    failed: int = 0
    setups_s: list[float] = field(default_factory=list)
    # How much later than due calls were dialled: a core with no time left shows here first.
    late_s: float = 0.0
    _cpu_s: float = 0.0

    @property
    def total(self) -> int:
        return int(self.rate * self.seconds)

    @property
    def over(self) -> bool:
        return self.ended + self.failed >= self.total

    def begin(self) -> None:
        gc.collect()
        self.began_at = time.monotonic()
        self._cpu_s = time.process_time()

    def due(self) -> int:
        """How many calls should have been dialled by now and were not."""
        since = time.monotonic() - self.began_at
        waiting = min(int(since * self.rate) + 1, self.total) - self.dialled
        if waiting > 0:
            self.late_s = max(self.late_s, since - self.dialled / self.rate)
        return waiting

    def report(self) -> str:
        cpu_s = time.process_time() - self._cpu_s
        wall_s = time.monotonic() - self.began_at
        self.setups_s.sort()

        def percentile(share: float) -> float | None:
            if not self.setups_s:
                return None
            return round(1000 * self.setups_s[int(share * (len(self.setups_s) - 1))], 2)

        return json.dumps(
            {
                "rate": self.rate,
                "calls": self.dialled,
                "failed": self.total - self.ended,
                "cpu_ms_per_call": round(1000 * cpu_s / max(self.dialled, 1), 4),
                "core_busy": round(cpu_s / wall_s, 3),
                "setup_ms": {"p50": percentile(0.5), "p95": percentile(0.95), "p99": percentile(0.99)},
                "dialled_late_ms": round(1000 * self.late_s, 1),
            }
        )


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--callee", type=int, required=True, help="port of the callee on 127.0.0.1")
    parser.add_argument("--rate", type=float, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--core", type=int, required=True)
    parser.add_argument("--port", type=int, default=0, help="of the caller; 0: any (ours only)")
    parser.add_argument("--profile", help="write a cProfile of the run to this file")
    given = parser.parse_args()
    os.sched_setaffinity(0, {given.core})
    return given
