"""The network, against onnxruntime's answers for the same file of the silero-vad 6.2.3 wheel."""

import numpy as np
import pytest

from byourside_server.media.g711 import ULAW_DECODE, Floats
from byourside_server.media.vad import CHUNK_SAMPLES, CONTEXT_SAMPLES, INPUT_SAMPLES, STATE, SpeechModel
from tests.media.bank_kit import ASSETS, speech


def chunks_of_speech() -> Floats:
    sound = ULAW_DECODE[np.frombuffer(speech(), np.uint8)].astype(np.float32) / 32768
    sound = np.concatenate([np.zeros(CONTEXT_SAMPLES, np.float32), sound])
    starts = range(0, len(sound) - INPUT_SAMPLES + 1, CHUNK_SAMPLES)
    return np.stack([sound[start : start + INPUT_SAMPLES] for start in starts])


def probabilities(copies: int) -> Floats:
    model = SpeechModel(batch=copies)
    hidden, cell = (np.zeros((copies, STATE), np.float32) for _ in range(2))
    answers = [
        model.probabilities(np.repeat(chunk[None], copies, 0), hidden, cell) for chunk in chunks_of_speech()
    ]
    return np.stack(answers)


@pytest.mark.parametrize("copies", [1, 5])
def test_probabilities_are_those_of_onnxruntime(copies: int) -> None:
    """assets/two_sentences.silero_f32: onnxruntime 1.31 on silero_vad.onnx, 8 kHz, 32 samples of context.

    They differ by the order of float32 sums: 2.6e-6 at most when this was written.
    """
    expected = np.fromfile(ASSETS / "two_sentences.silero_f32", np.float32)
    ours = probabilities(copies)
    assert len(ours) == len(expected)
    assert np.abs(ours - expected[:, None]).max() < 1e-5


def test_rows_of_a_batch_do_not_touch_each_other() -> None:
    model = SpeechModel(batch=3)
    chunk = chunks_of_speech()[20]
    alone_hidden, alone_cell = (np.zeros((1, STATE), np.float32) for _ in range(2))
    alone = model.probabilities(chunk[None], alone_hidden, alone_cell)
    hidden, cell = (np.zeros((3, STATE), np.float32) for _ in range(2))
    noise = np.random.default_rng(1).normal(0, 0.3, (2, INPUT_SAMPLES)).astype(np.float32)
    among_others = model.probabilities(np.stack([noise[0], chunk, noise[1]]), hidden, cell)
    assert among_others[1] == pytest.approx(alone[0], abs=1e-6)
    assert np.allclose(hidden[1], alone_hidden[0], atol=1e-5)
