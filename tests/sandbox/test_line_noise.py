"""Noise under a simulated voice: its level against the speech."""

import numpy as np
import pytest

from byourside_server.providers.telephone_band import decode_ulaw, speech_level_dbfs
from byourside_server.sandbox.clips import load_clip, silence
from byourside_server.sandbox.line_noise import LineNoise
from byourside_server.sandbox.persona import PERSONAS


def level_dbfs(ulaw: bytes) -> float:
    return float(10 * np.log10(np.mean(decode_ulaw(ulaw).astype(np.float64) ** 2)))


def test_the_noisy_phone_is_some_fifteen_decibels_below_its_voice() -> None:
    noise_dbfs = PERSONAS["57"].noise_dbfs
    assert noise_dbfs is not None
    speech_dbfs = speech_level_dbfs(decode_ulaw(load_clip("yes_works").ulaw))
    assert speech_dbfs - level_dbfs(LineNoise(noise_dbfs).alone) == pytest.approx(15, abs=1)


def test_what_is_said_keeps_its_length_and_gets_the_noise_under_it() -> None:
    noise = LineNoise(-32.0)
    assert len(noise.under(load_clip("hello").ulaw)) == len(load_clip("hello").ulaw)
    assert level_dbfs(noise.under(silence(1000))) == pytest.approx(-32.0, abs=0.5)
