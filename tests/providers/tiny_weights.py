"""Simulated weights, of the shapes that the real packages load: they hum and babble, and mean nothing.

Needs onnx, or ctranslate2 and tokenizers; whoever calls it has looked for them.
"""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import numpy as np

PHONEMES = " abcdefghijklmnopqrstuvwxyzæðŋɐɑɔəɚɛɜɡɪɹʃʊʌʒˈˌːθ.,!?"
SAMPLES_PER_PHONEME = 800
WIDTH = 64
SPECIAL = (
    "<|endoftext|>",
    "<|startoftranscript|>",
    "<|en|>",
    "<|de|>",
    "<|translate|>",
    "<|transcribe|>",
    "<|startoflm|>",
    "<|startofprev|>",
    "<|nospeech|>",
    "<|notimestamps|>",
)
TIMESTAMPS = 1501
WORDS = tuple(f"{first}{second}" for first in "bdgklmnprst" for second in ("a", "e", "i", "o", "u"))


def write_piper_voice(folder: Path) -> Path:
    """A voice of 22050 Hz that hums a note for each phoneme, and its description beside it."""
    path = folder / "humming.onnx"
    _write_humming(path, "input", {"input_lengths": ("INT64", [1]), "scales": ("FLOAT", [3])}, ("scales", 1))
    ids = {character: [number] for number, character in enumerate("_^$" + PHONEMES)}
    described = {
        "audio": {"sample_rate": 22050},
        "espeak": {"voice": "en-us"},
        "language": {"code": "en_US"},
        "phoneme_type": "espeak",
        "num_symbols": len(ids),
        "num_speakers": 1,
        "phoneme_id_map": ids,
    }
    path.with_name(path.name + ".json").write_text(json.dumps(described), encoding="utf-8")
    return path


def write_kokoro(folder: Path) -> tuple[Path, Path]:
    """A model of 24 kHz that hums a note for each phoneme, and two voices."""
    path, voices = folder / "humming.onnx", folder / "voices.bin"
    _write_humming(path, "tokens", {"style": ("FLOAT", [1, 256]), "speed": ("FLOAT", [1])}, ("speed", 0))
    style = np.zeros((510, 1, 256), np.float32)
    with voices.open("wb") as file:
        np.savez(file, af_heart=style, bf_emma=style)
    return path, voices


def _write_humming(
    path: Path, phonemes: str, others: dict[str, tuple[str, list[int]]], pitch: tuple[str, int]
) -> None:
    """`pitch` is the input, and the place in it, by which every note is multiplied."""
    onnx: Any = importlib.import_module("onnx")
    helper, kinds = onnx.helper, onnx.TensorProto
    ramp = (np.arange(SAMPLES_PER_PHONEME, dtype=np.float32) / SAMPLES_PER_PHONEME * 40).reshape(1, 1, -1)
    nodes = [
        helper.make_node("Cast", [phonemes], ["number"], to=kinds.FLOAT),
        helper.make_node("Unsqueeze", ["number", "last"], ["column"]),
        helper.make_node("Gather", [pitch[0], "place"], ["pitch"]),
        helper.make_node("Mul", ["column", "pitch"], ["note"]),
        helper.make_node("Mul", ["note", "ramp"], ["phase"]),
        helper.make_node("Sin", ["phase"], ["sine"]),
        helper.make_node("Reshape", ["sine", "flat"], ["sound"]),
    ]
    constants = [
        onnx.numpy_helper.from_array(np.array([2]), "last"),
        onnx.numpy_helper.from_array(np.array([pitch[1]]), "place"),
        onnx.numpy_helper.from_array(ramp, "ramp"),
        onnx.numpy_helper.from_array(np.array([1, 1, -1]), "flat"),
    ]
    inputs = [helper.make_tensor_value_info(phonemes, kinds.INT64, [1, "phonemes"])]
    for name, (kind, shape) in others.items():
        inputs.append(helper.make_tensor_value_info(name, getattr(kinds, kind), shape))
    outputs = [helper.make_tensor_value_info("sound", kinds.FLOAT, [1, 1, "samples"])]
    graph = helper.make_graph(nodes, "humming", inputs, outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, str(path))


def write_whisper(folder: Path) -> Path:
    """A whisper model of one layer and random weights that knows English and German."""
    spec: Any = importlib.import_module("ctranslate2.specs").WhisperSpec(1, 2, 1, 2)
    tokens = [*WORDS, *SPECIAL, *(f"<|{number * 0.02:.2f}|>" for number in range(TIMESTAMPS))]
    random = np.random.default_rng(7)

    def weights(*shape: int) -> Any:
        return random.normal(0, 0.3, shape).astype(np.float32)

    def norm(layer: Any) -> None:
        layer.gamma, layer.beta = np.ones(WIDTH, np.float32), np.zeros(WIDTH, np.float32)

    def linear(layer: Any, out: int, into: int) -> None:
        layer.weight, layer.bias = weights(out, into), np.zeros(out, np.float32)

    def attention(layer: Any, *sizes: int) -> None:
        norm(layer.layer_norm)
        for each, size in zip(layer.linear, sizes, strict=True):
            linear(each, size, WIDTH)

    def feed_forward(layer: Any) -> None:
        norm(layer.layer_norm)
        linear(layer.linear_0, 4 * WIDTH, WIDTH)
        linear(layer.linear_1, WIDTH, 4 * WIDTH)

    encoder, decoder = spec.encoder, spec.decoder
    for conv, into in ((encoder.conv1, 80), (encoder.conv2, WIDTH)):
        conv.weight, conv.bias = weights(WIDTH, into, 3), np.zeros(WIDTH, np.float32)
    encoder.position_encodings.encodings = weights(1500, WIDTH)
    decoder.position_encodings.encodings = weights(448, WIDTH)
    decoder.embeddings.weight = weights(len(tokens), WIDTH)
    decoder.projection.weight = weights(len(tokens), WIDTH)
    for half in (encoder, decoder):
        norm(half.layer_norm)
        attention(half.layer[0].self_attention, 3 * WIDTH, WIDTH)
        feed_forward(half.layer[0].ffn)
    attention(decoder.layer[0].attention, WIDTH, 2 * WIDTH, WIDTH)

    number_of = {token: number for number, token in enumerate(tokens)}
    spec.register_vocabulary(tokens)
    spec.config.lang_ids = [number_of["<|en|>"], number_of["<|de|>"]]
    spec.config.suppress_ids = [number_of[token] for token in SPECIAL if token != "<|endoftext|>"]
    spec.config.suppress_ids_begin = [number_of["<|endoftext|>"]]
    spec.config.alignment_heads = [(0, 0)]
    spec.validate()
    folder.mkdir()
    spec.save(str(folder))
    _write_tokenizer(folder / "tokenizer.json", number_of)
    return folder


def _write_tokenizer(path: Path, number_of: dict[str, int]) -> None:
    tokenizers: Any = importlib.import_module("tokenizers")
    words = tokenizers.models.WordLevel(vocab=number_of, unk_token="ba")
    tokenizer = tokenizers.Tokenizer(words)
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    special = [token for token in number_of if token.startswith("<|")]
    tokenizer.add_special_tokens([tokenizers.AddedToken(token, special=True) for token in special])
    tokenizer.save(str(path))
