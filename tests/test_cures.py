"""What is refused says what to do about it, as somebody new would need to hear it."""

from __future__ import annotations

import errno
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from byourside_server.app import listen
from byourside_server.calls.wire_request import parse_call_request
from byourside_server.cli import main
from byourside_server.cli.archive import furnish, now, transact
from byourside_server.config import Config, load_config
from byourside_server.errors import ConfigError, Refusal
from byourside_server.guardrails.check import check_caller_id
from byourside_server.store.accounts import find_account

CALL = {"to": "+14155550123", "objective": "Say hello."}
# TEST-NET-1 (RFC 5737): no machine has it.
NOBODYS_ADDRESS = "192.0.2.1"


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    for name in [name for name in os.environ if name.startswith("BYOURSIDE_")]:
        monkeypatch.delenv(name)
    return load_config({"data_dir": str(tmp_path)}, {})


def test_an_address_of_another_machine_is_cured_by_the_host_and_a_taken_port_by_the_port() -> None:
    with pytest.raises(ConfigError, match=r"--host$"):
        listen(NOBODYS_ADDRESS, 0)
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(ConfigError, match=r"--port$"):
        listen("127.0.0.1", taken.getsockname()[1])


def test_a_postgresql_that_is_not_there_is_named_with_its_cure(
    config: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as once:
        port = once.getsockname()[1]
    url = f"postgresql+asyncpg://u:hidden@127.0.0.1:{port}/x"
    assert main(["migrate", "--data-dir", str(config.data_dir), "--database-url", url]) == 2
    said = capsys.readouterr().err
    assert "the database can't be used" in said
    assert "mend database_url" in said
    assert said.count("\n") == 1
    assert "hidden" not in said


def test_a_statement_that_fails_is_told_in_one_line_without_its_values(config: Config) -> None:
    transact(config, furnish, config, now())

    def fail(conn: sa.Connection) -> None:
        raise sa.exc.OperationalError("INSERT INTO agent_keys", {"hash": "f00"}, OSError(errno.EROFS, "no"))

    with pytest.raises(ConfigError) as told:
        transact(config, fail)
    assert str(config.database_file) in str(told.value)
    assert "--data-dir" in str(told.value)
    assert "\n" not in str(told.value)
    assert "f00" not in str(told.value)


def test_an_account_may_be_given_minutes_without_end(
    config: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    transact(config, furnish, config, now())
    words = ["accounts", "limits", "default", "--data-dir", str(config.data_dir), "--minutes"]
    assert main([*words, "unlimited"]) == 0
    account = transact(config, find_account, "default")
    assert account is not None
    assert account.minute_allowance is None
    assert "unlimited" in capsys.readouterr().out
    assert main([*words, "90"]) == 0
    account = transact(config, find_account, "default")
    assert account is not None
    assert account.minute_allowance == 90


@pytest.mark.parametrize(
    ("url", "allow_local", "words"),
    [
        ("https://user:pass@example.com/", False, "must not hold a user name or password"),
        ("http://example.com/", False, r"https:// URL with a host\.$"),
        ("http://example.com/", True, "or http://localhost"),
    ],
)
def test_a_webhook_url_is_refused_for_what_is_wrong_with_it(url: str, allow_local: bool, words: str) -> None:
    with pytest.raises(Refusal, match=words) as told:
        parse_call_request({**CALL, "webhookUrl": url}, allow_local_webhooks=allow_local)
    assert told.value.token == "invalid_webhook_url"


def test_a_number_of_somebody_else_as_caller_id_is_refused_with_both_ways_out() -> None:
    with pytest.raises(Refusal, match=r"leave it out .* numbers add"):
        check_caller_id("+14155550199", ["+14155550100"], "+14155550100")


def test_who_waits_for_the_line_that_says_listening_is_not_turned_away(config: Config) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "byourside_server", "serve"]
    server = subprocess.Popen(
        [*command, "--data-dir", str(config.data_dir), "--port", str(port)], stdout=subprocess.PIPE, text=True
    )
    assert server.stdout is not None
    with server.stdout as said:
        try:
            last = next(line for line in said if "is listening on" in line or server.poll() is not None)
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
        finally:
            server.send_signal(signal.SIGTERM)
            status = server.wait(20)
    assert str(port) in last
    assert status == 0
