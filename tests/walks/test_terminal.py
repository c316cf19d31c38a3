"""A call placed and followed from a terminal, in real time: one of the batch's."""

from __future__ import annotations

import re

from tests.walks.conftest import BATCH, BY_TERMINAL, Batch


def test_the_command_line_shows_progress_transcript_and_result(batch: Batch) -> None:
    first, *_ = batch.shown.splitlines()
    assert first == f"Placed call {batch.records[BY_TERMINAL]['id']} to {BATCH[BY_TERMINAL]['to']}"
    assert "in progress" in batch.shown
    assert "automated" in batch.shown
    assert re.search(r"confirmed\W+false", batch.shown, re.IGNORECASE), batch.shown
