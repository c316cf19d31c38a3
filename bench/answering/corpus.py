"""Four hundred and more ways in which a call is answered, made anew from a table of recipes.

A recipe is one line of `recipes.csv`: who (`label`, `kind`), a score of `parts` played one after the other,
and the line it comes over: noise, codec, loss. Speech is that of flite and espeak-ng, kept in `build/`; tones
are those of the sandbox's network. The same table gives the same sound to the last bit.

Parts: `0.8` seconds of quiet · `say:ID` a sentence (`say:ID@VOICE` in another voice) · `answer` the 200 OK
(at the beginning where it is missing) · `beep:HZ:MS` · `sit` · `busy:S` · `ringback:COUNTRY:S` · `fax:S` ·
`ansam:S` · `cng:S` · `music:S` · `noise:S`
"""

from __future__ import annotations

import csv
import subprocess
import tempfile
import wave
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

import numpy as np

from byourside_server.media.rtp import FRAME_SAMPLES
from byourside_server.providers.flite import FliteVoice
from byourside_server.providers.telephone_band import (
    Samples,
    decode_ulaw,
    encode_ulaw,
    from_int16,
    speech_level_dbfs,
    to_telephone,
)
from byourside_server.sandbox import clips

FOLDER = Path(__file__).parent
SENTENCES, RECIPES = FOLDER / "sentences.csv", FOLDER / "recipes.csv"
SPOKEN = FOLDER.parents[1] / "build" / "amd"
LINE_NOISE_DBFS = -66.0
TONE_LEVEL_DBFS = -18.0
RATE_HZ = 8000
LISTENED_S = 7.0
"""What is heard after the last part: a person who waits, or a machine that records."""


@dataclass(frozen=True)
class Sentence:
    id: str
    half: str
    label: str
    kind: str
    text: str


@dataclass(frozen=True)
class Recipe:
    id: str
    half: str
    label: str
    kind: str
    voice: str
    parts: str
    noise: str
    snr_db: str
    codec: str
    loss_percent: int
    seed: int

    @property
    def is_early(self) -> bool:
        """Whether something sounds before the answer."""
        return "answer" in self.parts.split() or self.label in EARLY_LABELS


EARLY_LABELS = ("ringing", "busy", "unallocated", "fax_early")
"""What is told by early media that no answer ever follows."""


@dataclass(frozen=True)
class Rendered:
    """What the server receives: a frame a tick, None where the network lost it."""

    frames: tuple[bytes | None, ...]
    answer_tick: int | None
    sound: Samples
    """The same without loss, since the answer, as it arrives: for the baseline."""
    last_beep_end_s: float | None
    """Since the answer."""


@lru_cache(maxsize=1)
def sentences() -> dict[str, Sentence]:
    with SENTENCES.open(newline="") as table:
        rows = [Sentence(**row) for row in csv.DictReader(table)]
    return {row.id: row for row in rows}


@lru_cache(maxsize=1)
def recipes() -> tuple[Recipe, ...]:
    with RECIPES.open(newline="") as table:
        rows = [dict(row) for row in csv.DictReader(table)]
    return tuple(
        Recipe(**{**row, "loss_percent": int(row["loss_percent"]), "seed": int(row["seed"])}) for row in rows
    )


def render(recipe: Recipe) -> Rendered:
    random = np.random.default_rng(recipe.seed)
    pieces: list[Samples] = []
    speech: list[Samples] = []
    answer_at: int | None = None if recipe.label in EARLY_LABELS else 0
    beep_end: int | None = None
    length = 0
    for part in recipe.parts.split():
        if part == "answer":
            answer_at = length
            continue
        sound = _sound_of(part, recipe.voice)
        pieces.append(sound)
        length += len(sound)
        if part.startswith("say:"):
            speech.append(sound)
        if part.startswith("beep:"):
            beep_end = length
    pieces.append(np.zeros(round(LISTENED_S * RATE_HZ), np.float32))
    line = np.concatenate(pieces)
    line = line[: len(line) // FRAME_SAMPLES * FRAME_SAMPLES]
    level = speech_level_dbfs(np.concatenate(speech)) if speech else TONE_LEVEL_DBFS
    noise_dbfs = LINE_NOISE_DBFS if recipe.snr_db == "clean" else level - float(recipe.snr_db)
    line = line + _noise(recipe.noise, len(line), random) * 10 ** (noise_dbfs / 20)
    ulaw = encode_ulaw(np.clip(line, -1, 1))
    frames = [ulaw[at : at + FRAME_SAMPLES] for at in range(0, len(ulaw), FRAME_SAMPLES)]
    lost = _lost(len(frames), recipe.loss_percent, random)
    answer_tick = None if answer_at is None else answer_at // FRAME_SAMPLES
    return Rendered(
        frames=tuple(None if lost[index] else frame for index, frame in enumerate(frames)),
        answer_tick=answer_tick,
        sound=decode_ulaw(ulaw)[(answer_at or 0) :],
        last_beep_end_s=None if beep_end is None or answer_at is None else (beep_end - answer_at) / RATE_HZ,
    )


def _sound_of(part: str, voice: str) -> Samples:
    name, _, rest = part.partition(":")
    if name == "say":
        sentence, _, other = rest.partition("@")
        return decode_ulaw(spoken(sentences()[sentence].text, other or voice))
    if name in _TONES:
        return _TONES[name](*rest.split(":")) if rest else _TONES[name]()
    return np.zeros(round(float(part) * RATE_HZ), np.float32)


def spoken(text: str, voice: str) -> bytes:
    """The text said by a voice, as µ-law; made once."""
    path = SPOKEN / f"{voice}-{sha256(text.encode()).hexdigest()[:16]}.ul"
    if not path.exists():
        SPOKEN.mkdir(parents=True, exist_ok=True)
        engine, _, name = voice.partition(":")
        ulaw = FliteVoice("flite", name).say_now(text) if engine == "flite" else _espeak(text, name)
        path.write_bytes(ulaw)
    return path.read_bytes()


def _espeak(text: str, name: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "sound.wav")
        subprocess.run(["espeak-ng", "-v", name, "-w", str(path), text], check=True, capture_output=True)
        with wave.open(str(path)) as opened:
            pcm = opened.readframes(opened.getnframes())
            return to_telephone(from_int16(pcm), opened.getframerate())


def _sines(seconds: float, *hz: float, level_dbfs: float = TONE_LEVEL_DBFS) -> Samples:
    at = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    wave_ = sum(np.sin(2 * np.pi * each * at) for each in hz) * np.sqrt(2 / len(hz)) * 10 ** (level_dbfs / 20)
    ramp = np.minimum(np.minimum(np.arange(len(at)), np.arange(len(at))[::-1]) / 32, 1)
    return np.asarray(wave_ * ramp, np.float32)


def _quiet(seconds: float) -> Samples:
    return np.zeros(round(seconds * RATE_HZ), np.float32)


def _cadence(seconds: str, *steps: Samples) -> Samples:
    pattern = np.concatenate(steps)
    count = round(float(seconds) * RATE_HZ)
    return np.tile(pattern, count // len(pattern) + 1)[:count]


def _ringback(country: str, seconds: str) -> Samples:
    if country == "us":
        return _cadence(seconds, _sines(2, 440, 480), _quiet(4))
    if country == "uk":
        return _cadence(seconds, _sines(0.4, 400, 450), _quiet(0.2), _sines(0.4, 400, 450), _quiet(2))
    return _cadence(seconds, _sines(1, 425), _quiet(4))


def _busy(seconds: str) -> Samples:
    return _cadence(seconds, _sines(0.5, 480, 620), _quiet(0.5))


def _busy_eu(seconds: str) -> Samples:
    return _cadence(seconds, _sines(0.5, 425), _quiet(0.5))


def _sit() -> Samples:
    return np.concatenate([_sines(0.38, 985.2), _sines(0.276, 1428.5), _sines(0.38, 1776.7)])


def _fax(seconds: str) -> Samples:
    """CED, then the V.21 flags of the first frame."""
    bits = np.repeat(np.random.default_rng(7).integers(0, 2, 300), 27)
    data = np.sin(np.cumsum(2 * np.pi * np.where(bits, 1650, 1850) / RATE_HZ)) * 10 ** (TONE_LEVEL_DBFS / 20)
    return np.concatenate([_sines(float(seconds), 2100), _quiet(0.08), np.asarray(data, np.float32)])


def _ansam(seconds: str) -> Samples:
    """V.8: 2100 Hz, 15 Hz amplitude modulation of a fifth, the phase turned every 450 ms."""
    at = np.arange(round(float(seconds) * RATE_HZ)) / RATE_HZ
    turned = np.where((at / 0.45).astype(int) % 2, -1.0, 1.0)
    swell = 1 + 0.2 * np.sin(2 * np.pi * 15 * at)
    tone = np.sin(2 * np.pi * 2100 * at) * turned * swell * np.sqrt(2) * 10 ** (TONE_LEVEL_DBFS / 20)
    return np.asarray(tone, np.float32)


def _cng(seconds: str) -> Samples:
    return _cadence(seconds, _sines(0.5, 1100), _quiet(3))


def _music(seconds: str) -> Samples:
    return decode_ulaw(clips.hold_music(round(float(seconds) * 1000)))


_TONES: dict[str, Callable[..., Samples]] = {
    "beep": lambda hz, ms: _sines(float(ms) / 1000, float(hz)),
    "ringback": _ringback,
    "busy": _busy,
    "busy_eu": _busy_eu,
    "sit": _sit,
    "fax": _fax,
    "ansam": _ansam,
    "cng": _cng,
    "music": _music,
    "quiet": lambda seconds: _quiet(float(seconds)),
}


def _noise(kind: str, count: int, random: np.random.Generator) -> Samples:
    """White, or falling by 3 dB an octave as a room or a car does; mean square 1."""
    white = random.standard_normal(count)
    if kind == "pink":
        spectrum = np.fft.rfft(white)
        hz = np.fft.rfftfreq(count, 1 / RATE_HZ)
        spectrum *= np.where(hz > 100, 1 / np.sqrt(np.maximum(hz, 100)), 0)
        white = np.fft.irfft(spectrum, count)
    return np.asarray(white / np.sqrt((white**2).mean()), np.float32)


def _lost(count: int, percent: int, random: np.random.Generator) -> list[bool]:
    """Loss in bursts of two frames on average."""
    lost, is_bad = [], False
    for draw in random.random(count).tolist():
        is_bad = draw < 0.5 if is_bad else draw < percent / 200
        lost.append(is_bad and percent > 0)
    return lost
