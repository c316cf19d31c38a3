"""The operator's side of the password: printed once, replaced by a command."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from byourside_server.accounts.password import password_matches
from byourside_server.cli import main
from byourside_server.cli.archive import furnish_dashboard, transact
from byourside_server.config import load_config


def kept_hash(data_dir: Path) -> str:
    [[found]] = sqlite3.connect(data_dir / "byourside.db").execute("SELECT hash FROM dashboard_password")
    return str(found)


def test_a_new_password_is_the_last_line_and_only_its_hash_is_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["accounts", "create", "acme", "--data-dir", str(tmp_path)]) == 0
    assert main(["dashboard", "password", "--data-dir", str(tmp_path)]) == 0
    first = capsys.readouterr().out.splitlines()[-1]
    assert password_matches(first, kept_hash(tmp_path))
    assert main(["dashboard", "password", "--data-dir", str(tmp_path)]) == 0
    second = capsys.readouterr().out.splitlines()[-1]
    assert password_matches(second, kept_hash(tmp_path))
    assert not password_matches(first, kept_hash(tmp_path))
    assert all(second.encode() not in file.read_bytes() for file in tmp_path.iterdir())


def test_a_mistyped_directory_gets_no_password(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dashboard", "password", "--data-dir", str(tmp_path / "nowhere")]) == 2
    assert "holds no database" in capsys.readouterr().err


def test_the_first_start_makes_a_password_and_the_next_does_not(tmp_path: Path) -> None:
    config = load_config({"data_dir": str(tmp_path)}, {})
    assert transact(config, furnish_dashboard, "first", 1.0)
    assert not transact(config, furnish_dashboard, "second", 2.0)
    assert kept_hash(tmp_path) == "first"
