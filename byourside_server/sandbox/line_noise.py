"""Noise on a simulated line: alone while nobody speaks, and under what is said. Computed; no clock."""

from __future__ import annotations

from byourside_server.providers.telephone_band import LINE_RATE_HZ, decode_ulaw, encode_ulaw
from byourside_server.sandbox.clips import noise

BED_MS = 20_000


class LineNoise:
    """White noise of one level."""

    def __init__(self, level_dbfs: float) -> None:
        self.alone = noise(BED_MS, level_dbfs)
        self._samples = decode_ulaw(self.alone)

    def under(self, ulaw: bytes) -> bytes:
        """The sound with the noise added."""
        sound = decode_ulaw(ulaw)
        assert len(sound) <= BED_MS * LINE_RATE_HZ // 1000, "longer than the noise"
        return encode_ulaw(sound + self._samples[: len(sound)])
