"""Prometheus' own tools, which script/setup-prometheus unpacks: found or skipped, and run."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
UNPACKED = ROOT / "build" / "prometheus" / "usr" / "bin"
PATIENCE_S = 30.0


def found(name: str) -> str | None:
    """Where `prometheus` or `promtool` lies, if it is here."""
    return shutil.which(name, path=f"{UNPACKED}:{os.environ.get('PATH', '')}")


def tool(name: str) -> str:
    """The same; skips the test where it is not."""
    place = found(name)
    if place is None:
        pytest.skip(f"no {name}: run script/setup-prometheus")
    return place


def promtool(*arguments: str, given: str = "", folder: Path | None = None) -> tuple[int, str]:
    """Its exit code and all it said."""
    done = subprocess.run(
        [tool("promtool"), *arguments],
        input=given,
        cwd=folder,
        # Short runs on a machine that others work on: one thread costs half of two.
        env={**os.environ, "GOMAXPROCS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    return done.returncode, done.stdout
