"""Who answered? Every recipe of the corpus through the media engine, the recogniser and a conversation.

    script/bench amd                 the half that was held out
    script/bench amd --half train    the half that the numbers of the cadence were learned from
    script/bench amd --wrong         prints every call judged wrongly
    script/bench amd --page          only writes the figures kept into docs/answering.md

Prints and keeps the confusion matrix, errors by noise level, time to verdict, and the same calls judged by
the rule of Asterisk's AMD; each with the embedded recogniser, with one that hears every word, and with no
words at all. The embedded recogniser's words are kept in `build/`: the first run takes some ten minutes.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.answering.corpus import Recipe, recipes, sentences
from bench.answering.heard import Heard, hear
from bench.answering.judged import Judged, Opening
from bench.answering.page import write_page
from bench.answering.scores import scores
from bench.answering.words import Recognition, Words
from byourside_server.providers.base import Expectation

RESULTS = Path(__file__).with_name("results") / "amd"


class NoWords:
    """A recogniser that never understands anything: what tones and cadence do alone."""

    least_s_a_second = 0.05

    def words_of(self, ulaw: bytes, expect: Expectation) -> Words:
        return Words("", 0.0, 0.15)


class EveryWord:
    """Hears what was said up to the end of the sound, as a large recogniser nearly does."""

    least_s_a_second = 0.05

    def __init__(self, recipe: Recipe) -> None:
        said = [part[4:].partition("@")[0] for part in recipe.parts.split() if part.startswith("say:")]
        self._texts = [sentences()[sentence].text for sentence in said]
        self._spoken_s = 0.0

    def words_of(self, ulaw: bytes, expect: Expectation) -> Words:
        # Of each sentence as many words as the turn's sound has room for, at 15 characters a second.
        room = round(len(ulaw) / 8000 * 15)
        text = " ".join(self._texts)
        heard = text if room >= len(text) else text[:room].rpartition(" ")[0] or text.split()[0]
        return Words(heard, 0.95, 0.3)


def judge_all(heard: Sequence[Heard], how: str) -> list[Judged]:
    embedded = Recognition()
    judged = []
    for each in heard:
        ears = {"embedded": embedded, "none": NoWords(), "every_word": EveryWord(each.recipe)}[how]
        judged.append(Opening(each, ears).run())
        if how == "embedded":
            print(f"\r{len(judged)}/{len(heard)}", end="", file=sys.stderr, flush=True)
    return judged


def show_wrong(judged: Sequence[Judged]) -> None:
    for each in judged:
        recipe, final = each.heard.recipe, each.final
        said = each.early or (final.verdict if final else "unknown")
        if not said.startswith(recipe.label) and not (recipe.label == "ringing" and each.early is None):
            by = f"{final.by} {final.confidence} at {final.time_ms} ms" if final else ""
            call = f"{recipe.id} {recipe.label}/{recipe.kind} {recipe.voice} {recipe.snr_db}"
            print(f"  {call}: {said} {by} | {each.words}")


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--half", choices=("test", "train"), default="test")
    options.add_argument("--wrong", action="store_true")
    options.add_argument("--page", action="store_true")
    asked = options.parse_args()
    target = RESULTS / f"{asked.half}.json"
    if not asked.page:
        chosen = [recipe for recipe in recipes() if recipe.half == asked.half]
        began = time.monotonic()
        heard = hear(chosen)
        took_s = time.monotonic() - began
        cpu_s = sum(each.cpu_s for each in heard) / len(heard)
        sound_s = sum(len(each.rendered.frames) for each in heard) * 0.02
        found: dict[str, Any] = {"half": asked.half, "sound_s": round(sound_s)}
        found["times_faster_than_real_time"] = round(sound_s / took_s, 1)
        for how in ("embedded", "every_word", "none"):
            judged = judge_all(heard, how)
            found[how] = scores(judged, cpu_s)
            print(f"\n{how}: {json.dumps(found[how]['answered']['final'])}")
            if asked.wrong:
                show_wrong(judged)
        RESULTS.mkdir(parents=True, exist_ok=True)
        target.write_text(json.dumps(found, indent=2) + "\n")
        print(
            json.dumps(
                {key: value for key, value in found["embedded"].items() if key != "answered"}, indent=2
            )
        )
    write_page(json.loads((RESULTS / "test.json").read_text()))


if __name__ == "__main__":
    main()
