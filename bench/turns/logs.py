"""Scripts and logs of callers as JSON files, between the bench and the process that plays the callers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from bench.turns.judged import Said
from bench.turns.phone import Log
from bench.turns.script import Step


def write_steps(path: Path, scripts: Sequence[Sequence[Step]]) -> None:
    path.write_text(json.dumps([[asdict(step) for step in script] for script in scripts]))


def read_steps(path: Path) -> list[list[Step]]:
    return [[Step(**step) for step in script] for script in json.loads(path.read_text())]


def write_logs(path: Path, logs: Sequence[Log]) -> None:
    path.write_text(json.dumps([asdict(log) for log in logs]))


def read_logs(path: Path) -> list[Log]:
    return [
        Log(
            said=[Said(**said) for said in log["said"]],
            unanswered=log["unanswered"],
            sounds=[(begin, end) for begin, end in log["sounds"]],
            latest_tick_s=log["latest_tick_s"],
        )
        for log in json.loads(path.read_text())
    ]
