"""The fuzzers' corpus, and what they once found, run as plain tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.targets import TARGETS

CORPUS = Path(__file__).resolve().parent / "corpus"


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_no_input_of_the_corpus_breaks_a_promise(name: str) -> None:
    inputs = sorted((CORPUS / name).iterdir())
    assert inputs, f"the corpus of {name} is empty"
    for path in inputs:
        TARGETS[name](path.read_bytes())
