"""Prometheus' own linter on our page, and its own trial of our alert rules: programs nobody here wrote."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from tests.metrics.test_metrics_application import full_house
from tests.peers.alarms import CASES
from tests.peers.promtool import ROOT, promtool

PAGE = (ROOT / "docs" / "metrics.md").read_text()
RULES_FILE = ROOT / "docs" / "metrics-alerts.yml"
RULES: dict[str, dict[str, Any]] = {
    rule["alert"]: rule for rule in yaml.safe_load(RULES_FILE.read_text())["groups"][0]["rules"]
}


def page() -> str:
    """The page with everything on it that there is."""
    [answer] = full_house().ask(("GET", "/metrics"))
    return answer.text


def tried(folder: Path, rules: Mapping[str, Mapping[str, Any]]) -> tuple[int, str]:
    """What promtool says of these rules in all the stories."""
    group = {"name": "byourside", "rules": list(rules.values())}
    (folder / "rules.yml").write_text(json.dumps({"groups": [group]}))  # every JSON document is YAML
    tests = [case.as_test(RULES) for case in CASES]
    told = {"rule_files": ["rules.yml"], "evaluation_interval": "1m", "tests": tests}
    (folder / "tests.yml").write_text(json.dumps(told))
    return promtool("test", "rules", "tests.yml", folder=folder)


def test_the_linter_finds_nothing_to_say_about_the_page() -> None:
    assert promtool("check", "metrics", given=page()) == (0, "")


@pytest.mark.parametrize(
    ("kept", "wrong", "found"),
    [
        ("# HELP byourside_live_calls ", "# HELP byourside_other ", "no help text"),
        ("byourside_live_calls", "byourside_live_calls_milliseconds", "use base unit"),
        ("# TYPE byourside_calls_total counter", "# TYPE byourside_calls_total gauge", "_total"),
    ],
)
def test_the_linter_would_have_found_something(kept: str, wrong: str, found: str) -> None:
    """So that silence above means something."""
    assert kept in page()
    code, said = promtool("check", "metrics", given=page().replace(kept, wrong))
    assert code != 0
    assert found in said


def test_every_rule_can_be_read() -> None:
    assert promtool("check", "rules", str(RULES_FILE)) == (
        0,
        f"Checking {RULES_FILE}\n  SUCCESS: {len(RULES)} rules found\n\n",
    )


def test_every_configuration_on_the_page_is_one(tmp_path: Path) -> None:
    blocks = re.findall(r"```yaml\n(# prometheus\.yml\n.*?)```", PAGE, re.DOTALL)
    assert len(blocks) == 2
    (tmp_path / "byourside-alerts.yml").write_text(RULES_FILE.read_text())
    for block in blocks:
        (tmp_path / "prometheus.yml").write_text(block)
        # The token's file is the operator's own.
        code, said = promtool("check", "config", "--syntax-only", "prometheus.yml", folder=tmp_path)
        assert code == 0, said
        assert "SUCCESS" in said


def test_each_alarm_rings_where_it_should_and_nowhere_else(tmp_path: Path) -> None:
    assert {case.alert for case in CASES if case.rings} == set(RULES)
    assert {case.alert for case in CASES if case.quiet} == set(RULES)
    code, said = tried(tmp_path, RULES)
    assert code == 0, said


def test_the_trial_would_have_noticed_each_rule(tmp_path: Path) -> None:
    """Rules that always ring: promtool names every one of them."""
    code, said = tried(tmp_path, {name: {**rule, "expr": "vector(1)"} for name, rule in RULES.items()})
    assert code != 0
    assert set(re.findall(r"alertname: (\w+)", said)) == set(RULES)
