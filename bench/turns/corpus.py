"""What the callers say, out of `turns.csv`, `dictation.csv` and `heldout.csv`. Speech is espeak-ng's.

A row of the latter two is a case: the question that the agent has asked, and what is dictated, with the
seconds of pause from voice to voice in brackets: `four one five [0.6] five five five`. Each part is spoken
for itself, all but the last with a comma behind it, so that the voice stays up in the pause. Coughs and
clicks are simulated: shaped noise. Everything has the noise of a quiet line.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.turns.espeak import spoken
from bench.turns.sayings import AGENT, Saying, Sayings, Word
from bench.turns.talk import AGENT_S
from bench.turns.voicing import (
    FRAME,
    RATE_HZ,
    Samples,
    companded,
    first_voiced,
    last_voiced,
    linear,
    voiced_frames,
)

FOLDER = Path(__file__).parent
TURNS, DICTATION = FOLDER / "turns.csv", FOLDER / "dictation.csv"
HELDOUT = FOLDER / "heldout.csv"
"""Written without sight of the rules of patience, and never to be used to set them: docs/performance.md."""
NOISE_DBFS = -65.0
LEAD, TAIL = FRAME, FRAME * 2
"""Around the voice of a saying."""
PAUSE = re.compile(r"\s*\[([\d.]+)\]\s*")
AGENT_TEXT = (
    "Of course I can say a lot more about all of this and so I will do it now without any pause in between "
    "because whoever measures how quickly I stop wants to hear me all the time and never wonder whether I "
    "have only been drawing breath or really have nothing left to say about the matter that you asked about"
)
AGENT_VOICE = ("en-us+m3", 160)
SIMULATED_NOISES = {"(cough)": (0.28, 0.25), "(click)": (0.012, 0.4)}
"""Seconds and peak of the noise that stands for it."""


@dataclass(frozen=True)
class Line:
    """A row of `turns.csv`."""

    id: str
    kind: str
    voice: str
    words_a_minute: int
    text: str


@dataclass(frozen=True)
class Case:
    """A row of `dictation.csv` or `heldout.csv`; `kind` is `paused` or `complete`."""

    id: str
    kind: str
    question: str
    voice: str
    words_a_minute: int
    parts: str

    @property
    def texts(self) -> list[str]:
        return PAUSE.split(self.parts)[::2]

    @property
    def pauses_s(self) -> tuple[float, ...]:
        return tuple(map(float, PAUSE.split(self.parts)[1::2]))


def lines() -> list[Line]:
    with TURNS.open(newline="") as table:
        rows = list(csv.DictReader(table))
    return [
        Line(row["id"], row["kind"], row["voice"], int(row["words_a_minute"]), row["text"]) for row in rows
    ]


def cases(of: Path = DICTATION) -> list[Case]:
    with of.open(newline="") as table:
        rows = list(csv.DictReader(table))
    return [
        Case(row["id"], row["kind"], row["question"], row["voice"], int(row["words_a_minute"]), row["parts"])
        for row in rows
    ]


def make(folder: Path) -> Sayings:
    """Speak all tables and the agent's voice into `folder`."""
    asked: list[tuple[str, list[str], tuple[float, ...], str, int]] = [
        *((line.id, [line.text], (), line.voice, line.words_a_minute) for line in lines()),
        *(
            (case.id, case.texts, case.pauses_s, case.voice, case.words_a_minute)
            for case in [*cases(), *cases(HELDOUT)]
        ),
    ]
    wanted = [
        (text + ("," if number < len(texts) - 1 else "."), voice, rate)
        for _, texts, _, voice, rate in asked
        for number, text in enumerate(texts)
        if text not in SIMULATED_NOISES
    ]
    *sounds, agent = spoken([*wanted, (AGENT_TEXT, *AGENT_VOICE)])
    queue, random = iter(sounds), np.random.default_rng(1)
    made: list[Saying] = []
    ulaw = b""
    for saying_id, texts, pauses_s, _, _ in asked:
        parts = [_noise(text, random) if text in SIMULATED_NOISES else next(queue) for text in texts]
        sound, words = joined(list(zip(texts, parts, strict=True)), pauses_s)
        sound = over_noise(sound, random)
        first, last = first_voiced(sound), last_voiced(sound)
        assert first is not None
        assert last is not None
        made.append(
            Saying(saying_id, " ".join(texts), len(ulaw), len(sound), first, last, tuple(words), pauses_s)
        )
        ulaw += sound
    sayings = Sayings(made, ulaw)
    sayings.write(folder)
    (folder / AGENT).write_bytes(without_pauses(agent)[: int(AGENT_S * RATE_HZ)])
    return sayings


def joined(parts: Sequence[tuple[str, bytes]], pauses_s: Sequence[float]) -> tuple[bytes, list[Word]]:
    """The parts' voices with exactly these pauses between them; words share a voice by their letters."""
    sound: list[Samples] = [np.zeros(LEAD, np.int32)]
    words: list[Word] = []
    at = LEAD
    for number, (text, ulaw) in enumerate(parts):
        first, last = first_voiced(ulaw), last_voiced(ulaw)
        if first is None or last is None:
            raise ValueError(f"no voice in {text!r}")
        voice = linear(ulaw)[first : last + 1]
        words += [Word(word, at + end) for word, end in _ends(text, len(voice))]
        pause_s = pauses_s[number] if number < len(pauses_s) else 0.0
        sound += [voice, np.zeros(round(pause_s * RATE_HZ), np.int32)]
        at += len(voice) + round(pause_s * RATE_HZ)
    sound.append(np.zeros(TAIL + -at % FRAME, np.int32))
    return companded(np.concatenate(sound)), words


def _ends(text: str, length: int) -> list[tuple[str, int]]:
    if text in SIMULATED_NOISES:
        return []
    words = text.split()
    letters = np.cumsum([len(word) + 1 for word in words])
    return [(word, int(length * end / letters[-1])) for word, end in zip(words, letters, strict=True)]


def over_noise(ulaw: bytes, random: np.random.Generator) -> bytes:
    """The same on a line that is not digitally silent."""
    level = 10 ** (NOISE_DBFS / 20) * 32768
    noisy = linear(ulaw) + np.rint(random.standard_normal(len(ulaw)) * level).astype(np.int32)
    return companded(np.clip(noisy, -32635, 32635))


def without_pauses(ulaw: bytes) -> bytes:
    """Its voiced frames alone, repeated until there are enough."""
    loud = voiced_frames(ulaw)
    frames = np.frombuffer(ulaw, np.uint8)[: len(loud) * FRAME].reshape(-1, FRAME)
    voiced = frames[loud].tobytes()
    return voiced * (int(AGENT_S * RATE_HZ) // len(voiced) + 1)


def _noise(name: str, random: np.random.Generator) -> bytes:
    seconds, peak = SIMULATED_NOISES[name]
    count = round(seconds * RATE_HZ)
    shape = np.minimum(1, np.arange(count) / 40) * np.exp(-3 * np.arange(count) / count)
    sound = random.standard_normal(count) * shape * peak * 32768 / 2
    padded = np.concatenate(
        [np.zeros(FRAME), np.clip(sound, -32635, 32635), np.zeros(-count % FRAME + FRAME)]
    )
    return companded(padded.astype(np.int32))
