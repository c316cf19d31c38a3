"""What the machine does to anyone: `python -m bench.crowd.control SHARE OUT`.

Wakes every 20 ms at absolute moments, as the engine does, spins for SHARE of the time and does nothing else.
Whatever lateness it shows is the machine's. Ends with its standard input; OUT.ticks gets every tick, in the
engine's own format: due, lateness and work, in seconds.
"""

from __future__ import annotations

import gc
import os
import select
import sys
import time

import numpy as np

from byourside_server.lines.media_engine import TICK_S, Punctuality, ask_for_priority


def spin(share: float, out: str) -> None:
    """Tick until standard input is closed."""
    punctuality = Punctuality()
    busy_s = share * TICK_S
    poll = select.poll()
    poll.register(0, select.POLLIN | select.POLLHUP)
    deadline = time.monotonic()
    while not poll.poll(0):
        wait_s = deadline - time.monotonic()
        if wait_s > 0:
            time.sleep(wait_s)
        began_at = time.monotonic()
        punctuality.note(deadline, max(0.0, began_at - deadline))
        # CPU time, so that what the machine takes away is not taken off the work.
        used = time.thread_time()
        numbers = np.arange(2000, dtype=np.float32)
        while time.thread_time() - used < busy_s:
            np.sqrt(numbers)
        punctuality.worked(time.monotonic() - began_at)
        deadline += TICK_S
    punctuality.write(f"{out}.ticks")


if __name__ == "__main__":
    gc.disable()
    ask_for_priority()
    os.set_blocking(0, False)
    spin(float(sys.argv[1]), sys.argv[2])
