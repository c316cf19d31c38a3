"""What do the readers of a transcript get right, and what does the verification catch?

    script/bench extraction
    .venv/bin/python -m bench.extraction --write-prompts DIR

Reads the labelled calls of bench/results/extraction/corpus.jsonl with each reader, prints the table and
writes bench/results/extraction/results.json. With --write-prompts it writes the two requests of each call,
without any label, so that a language model can answer them blind; its answers belong into
bench/results/extraction/model_answers.jsonl as {"id", "extraction": text, "objective": text}.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.reading.corpus import RESULTS, Labelled, load
from bench.reading.readers import (
    ANSWERS,
    Reader,
    embedded,
    embedded_with_questions,
    recorded,
    refusals,
    with_model,
)
from bench.reading.scores import Rate, as_json, by_kind, misses, scores
from bench.reading.simulated_careless_model import simulated_careless_extraction
from byourside_server.report.extraction import (
    OBJECTIVE_SCHEMA,
    Extraction,
    extraction_request,
    objective_request,
)
from byourside_server.report.instructions import EXTRACTION_INSTRUCTIONS, OBJECTIVE_INSTRUCTIONS

CALLS_PER_PART = 45
MEASURES = ("precision", "recall", "wrong", "false_true", "false_met", "met", "outcome")


def write_prompts(folder: Path) -> int:
    """The number of part files written; system.json holds what stands above every request."""
    calls = load()
    folder.mkdir(parents=True, exist_ok=True)
    system = {
        "extraction": {"system": EXTRACTION_INSTRUCTIONS},
        "objective": {"system": OBJECTIVE_INSTRUCTIONS, "schema": OBJECTIVE_SCHEMA},
    }
    (folder / "system.json").write_text(json.dumps(system, ensure_ascii=False, indent=1), encoding="utf-8")
    parts = [calls[at : at + CALLS_PER_PART] for at in range(0, len(calls), CALLS_PER_PART)]
    for number, part in enumerate(parts, start=1):
        lines = [json.dumps(prompt_of(call), ensure_ascii=False) for call in part]
        (folder / f"part_{number}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return len(parts)


def prompt_of(call: Labelled) -> dict[str, object]:
    """What the two requests of one call say beyond the fixed instructions."""
    how = {"answered_by": call.answered_by, "ended_by": call.ended_by, "end_reason": call.end_reason}
    extraction = extraction_request(call.brief, call.turns, **how)
    objective = objective_request(call.brief, call.turns, **how)
    return {
        "id": call.id,
        "extraction": {
            "user": extraction.messages[1].text,
            "schema": extraction.schema.schema if extraction.schema is not None else None,
        },
        "objective": {"user": objective.messages[1].text},
    }


def run(calls: Sequence[Labelled]) -> dict[str, object]:
    """Every reader's figures, printed and as JSON."""
    models = models_of(calls)
    return {
        "calls": len(calls),
        "fields": sum(len(call.values) for call in calls),
        "readers": {reader.name: figures(reader, calls) for reader in readers_of(models)},
        "refused_by_check": {
            name: dict(Counter(refusals(calls, extractions).values())) for name, extractions in models.items()
        },
    }


def models_of(calls: Sequence[Labelled]) -> dict[str, Mapping[str, Extraction | None]]:
    """The answers of each model by its name; the recorded ones only where there are any."""
    models: dict[str, Mapping[str, Extraction | None]] = {}
    if ANSWERS.exists():
        models["language model"] = recorded(calls)
    models["simulated careless model"] = {call.id: simulated_careless_extraction(call) for call in calls}
    return models


def readers_of(models: Mapping[str, Mapping[str, Extraction | None]]) -> list[Reader]:
    by_model = [reader for name, extractions in models.items() for reader in with_model(name, extractions)]
    return [embedded(), embedded_with_questions(), *by_model]


def figures(reader: Reader, calls: Sequence[Labelled]) -> dict[str, object]:
    """One reader's measures in all, by kind, and by who spoke for the caller; prints its line."""
    readings = {call.id: reader.read(call) for call in calls}
    measured = scores(calls, readings)
    print_line(reader.name, measured)
    speakers = sorted({call.spoken_by for call in calls})
    return {
        "all": as_json(measured),
        "by_kind": {kind: as_json(rates) for kind, rates in by_kind(calls, readings).items()},
        "by_speaker": {
            speaker: as_json(scores([call for call in calls if call.spoken_by == speaker], readings))
            for speaker in speakers
        },
    }


def print_line(name: str, measured: Mapping[str, Rate]) -> None:
    cells = []
    for measure in MEASURES:
        rate = measured[measure]
        low, high = rate.interval()
        share = "–" if rate.share is None else f"{100 * rate.share:.1f} ({100 * low:.0f}–{100 * high:.0f})"
        cells.append(f"{share} {rate.hits}/{rate.of}")
    print(f"| {name} | " + " | ".join(cells) + " |")


def print_misses(reader_name: str, calls: Sequence[Labelled]) -> None:
    reader = next(reader for reader in readers_of(models_of(calls)) if reader.name == reader_name)
    print("\n".join(misses(calls, {call.id: reader.read(call) for call in calls})))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write-prompts", type=Path, metavar="DIR")
    parser.add_argument("--misses", metavar="READER", help="print what this reader does not get as labelled")
    options = parser.parse_args()
    if options.write_prompts is not None:
        print(f"{write_prompts(options.write_prompts)} files written to {options.write_prompts}")
        return
    calls = load()
    if options.misses is not None:
        print_misses(options.misses, calls)
        return
    print("| reader | " + " | ".join(MEASURES) + " |")
    print("|---|" + "---|" * len(MEASURES))
    results = run(calls)
    path = RESULTS / "results.json"
    path.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"written to {path}")


if __name__ == "__main__":
    main()
