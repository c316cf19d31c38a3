"""Is this 32 ms of sound speech? The silero-vad 8 kHz network as plain matrix products.

Knows float chunks and the network's state. Does not know calls, gates or turns: `speech` decides.
All rows that are due go through together: 13 µs CPU a chunk in batches of 128 and more, 17 in one of 32,
102 alone (one thread of a busy 2-vCPU machine, numpy 2.4). onnxruntime gave the same probabilities.
Weights: data/silero_vad_8k.npz (MIT, see data/NOTICE), made by script/make_vad_weights.
"""

from importlib.resources import files
from typing import cast

import numpy as np

from byourside_server.media.g711 import Floats

CHUNK_SAMPLES = 256
CONTEXT_SAMPLES = 32
"""The network sees the last 4 ms of the chunk before."""
INPUT_SAMPLES = CONTEXT_SAMPLES + CHUNK_SAMPLES
STATE = 128

_WINDOW, _HOP, _BINS, _STEPS = 128, 64, 65, 4
_REFLECTED = 32
_GATES = 3 * STATE
"""Input, forget and output gate, which share one sigmoid; the cell candidate follows."""


def _load() -> dict[str, Floats]:
    with files(__package__).joinpath("data/silero_vad_8k.npz").open("rb") as file, np.load(file) as archive:
        return {name: archive[name] for name in archive.files}


def _as_matrix(kernel: Floats) -> Floats:
    """A convolution kernel [out, in, width] as the matrix that multiplies flattened [width * in] windows."""
    out_channels = kernel.shape[0]
    return np.ascontiguousarray(kernel.transpose(2, 1, 0).reshape(-1, out_channels))


class SpeechModel:
    """Weights and scratch space for up to `batch` chunks at once."""

    def __init__(self, batch: int) -> None:
        self.batch = batch
        raw = _load()
        self._stft = np.ascontiguousarray(raw["stft"][:, 0, :].T)
        # The last window reaches beyond the chunk, into its reflection: samples it sees twice weigh twice.
        self._stft_last = self._stft[: INPUT_SAMPLES - _HOP * (_STEPS - 1)].copy()
        self._stft_last[-1 - _REFLECTED : -1] += self._stft[-_REFLECTED:][::-1]
        # Padding 1 on both sides: the first step has no past and the last no future. A bin that is always 1
        # brings in the bias.
        by_bin = _as_matrix(raw["conv0_w"]).reshape(3, _BINS, -1)
        self._w0 = np.zeros((3, _BINS + 1, by_bin.shape[2]), np.float32)
        self._w0[:, :_BINS] = by_bin
        self._w0[1, _BINS] = raw["conv0_b"]
        self._w1, self._b1 = _as_matrix(raw["conv1_w"]), raw["conv1_b"]
        # Stride 2 over two steps with padding 1: the one output step sees [zero, first, second].
        self._w2, self._b2 = _as_matrix(raw["conv2_w"][:, :, 1:]), raw["conv2_b"]
        # One step with padding 1 on both sides: only the kernel's centre meets data.
        self._w3, self._b3 = np.ascontiguousarray(raw["conv3_w"][:, :, 1].T), raw["conv3_b"]
        self._lstm_w, self._lstm_b = self._lstm(raw)
        self._out_w, self._out_b = raw["out_w"][0, :, 0].copy(), float(raw["out_b"][0])
        self._spectrum = np.zeros((batch, 2 * _BINS), np.float32)
        self._magnitude = np.ones((batch, _STEPS, _BINS + 1), np.float32)
        self._steps0 = np.zeros((batch, _STEPS, 128), np.float32)
        self._steps1 = np.zeros((batch, 2 * 64), np.float32)
        self._steps2 = np.zeros((batch, 64), np.float32)
        self._input_hidden = np.zeros((batch, 2 * STATE), np.float32)
        self._gates = np.zeros((batch, 4 * STATE), np.float32)

    @staticmethod
    def _lstm(raw: dict[str, Floats]) -> tuple[Floats, Floats]:
        """Input and hidden weights as one matrix, gates reordered i f g o → i f o g.

        sigmoid(x) = tanh(x/2)/2 + 1/2, so the three sigmoid gates are halved here
        and one tanh serves all four.
        """
        weights = np.concatenate([raw["lstm_wx"], raw["lstm_wh"]], axis=1).T
        bias = raw["lstm_bx"] + raw["lstm_bh"]
        order = np.r_[0 : 2 * STATE, 3 * STATE : 4 * STATE, 2 * STATE : 3 * STATE]
        weights, bias = np.ascontiguousarray(weights[:, order]), bias[order].copy()
        weights[:, :_GATES] *= 0.5
        bias[:_GATES] *= 0.5
        return weights, bias

    def probabilities(self, chunks: Floats, hidden: Floats, cell: Floats) -> Floats:
        """Probability of speech for chunks `[n, 288]`; `hidden` and `cell` `[n, 128]` move on in place."""
        count = len(chunks)
        assert count <= self.batch
        encoded = self._encode(self._magnitudes(chunks), count)
        pair = self._input_hidden[:count]
        np.matmul(encoded, self._w3, out=pair[:, :STATE])
        pair[:, :STATE] += self._b3
        np.maximum(pair[:, :STATE], 0, out=pair[:, :STATE])
        pair[:, STATE:] = hidden
        gates = self._gates[:count]
        np.matmul(pair, self._lstm_w, out=gates)
        gates += self._lstm_b
        np.tanh(gates, out=gates)
        sigmoids, candidate = gates[:, :_GATES], gates[:, _GATES:]
        sigmoids *= 0.5
        sigmoids += 0.5
        cell *= sigmoids[:, STATE : 2 * STATE]
        sigmoids[:, :STATE] *= candidate
        cell += sigmoids[:, :STATE]
        np.tanh(cell, out=hidden)
        hidden *= sigmoids[:, 2 * STATE :]
        logit = np.maximum(hidden, 0) @ self._out_w + self._out_b
        return cast(Floats, 1 / (1 + np.exp(-logit)))

    def _magnitudes(self, chunks: Floats) -> Floats:
        """Short-time spectrum of each chunk, `[n, 4 * (65 bins and 1)]`."""
        count = len(chunks)
        spectrum, magnitude = self._spectrum[:count], self._magnitude[:count]
        for step in range(_STEPS):
            start = _HOP * step
            basis = self._stft if start + _WINDOW <= INPUT_SAMPLES else self._stft_last
            np.matmul(chunks[:, start : start + len(basis)], basis, out=spectrum)
            np.multiply(spectrum, spectrum, out=spectrum)
            np.add(spectrum[:, :_BINS], spectrum[:, _BINS:], out=magnitude[:, step, :_BINS])
        inner = magnitude[:, :, :_BINS]
        np.sqrt(inner, out=inner)
        return magnitude.reshape(count, -1)

    def _encode(self, magnitude: Floats, count: int) -> Floats:
        """The first three convolutions: `[n, 64]`."""
        steps0, width = self._steps0[:count], _BINS + 1
        for step in range(_STEPS):
            first, last = max(0, step - 1), min(_STEPS, step + 2)
            kernel = self._w0[first - step + 1 : last - step + 1].reshape(-1, 128)
            np.matmul(magnitude[:, width * first : width * last], kernel, out=steps0[:, step])
        np.maximum(steps0, 0, out=steps0)
        flat0, steps1 = steps0.reshape(count, -1), self._steps1[:count]
        # Stride 2 with padding 1: the first of two steps sees [zero, 0, 1], the second [1, 2, 3].
        np.matmul(flat0[:, : 2 * 128], self._w1[128:], out=steps1[:, :64])
        np.matmul(flat0[:, 128:], self._w1, out=steps1[:, 64:])
        by_step = steps1.reshape(count, 2, 64)
        by_step += self._b1
        np.maximum(steps1, 0, out=steps1)
        steps2 = self._steps2[:count]
        np.matmul(steps1, self._w2, out=steps2)
        steps2 += self._b2
        return np.maximum(steps2, 0, out=steps2)
