"""What the doctor says of the collector of traces."""

from __future__ import annotations

import importlib.util
import socket
from argparse import Namespace
from pathlib import Path

import pytest

from byourside_server.cli import doctor
from byourside_server.cli.doctor_collector import check_collector
from byourside_server.cli.findings import Finding
from byourside_server.config import load_config
from tests.spans.collector import collector


def examined(data_dir: Path, endpoint: str | None) -> list[Finding]:
    if endpoint is not None:
        (data_dir / "config.toml").write_text(f'otel_endpoint = "{endpoint}"')
    return list(check_collector(load_config({"data_dir": str(data_dir)}, {})))


def test_without_one_there_is_nothing_to_say(tmp_path: Path) -> None:
    assert examined(tmp_path, None) == []


def test_one_that_takes_traces_is_well(tmp_path: Path) -> None:
    """What it gets is a whole request of the protocol, without spans."""
    with collector() as told:
        [finding] = examined(tmp_path, told.url)
    assert (finding.verdict, told.paths, told.spans) == ("ok", ["/v1/traces"], [])


def test_one_that_wants_a_header_gets_the_one_the_server_will_send(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """OTLP exporter specification: `OTEL_EXPORTER_OTLP_HEADERS`, values percent-encoded."""
    with collector() as told:
        told.token = "let me in"
        [stranger] = examined(tmp_path, told.url)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20let%20me%20in,x-more=1")
        [known] = examined(tmp_path, told.url)
    assert (stranger.verdict, known.verdict) == ("warn", "ok")
    assert "401" in stranger.words


def test_one_that_refuses_or_is_not_there_costs_traces_and_no_calls(tmp_path: Path) -> None:
    with collector() as told:
        told.status = 404
        [refused] = examined(tmp_path, told.url)
    with socket.socket() as deaf:  # bound, so that nobody else comes meanwhile, and not listening
        deaf.bind(("127.0.0.1", 0))
        [away] = examined(tmp_path, f"http://127.0.0.1:{deaf.getsockname()[1]}")
    assert (refused.verdict, away.verdict) == ("warn", "warn")
    assert "404" in refused.words
    assert "no answer" in away.words


def test_without_the_library_it_can_not_serve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    [finding] = examined(tmp_path, "http://127.0.0.1:4318")
    assert finding.verdict == "fail"
    assert "byourside-server[otel]" in finding.words


@pytest.mark.parametrize("status", [200, 404, None])
def test_a_password_in_its_address_is_not_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, status: int | None
) -> None:
    """Whether it takes traces, refuses them or is away (None); the collector itself gets the password."""
    monkeypatch.setattr(doctor, "CHECKS", (check_collector,))
    with collector() as told, socket.socket() as deaf:
        told.status = status or 200
        deaf.bind(("127.0.0.1", 0))
        address = told.url if status else f"http://127.0.0.1:{deaf.getsockname()[1]}"
        given = address.replace("://", "://me:sesame@")
        (tmp_path / "config.toml").write_text(f'otel_endpoint = "{given}"')
        doctor.doctor(load_config({"data_dir": str(tmp_path)}, {}), Namespace())
    printed = capsys.readouterr().out
    assert "sesame" not in printed
    assert address.replace("://", "://***@") in printed
