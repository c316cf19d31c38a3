"""The documentation says what is: tables against code, links against files, commands against the parser."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from bench.answering.corpus import recipes, sentences
from bench.answering.page import BEGIN, END, tables
from byourside_server.calls.answering import EVIDENCE
from byourside_server.calls.lifecycle import TERMINAL_STATUSES
from byourside_server.calls.onward import (
    CAUSES_OF_THE_DESTINATION,
    CAUSES_OF_THE_NETWORK,
    ONWARD_OF_CLASS,
    ONWARD_OF_SIP_STATUS,
)
from byourside_server.calls.outcomes import OUTCOME_OF_EARLY_SOUND, OUTCOME_OF_SIP_STATUS
from byourside_server.cli import main
from byourside_server.config import load_config
from byourside_server.sandbox.persona import PERSONAS

ROOT = Path(__file__).resolve().parent.parent
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").rglob("*.md")),
    ROOT / "sdks" / "python" / "README.md",
]
GROUPS = ("keys", "accounts", "numbers", "webhooks")
NAMED_FILE = re.compile(r"`((?:byourside_server|tests|docs|script|contract|sdks|bench)/[\w./]+?)`")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_and_every_named_file_exists(page: Path) -> None:
    text = page.read_text()
    linked = [target for target in re.findall(r"\]\(([^)#]+)[^)]*\)", text) if "://" not in target]
    assert [target for target in linked if not (page.parent / target).exists()] == []
    assert [name for name in NAMED_FILE.findall(text) if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_row_of_a_table_has_the_cells_of_its_head(page: Path) -> None:
    """A bar inside a cell ends it, also between backticks; readers never see what comes behind."""
    cells_of_head, broken = 0, []
    for line in page.read_text().splitlines():
        cells = len(re.split(r"(?<!\\)\|", line)) if line.startswith("|") else 0
        cells_of_head = (cells_of_head or cells) if cells else 0
        if cells != cells_of_head:
            broken.append(line)
    assert broken == []


def test_the_sandbox_page_lists_every_persona_and_no_other() -> None:
    rows = re.findall(r"^\| (\d\d) \| ([^|]+?) \|", (ROOT / "docs/sandbox.md").read_text(), re.MULTILINE)
    assert dict(rows) == {digits: phone.title for digits, phone in PERSONAS.items()}
    assert all(f"{digits} " in (ROOT / "README.md").read_text() for digits in PERSONAS)


def test_the_outcomes_page_prints_the_codes_own_table() -> None:
    text = (ROOT / "docs/outcomes.md").read_text()
    rows = re.findall(r"^\| (\d{3}) \| `(\w+)` \| (?:`(\w+)`|null) \| `(\w+)` \|", text, re.MULTILINE)
    assert {int(status): (state, error or None, reason) for status, state, error, reason in rows} == {
        status: (outcome.state, outcome.error, outcome.end_reason)
        for status, outcome in OUTCOME_OF_SIP_STATUS.items()
    }


def test_the_trunks_page_prints_the_codes_own_table_and_causes() -> None:
    text = (ROOT / "docs/trunks.md").read_text()
    by_status = re.findall(r"^\| (\d{3}) \| `(\w+)` \|", text, re.MULTILINE)
    by_class = re.findall(r"^\| any other (\d)xx \| `(\w+)` \|", text, re.MULTILINE)
    assert {int(status): move for status, move in by_status} == ONWARD_OF_SIP_STATUS
    assert {int(digit): move for digit, move in by_class} == ONWARD_OF_CLASS
    for causes in (CAUSES_OF_THE_DESTINATION, CAUSES_OF_THE_NETWORK):
        assert f" {', '.join(map(str, sorted(causes)))} " in text


def test_every_configuration_of_the_trunks_page_can_be_used(tmp_path: Path) -> None:
    blocks = re.findall(r"```toml\n(.*?)```", (ROOT / "docs/trunks.md").read_text(), re.DOTALL)
    assert len(blocks) == 8
    for block in blocks:
        (tmp_path / "config.toml").write_text(block)
        assert load_config({"data_dir": str(tmp_path)}, {}).trunks


def test_the_outcomes_page_has_one_whole_record_of_every_persona() -> None:
    blocks = re.findall(r"```json\n(.*?)```", (ROOT / "docs/outcomes.md").read_text(), re.DOTALL)
    records = {record["to"][-2:]: record for record in map(json.loads, blocks)}
    assert set(records) == {*PERSONAS, "23"}
    assert all(record["status"] in TERMINAL_STATUSES for record in records.values())
    assert records["23"]["extracted"] == {"confirmed": True, "new_time": None}


def test_every_command_that_the_readme_shows_is_known(capsys: pytest.CaptureFixture[str]) -> None:
    shown = re.findall(r"byourside-server ([a-z]+)(?: ([a-z]+)\b)?", (ROOT / "README.md").read_text())
    assert shown
    for command, sub in set(shown):
        words = [command, sub] if sub and command in GROUPS else [command]
        with pytest.raises(SystemExit) as ended:
            main([*words, "--help"])
        assert ended.value.code == 0, words
    capsys.readouterr()


def test_the_changelog_names_the_version_that_is_installed() -> None:
    from byourside_server import __version__

    assert f"## {__version__} " in (ROOT / "CHANGELOG.md").read_text()


def test_the_answering_page_prints_the_evidence_and_the_early_tones_of_the_code() -> None:
    text = (ROOT / "docs/answering.md").read_text()
    evidence = text.split("## What a verdict rests on")[1].split("##")[0].split("|---|---|")[1]
    assert dict(re.findall(r"^\| `(\w+)` \| ([^|]+?) \|$", evidence, re.MULTILINE)) == EVIDENCE
    row = r"^\| `(\w+)`: [^|]+\| [^|]+\| `(\w+)` \| (?:`(\w+)`|null) \| `(\w+)` \|$"
    early = {kind: (state, error or None, why) for kind, state, error, why in re.findall(row, text, re.M)}
    assert early == {
        kind: (outcome.state, outcome.error, outcome.end_reason)
        for kind, outcome in OUTCOME_OF_EARLY_SOUND.items()
    }


def test_the_answering_page_prints_the_figures_that_were_measured() -> None:
    measured = json.loads((ROOT / "bench/results/amd/test.json").read_text())
    text = (ROOT / "docs/answering.md").read_text()
    assert text.partition(BEGIN)[2].partition(END)[0].strip() == tables(measured).strip()
    assert sum(sum(row.values()) for row in measured["embedded"]["answered"]["final"].values()) > 180


def test_the_halves_of_the_answering_corpus_share_no_voice_and_no_sentence() -> None:
    assert len(recipes()) == 438
    assert "makes 438 labelled calls" in (ROOT / "docs/answering.md").read_text()
    for half in ("train", "test"):
        mine = [recipe for recipe in recipes() if recipe.half == half]
        said = {part[4:7] for recipe in mine for part in recipe.parts.split() if part.startswith("say:")}
        assert said == {sentence.id for sentence in sentences().values() if sentence.half == half}
        others = {recipe.voice for recipe in recipes() if recipe.half != half}
        assert not {recipe.voice for recipe in mine} & others
