"""A call's recording for the player, and its outline for the eye.

The outline is made once per file and kept in memory; reading an hour of sound takes a moment, on a thread.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from starlette.responses import FileResponse, JSONResponse, Response

from byourside_server.calls.call import Call
from byourside_server.dashboard.visit import Visit
from byourside_server.errors import Refusal
from byourside_server.media.g711 import ULAW_DECODE
from byourside_server.media.recording import CHANNELS, HEADER_BYTES, SAMPLE_RATE_HZ
from byourside_server.switchboard import Switchboard

PEAKS = 600
MAX_OUTLINES = 200
PRIVATE = {"Cache-Control": "private, no-cache"}

Outline = dict[str, int | list[int]]
# Loudness 0..255 of every µ-law byte.
LOUDNESS = (np.abs(ULAW_DECODE.astype(np.int32)) * 255 // 32124).clip(0, 255).astype(np.uint8)


class Sound:
    """`/calls/{call_id}/recording` and `/calls/{call_id}/peaks`."""

    def __init__(self, switchboard: Switchboard) -> None:
        self._switchboard = switchboard
        self._outlines: OrderedDict[tuple[str, int, int], Outline] = OrderedDict()

    async def recording(self, visit: Visit) -> Response:
        """The WAV, whole or the range that the player asks for. Raises Refusal `not_found`."""
        call, path = await self._found(visit)
        name = f"call-{call.id}.wav"
        return FileResponse(
            path, headers=PRIVATE, media_type="audio/wav", filename=name, content_disposition_type="inline"
        )

    async def peaks(self, visit: Visit) -> Response:
        """The loudest moment of each stretch, per side, 0 to 255. Raises Refusal `not_found`."""
        _, path = await self._found(visit)
        facts = path.stat()
        key = (str(path), facts.st_size, facts.st_mtime_ns)
        if key not in self._outlines:
            self._outlines[key] = await asyncio.to_thread(outline_of, path)
            while len(self._outlines) > MAX_OUTLINES:
                self._outlines.popitem(last=False)
        return JSONResponse(self._outlines[key])

    async def _found(self, visit: Visit) -> tuple[Call, Path]:
        call = await self._switchboard.get(visit.account, visit.part("call_id"))
        path = self._switchboard.recording_path(call)
        # While the call lives its file grows: a WAV is one only once its header tells its length.
        if path is None or call.ended_at is None:
            raise Refusal("not_found", "This call has no recording, or not yet.")
        return call, path


def outline_of(path: Path) -> Outline:
    """The outline of a stereo µ-law WAV, in at most PEAKS stretches."""
    data = np.fromfile(path, np.uint8, offset=HEADER_BYTES)
    frames = data[: data.size // CHANNELS * CHANNELS].reshape(-1, CHANNELS)
    count = min(PEAKS, frames.shape[0])
    starts = np.arange(count, dtype=np.int64) * frames.shape[0] // max(count, 1)
    return {
        "durationMs": round(1000 * frames.shape[0] / SAMPLE_RATE_HZ),
        "contact": _loudest(frames[:, 0], starts),
        "agent": _loudest(frames[:, 1], starts),
    }


def _loudest(side: NDArray[np.uint8], starts: NDArray[np.int64]) -> list[int]:
    if not starts.size:
        return []
    found: list[int] = np.maximum.reduceat(LOUDNESS[side], starts).tolist()
    return found
