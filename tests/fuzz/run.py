"""Feeds one target with atheris for some seconds: `script/fuzz NAME --seconds N`.

New inputs that reach new code go to build/fuzz/NAME; one that breaks a promise is written there as crash-…,
and belongs into tests/fuzz/corpus/NAME once it is mended.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["byourside_server"]):
    from tests.fuzz.targets import TARGETS

HERE = Path(__file__).resolve().parent
FOUND = HERE.parent.parent / "build" / "fuzz"
# No message is larger, and a fuzzer finds little in large inputs.
LONGEST = 4096


def main() -> None:
    parser = argparse.ArgumentParser(prog="script/fuzz", description="Feed a parser what no peer sends.")
    parser.add_argument("target", choices=sorted(TARGETS))
    parser.add_argument("--seconds", type=int, default=60)
    given = parser.parse_args()
    found = FOUND / given.target
    found.mkdir(parents=True, exist_ok=True)
    options = [
        f"-max_total_time={given.seconds}",
        f"-max_len={LONGEST}",
        f"-artifact_prefix={found}/",
        "-timeout=5",
    ]
    folders = [str(found), str(HERE / "corpus" / given.target)]
    atheris.Setup([sys.argv[0], *options, *folders], TARGETS[given.target])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
