"""How often this process looks for garbage that refers to itself: seldom.

What a call leaves behind is freed by counting references; the search for cycles walks every live object,
tens of thousands of them, and was a third of the CPU time of signalling under load.
"""

from __future__ import annotations

import gc

# New objects before the youngest are searched, and searches before the next older ones are. Python's own
# 700, 10, 10 cost 20 ms pauses at hundreds of calls a second (bench/sip.py: p99 of set-up 50 ms against 6).
_THRESHOLDS = (20_000, 20, 100)


def search_seldom() -> None:
    """Leave out what stands by now, which is there for good, and search the rest less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
