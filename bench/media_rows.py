"""CPU of the media engine per call-second: rows of speech in a loop of this process, without sockets.

Every row hears the same clip of speech, each from another place in it, and says another; one packet a row
and tick, in order. The processor time is that of the bank alone, by stage; the best of several rounds is
told too, since a shared machine adds to all of them and takes from none.

    script/bench media_rows --rows 500
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as in the engine's own process

import numpy as np

from byourside_server.media.bank import AudioBank
from byourside_server.media.rtp import FRAME_SAMPLES, PACKET_BYTES, TICK_MS

CLIPS = Path(__file__).resolve().parent.parent / "byourside_server" / "sandbox" / "clips"
TICKS_PER_S = 1000 // TICK_MS


class Callers:
    """The far side of every row: its packet of each tick, headers made as columns."""

    def __init__(self, rows: int, lose: float, random: np.random.Generator) -> None:
        sound = b"".join(path.read_bytes() for path in sorted(CLIPS.glob("*.ul"))[:20])
        self._clip = np.frombuffer(sound[: len(sound) // FRAME_SAMPLES * FRAME_SAMPLES], np.uint8)
        self._clip = self._clip.reshape(-1, FRAME_SAMPLES)
        self._starts = random.integers(0, len(self._clip), rows)
        self._lose, self._random = lose, random
        self.rows = np.arange(rows)
        self._lengths = np.full(rows, PACKET_BYTES)
        self._packets = np.zeros((rows, 192), np.uint8)
        self._packets[:, 0] = 0x80
        self._packets[:, 8:12] = random.integers(0, 256, (rows, 4))

    def packets(self, tick: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        packets = self._packets
        packets[:, 2:4] = np.array([tick], ">u2").view(np.uint8)
        packets[:, 4:8] = np.array([tick * FRAME_SAMPLES], ">u4").view(np.uint8)
        packets[:, 12:PACKET_BYTES] = self._clip[(self._starts + tick) % len(self._clip)]
        if not self._lose:
            return self.rows, packets, self._lengths
        kept = self._random.random(len(packets)) >= self._lose
        return self.rows[kept], packets[kept], self._lengths[kept]


def run(rows: int, seconds: int, rounds: int, lose: float) -> int:
    random = np.random.default_rng(1)
    callers = Callers(rows, lose, random)
    bank = AudioBank(rows, random, time.thread_time)
    for row in range(rows):
        bank.open(f"row-{row}")
        bank.connect(f"row-{row}", "PCMU", 101)
        bank.start_recording(f"row-{row}")
    tick, costs = 0, []
    for round_ in range(rounds + 1):
        before = bank.cpu_by_stage()
        for _ in range(seconds * TICKS_PER_S):
            given = callers.packets(tick)
            bank.spent("commands")
            bank.packets_to_send()
            bank.receive(*given)
            bank.listen()
            bank.spent("record")
            while bank.next_event() is not None:
                pass
            tick += 1
        after = bank.cpu_by_stage()
        stages = {
            name: 1000 * (getattr(after, name) - getattr(before, name)) / (rows * seconds)
            for name in vars(after)
            if name != "commands"
        }
        if round_:  # the first warms up
            costs.append((sum(stages.values()), stages))
    ranked = sorted(costs, key=lambda cost: cost[0])
    best, stages = ranked[0]
    median = ranked[len(ranked) // 2][0]
    print(f"{rows} rows, {rounds} rounds of {seconds} s, {lose:.0%} of packets lost")
    print(f"ms CPU a call-second: best {best:.4f}, median {median:.4f}")
    print("  " + "  ".join(f"{name} {cost:.4f}" for name, cost in stages.items()))
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rows", type=int, default=500)
    parser.add_argument("--seconds", type=int, default=4, help="of every round")
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--lose", type=float, default=0.0, help="share of packets that never arrive")
    given = parser.parse_args()
    return run(given.rows, given.seconds, given.rounds, given.lose)


if __name__ == "__main__":
    sys.exit(main())
