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


def tool(name: str) -> str:
    """Where `prometheus` or `promtool` lies; skips the test where there is none."""
    found = shutil.which(name, path=f"{UNPACKED}:{os.environ.get('PATH', '')}")
    if found is None:
        pytest.skip(f"no {name}: run script/setup-prometheus")
    return found


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
