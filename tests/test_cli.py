"""The operator's commands: on a data directory of their own, called as functions; the start as a process."""

from __future__ import annotations

import contextlib
import http.server
import logging
import os
import random
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx
import pytest

from byourside_server.cli import doctor, main
from byourside_server.cli.archive import SANDBOX_NUMBER, furnish, lock_file, now, transact
from byourside_server.cli.findings import Check, Finding
from byourside_server.cli.logs import LineFormatter
from byourside_server.cli.main import make_parser
from byourside_server.config import Config, load_config
from byourside_server.providers import registry
from byourside_server.providers.base import TextToSpeech, ToolCall
from byourside_server.providers.specification import Options
from byourside_server.store.directory_lock import DirectoryLock
from tests.vendors.audio_server import SimulatedAudioServer
from tests.vendors.chat_server import Answer, SimulatedChatServer

COMMAND = [sys.executable, "-m", "byourside_server"]
KEY = re.compile(r"bys_ak_[0-9A-Za-z]{43}")


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("BYOURSIDE_")]:
        monkeypatch.delenv(name)


class Operator:
    """Someone at the terminal, on one data directory."""

    def __init__(self, data_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.data_dir = data_dir
        self._capsys = capsys

    def __call__(self, *words: str) -> tuple[int, str, str]:
        """Status, output and errors of a command."""
        status = main([*words, "--data-dir", str(self.data_dir)])
        said = self._capsys.readouterr()
        return status, said.out, said.err

    def does(self, *words: str) -> list[str]:
        """Lines of a command that must succeed."""
        status, out, err = self(*words)
        assert (status, err) == (0, "")
        return out.splitlines()

    def fails(self, *words: str) -> str:
        """The one line of a command that must not."""
        status, out, err = self(*words)
        assert (status, out, err.count("\n")) == (2, "", 1)
        assert err.startswith("byourside-server: ")
        return err

    @property
    def config(self) -> Config:
        return load_config({"data_dir": str(self.data_dir)}, {})


@pytest.fixture
def empty(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Operator:
    return Operator(tmp_path / "data", capsys)


@pytest.fixture
def operator(empty: Operator) -> Operator:
    """On a directory that has been served once."""
    empty.data_dir.mkdir()
    assert transact(empty.config, furnish, empty.config, now())
    return empty


def test_the_first_start_makes_one_account_with_a_number_and_a_key_and_the_second_none(
    operator: Operator,
) -> None:
    assert transact(operator.config, furnish, operator.config, now()) is None
    assert len(operator.does("accounts", "list")) == 2
    [_, number] = operator.does("numbers", "list")
    assert number.split() == [SANDBOX_NUMBER, "default", "default"]
    [_, key] = operator.does("keys", "list")
    assert key.endswith("active")


def test_a_new_key_is_the_last_line_and_is_stored_nowhere(operator: Operator) -> None:
    key = operator.does("keys", "create", "--name", "ci")[-1]
    assert KEY.fullmatch(key)
    assert all(key.encode() not in file.read_bytes() for file in operator.data_dir.iterdir())
    assert key not in "".join(operator.does("keys", "list"))


@pytest.mark.parametrize("by_itself", [True, False])
def test_a_key_is_revoked_by_its_id_or_by_itself_and_only_once(operator: Operator, by_itself: bool) -> None:
    secret = operator.does("keys", "create")[-1]
    [key_id] = [line.split()[0] for line in operator.does("keys", "list") if f"…{secret[-4:]}" in line]
    named = secret if by_itself else key_id
    assert operator.does("keys", "revoke", named) == [f"Revoked {key_id}; it stops working now."]
    assert [line for line in operator.does("keys", "list") if key_id in line and "revoked" in line]
    assert "no active key" in operator.fails("keys", "revoke", named)


def test_a_key_of_another_account_is_not_revoked_in_this_ones_name(operator: Operator) -> None:
    operator.does("accounts", "create", "other")
    secret = operator.does("keys", "create")[-1]
    assert "no active key" in operator.fails("keys", "revoke", secret, "--account", "other")


def test_an_account_has_the_configured_limits_until_they_are_changed(operator: Operator) -> None:
    (operator.data_dir / "config.toml").write_text('calls_per_minute = 7\nminute_allowance = "unlimited"\n')
    operator.does("accounts", "create", "shop")
    [shop] = [line for line in operator.does("accounts", "list") if line.startswith("shop")]
    assert shop.split()[2:] == ["none", "7", "unlimited", "10"]
    changed = operator.does("accounts", "limits", "shop", "--minutes", "90", "--at-once", "2")
    [shop] = [line for line in changed if line.startswith("shop")]
    assert shop.split()[2:] == ["none", "7", "90", "2"]


def test_an_accounts_first_number_is_its_default_until_another_is_made_so(operator: Operator) -> None:
    operator.does("accounts", "create", "shop")
    operator.does("numbers", "add", "+12134932550", "--account", "shop")
    operator.does("numbers", "add", "+12134932551", "--account", "shop")
    assert operator.does("numbers", "list", "--account", "shop")[1].split()[-1] == "default"
    operator.does("numbers", "add", "+12134932552", "--account", "shop", "--default")
    assert operator.does("numbers", "list", "--account", "shop")[3].split()[-1] == "default"


def test_a_rotated_webhook_secret_is_the_one_shown_from_then_on(operator: Operator) -> None:
    before = operator.does("webhooks", "secret")[-1]
    after = operator.does("webhooks", "rotate")[-1]
    assert before != after
    assert operator.does("webhooks", "secret")[-1] == after


def test_mistakes_are_one_line_that_names_the_cure(operator: Operator) -> None:
    assert "known are: 'default'" in operator.fails("keys", "create", "--account", "nobody")
    assert "there is an account 'default' already" in operator.fails("accounts", "create", "default")
    assert "is not E.164" in operator.fails("numbers", "add", "4155550100")
    assert "on this account already" in operator.fails("numbers", "add", SANDBOX_NUMBER)
    assert "nothing to change" in operator.fails("accounts", "limits", "default")
    assert "--port must be a whole number" in operator.fails("serve", "--port", "99999")
    assert "write sqlite:///FILE" in operator.fails("keys", "list", "--database-url", "mysql://x")


@pytest.mark.parametrize(
    "words", ["keys list", "keys create", "numbers list", "accounts list", "webhooks secret"]
)
def test_a_mistyped_directory_does_not_become_a_house(empty: Operator, words: str) -> None:
    assert "holds no database" in empty.fails(*words.split())
    assert not empty.data_dir.exists()


def test_a_data_directory_that_is_a_file_is_refused(empty: Operator) -> None:
    empty.data_dir.write_text("not a directory")
    assert "can't be written to" in empty.fails("serve")
    assert "can't be written to" in empty.fails("migrate")


def test_serving_a_directory_that_is_served_is_refused_before_anything_else(operator: Operator) -> None:
    lock = DirectoryLock(lock_file(operator.config))
    lock.acquire()
    try:
        assert "another server is at work on" in operator.fails("serve")
        assert operator.does("keys", "create")
    finally:
        lock.release()


def test_a_taken_port_is_refused_before_the_first_key_is_spent(empty: Operator) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert f"port {port} on 127.0.0.1 can't be had" in empty.fails("serve", "--port", port)
    assert transact(empty.config, furnish, empty.config, now()) is not None


def test_migrate_says_the_version_and_can_be_said_again(empty: Operator) -> None:
    assert empty.does("migrate") == empty.does("migrate")


@pytest.fixture
def strange(operator: Operator) -> Operator:
    """On a directory whose database another line of development has made."""
    with contextlib.closing(sqlite3.connect(operator.data_dir / "byourside.db")) as database:
        database.execute("ALTER TABLE calls DROP COLUMN media")
        database.commit()
    return operator


def test_a_database_of_another_line_is_refused_with_its_reason_and_a_cure(strange: Operator) -> None:
    for words in ("serve", "migrate"):
        said = strange.fails(words)
        assert "has no calls.media" in said
        assert "--data-dir" in said


def test_a_demo_on_such_a_database_says_so(strange: Operator) -> None:
    status, out, _ = strange("demo")
    assert status == 1
    assert "has no calls.media" in out
    assert "store_error" not in out


def test_every_command_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    commands = [
        "serve",
        "demo",
        "doctor",
        "migrate",
        "keys create",
        "keys list",
        "keys revoke",
        "accounts create",
    ]
    commands += ["accounts list", "accounts limits", "numbers add", "numbers list", "webhooks secret"]
    for words in commands:
        with pytest.raises(SystemExit) as left:
            make_parser().parse_args([*words.split(), "--help"])
        assert left.value.code == 0
        assert "--data-dir" in capsys.readouterr().out


@pytest.mark.parametrize("words", ["", "fly", "keys", "keys make", "serve --prot 1", "accounts create"])
def test_what_is_no_command_is_usage_and_status_2(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(words.split())
    assert left.value.code == 2
    assert "usage: byourside-server" in capsys.readouterr().err


def test_a_log_line_has_its_fields_and_no_one_elses_number() -> None:
    entry = logging.makeLogRecord(
        {
            "name": "byourside_server.lines.line",
            "levelname": "INFO",
            "msg": "call ended",
            "created": 1_781_704_992.0,
            "msecs": 7.0,
            "call_id": "c1",
            "reason": 'said "no"\nand left',
            "pii.to": "+14155550123",
        }
    )
    assert LineFormatter().format(entry) == (
        '2026-06-17T14:03:12.007Z info lines.line: call ended call_id=c1 reason="said \\"no\\"\\nand left"'
    )


def test_a_log_line_shows_no_password_of_an_address() -> None:
    """Libraries name the address they failed at, and developers' webhook addresses have tokens in them."""
    said = {"msg": "lost https://me:sesame@h", "why": "at http://h/hook?token=sesame"}
    line = LineFormatter().format(logging.makeLogRecord({"name": "x", **said}))
    assert "sesame" not in line
    assert "https://***@h" in line
    assert "http://h/hook?token=***" in line


def findings(check: Check, config: Config) -> list[Finding]:
    return list(doctor.examined(check, config))


def verdicts(check: Check, config: Config) -> list[str]:
    return [finding.verdict for finding in findings(check, config)]


QUICK = tuple(check for check in doctor.CHECKS if check is not doctor.check_speech)


def test_on_a_sound_machine_the_doctor_finds_nothing_to_mend(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "CHECKS", tuple(c for c in QUICK if c is not doctor.check_port))
    lines = operator.does("doctor")
    assert lines[-1] == "Ready to serve."
    assert {"database", "numpy", "SIP", "RTP"} <= {line.split()[1].rstrip(":") for line in lines}


def test_the_doctor_speaks_and_listens(operator: Operator) -> None:
    spoke, heard = findings(doctor.check_speech, operator.config)
    assert (spoke.verdict, heard.verdict) == ("ok", "ok")
    assert "yes" in heard.words


def test_an_engine_that_is_not_there_is_a_failure_with_the_names_there_are(operator: Operator) -> None:
    (operator.data_dir / "config.toml").write_text('text_to_speech = "parrot"\n')
    spoke, _ = findings(doctor.check_speech, operator.config)
    assert spoke.verdict == "fail"
    assert "embedded" in spoke.words


def with_settings(operator: Operator, **settings: str) -> Config:
    (operator.data_dir / "config.toml").write_text("".join(f"{k} = {v!r}\n" for k, v in settings.items()))
    return load_config({"data_dir": str(operator.data_dir)}, {"SIMULATED_KEY": "simulated-key"})


COMPATIBLE = "compatible?model=simulated&key_env=SIMULATED_KEY&base_url="
ADDRESSES = ("http://127.0.0.1:9/v1", "http://[half", "ftp://127.0.0.1/v1")


def test_every_broken_link_of_a_chain_of_voices_and_ears_is_shown(operator: Operator) -> None:
    """Also one behind another, and one whose address nobody can read."""
    broken = ", ".join(COMPATIBLE + address for address in ADDRESSES)
    with SimulatedAudioServer(key="simulated-key", hear=lambda _: "Yes.") as vendor:
        voices = f"{COMPATIBLE}{vendor.base_url}, {broken}, espeak?voice=loud"
        ears = f"{broken}, {COMPATIBLE}{vendor.base_url}"
        config = with_settings(operator, text_to_speech=voices, speech_to_text=ears)
        found = findings(doctor.check_speech, config)
    assert [each.verdict for each in found] == ["ok", *["fail"] * 4, *["fail"] * 3, "ok"]
    assert found[1].subject == "text to speech 2 of 5"
    assert "127.0.0.1:9" in found[1].words
    assert "base_url must be" in found[2].words
    assert "'espeak' has no option 'voice'; it has none" in found[4].words
    assert found[5].subject == "speech to text 1 of 4"


def test_ears_that_answer_without_words_are_a_warning(operator: Operator) -> None:
    with SimulatedAudioServer(key="simulated-key", hear=lambda _: "") as vendor:
        config = with_settings(operator, speech_to_text=f"{COMPATIBLE}{vendor.base_url}")
        _, heard = findings(doctor.check_speech, config)
    assert (heard.verdict, "heard nothing" in heard.words) == ("warn", True)


def test_a_wrong_key_is_named_by_its_variable_and_never_shown(operator: Operator) -> None:
    with (
        SimulatedAudioServer(key="another") as vendor,
        SimulatedChatServer(lambda _: Answer(""), key="x") as m,
    ):
        link = f"{COMPATIBLE}{vendor.base_url}"
        config = with_settings(
            operator, text_to_speech=link, speech_to_text=link, mind=f"{COMPATIBLE}{m.base_url}"
        )
        found = findings(doctor.check_speech, config) + findings(doctor.check_mind, config)
    assert [each.verdict for each in found] == ["fail"] * 3
    assert all("SIMULATED_KEY" in each.words for each in found)
    assert all("simulated-key" not in each.words for each in found)


def test_each_model_is_asked_alone_and_with_a_tool(
    operator: Operator, caplog: pytest.LogCaptureFixture
) -> None:
    """As calls ask: some servers answer without tools and refuse requests with them."""

    def answer(body: dict[str, object]) -> Answer:
        if body["model"] == "toolless":
            words = {"message": "registry/toolless does not support tools"}
            return Answer(status=400, error=words) if "tools" in body else Answer("hello")
        return Answer("", tool_calls=(ToolCall("1", "say_hello", "{}"),))

    with SimulatedChatServer(answer) as model:
        links = [f"compatible?model={name}&base_url={model.base_url}" for name in ("toolless", "able")]
        config = with_settings(operator, mind=", ".join([*links, "openai?modle=x", "embedded"]))
        found = findings(doctor.check_mind, config)
    assert [(each.subject, each.verdict) for each in found] == [
        ("mind 1 of 4", "fail"),
        ("mind 2 of 4", "ok"),
        ("mind 3 of 4", "fail"),
        ("mind 4 of 4", "ok"),
    ]
    assert "takes no tools" in found[0].words
    assert "did you mean 'model'" in found[2].words
    assert caplog.records == [], "nothing but findings is printed"


def test_what_serving_would_refuse_the_doctor_does_not_call_sound(operator: Operator) -> None:
    config = with_settings(operator, mind="embedded, embedded", analysis="mind, embedded")
    first, last, reader, rules = findings(doctor.check_mind, config)
    assert (first.verdict, last.verdict, reader.verdict, rules.verdict) == ("fail", "ok", "fail", "ok")
    assert "end of a chain" in first.words
    (operator.data_dir / "config.toml").write_text('[transfers]\ndesk = "+19005550100"\n')
    [finding] = findings(doctor.check_settings, operator.config)
    assert (finding.verdict, "transfers.desk" in finding.words) == ("fail", True)


def test_an_engine_that_breaks_is_a_finding_and_the_next_is_tried(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    def open_broken(options: Options, environ: Mapping[str, str]) -> TextToSpeech:
        raise ZeroDivisionError("it may quote a key")

    monkeypatch.setitem(registry.TEXT_TO_SPEECH, "broken", open_broken)
    found = findings(doctor.check_speech, with_settings(operator, text_to_speech="broken, espeak"))
    assert [each.verdict for each in found] == ["fail", "ok", "ok"]
    assert found[0].words == "broken broke (ZeroDivisionError)"


def test_a_damaged_database_is_found(operator: Operator) -> None:
    file = operator.config.database_file
    assert file is not None
    with sqlite3.connect(file) as opened:
        opened.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    opened.close()
    assert verdicts(doctor.check_database, operator.config) == ["ok"]
    file.write_bytes(b"SQLite format 3\x00" + b"\x55" * 50_000)
    assert verdicts(doctor.check_database, operator.config) == ["fail"]


def test_a_newer_database_is_found(operator: Operator) -> None:
    with sqlite3.connect(str(operator.config.database_file)) as opened:
        opened.execute("INSERT INTO schema_version VALUES (999, 0)")
    opened.close()
    [finding] = findings(doctor.check_database, operator.config)
    assert finding.verdict == "fail"
    assert "upgrade" in finding.words


def test_a_taken_port_and_a_file_for_a_directory_are_found(empty: Operator) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        (empty.data_dir).mkdir()
        (empty.data_dir / "config.toml").write_text(f"port = {taken.getsockname()[1]}\n")
        assert verdicts(doctor.check_port, empty.config) == ["fail"]
    (empty.data_dir / "config.toml").unlink()
    empty.data_dir.rmdir()
    empty.data_dir.write_text("")
    assert verdicts(
        doctor.check_data_directory, load_config({"data_dir": str(empty.data_dir / "x")}, {})
    ) == ["fail"]


def test_a_served_directory_has_its_port_taken_rightly(operator: Operator) -> None:
    lock = DirectoryLock(lock_file(operator.config))
    lock.acquire()
    try:
        [finding] = findings(doctor.check_port, operator.config)
    finally:
        lock.release()
    assert (finding.verdict, finding.subject) == ("ok", "server")


def test_an_address_that_is_not_this_machines_is_found(operator: Operator) -> None:
    """RFC 5737: 203.0.113.0/24 is nobody's."""
    (operator.data_dir / "config.toml").write_text('sip_host = "203.0.113.9"\n')
    assert verdicts(doctor.check_telephone_ports, operator.config) == ["fail", "fail"]


def test_a_check_that_falls_over_is_a_finding_and_the_others_still_run(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    def check_the_weather(config: Config) -> list[Finding]:
        raise RuntimeError("no window")

    monkeypatch.setattr(doctor, "CHECKS", (check_the_weather, doctor.check_python))
    status, out, _ = operator("doctor")
    assert status == 1
    assert out.splitlines()[0] == "fail  the weather: RuntimeError: no window"
    assert out.splitlines()[1].startswith("ok    python")
    assert out.splitlines()[-1] == "1 to mend before serving."


# Only the bound of a wait: a whole server starts, on a machine that may be busy with something else.
PATIENCE_S = 120.0


def quiet_port() -> int:
    """Nobody's now, and below those that the kernel gives away by itself: nobody's in a while, too."""
    first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    while True:
        port = random.randrange(min(10_000, first // 2), first)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


def test_serve_as_a_process_shows_its_key_once_answers_and_ends_when_told(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    port = quiet_port()
    keys = []
    for _ in range(2):
        log = tmp_path / "log"
        with log.open("w") as out:
            server = subprocess.Popen(
                [*COMMAND, "serve", "--data-dir", str(data_dir), "--port", str(port)],
                stdout=out,
                stderr=out,
            )
        try:
            wait_until_healthy(server, port, log)
            keys += KEY.findall(log.read_text())
            calls = httpx.get(
                f"http://127.0.0.1:{port}/v1/agent/calls",
                headers={"Authorization": f"Bearer {keys[0]}"},
                timeout=PATIENCE_S,
            )
            assert calls.json() == {"calls": [], "nextCursor": None}
        finally:
            server.send_signal(signal.SIGTERM)
            status = server.wait(PATIENCE_S)
        assert (status, "Traceback" in log.read_text()) == (0, False), log.read_text()
    assert len(keys) == 1


def wait_until_healthy(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        assert server.poll() is None, log.read_text()
        try:
            if httpx.get(f"http://127.0.0.1:{port}/healthz").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError(log.read_text())


def test_the_public_url_is_asked_where_real_callers_use_it(operator: Operator) -> None:
    """A web server that is somebody else's, a port where nobody is, and the sandbox that needs neither."""
    assert verdicts(doctor.check_public_url, operator.config) == ["ok"]
    trunk = '[trunk]\nhost = "127.0.0.1"\n'
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        free = deaf.getsockname()[1]
        (operator.data_dir / "config.toml").write_text(f'public_url = "http://127.0.0.1:{free}"\n{trunk}')
        [silent] = findings(doctor.check_public_url, operator.config)
    assert silent.verdict == "warn"
    assert "public_url" in silent.words
    with somebody_elses_site() as url:
        (operator.data_dir / "config.toml").write_text(f'public_url = "{url}"\n{trunk}')
        [other] = findings(doctor.check_public_url, operator.config)
    assert other.verdict == "fail"
    assert "another" in other.words


@contextlib.contextmanager
def somebody_elses_site() -> Iterator[str]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, format: str, *args: object) -> None: ...

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as site:
        thread = threading.Thread(target=site.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{site.server_address[1]}"
        site.shutdown()
        thread.join()
