"""Virtual time is for the sandbox alone, and says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from byourside_server.config import load_config
from byourside_server.errors import ConfigError

VIRTUAL = {"BYOURSIDE_SPEED": "virtual"}


def test_time_is_real_unless_said_otherwise(tmp_path: Path) -> None:
    assert not load_config({"data_dir": str(tmp_path)}, {}).is_virtual
    assert load_config({"data_dir": str(tmp_path)}, VIRTUAL).is_virtual
    assert load_config({"data_dir": str(tmp_path), "speed": "virtual"}, {}).is_virtual


def test_a_trunk_and_virtual_time_exclude_each_other(tmp_path: Path) -> None:
    environ = {**VIRTUAL, "BYOURSIDE_TRUNK_HOST": "sip.carrier.example"}
    with pytest.raises(ConfigError, match=r"sandbox alone, and a trunk is configured \(trunk\).*remove"):
        load_config({"data_dir": str(tmp_path)}, environ)


def test_a_network_of_another_process_keeps_real_time(tmp_path: Path) -> None:
    environ = {**VIRTUAL, "BYOURSIDE_SANDBOX_ADDRESS": "127.0.0.1:5080"}
    with pytest.raises(ConfigError, match="remove sandbox_address"):
        load_config({"data_dir": str(tmp_path)}, environ)


def test_there_are_two_speeds(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="speed must be one of real, virtual"):
        load_config({"data_dir": str(tmp_path)}, {"BYOURSIDE_SPEED": "fast"})
