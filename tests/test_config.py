"""Settings: which source counts, and what is said when one can't be used."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from byourside_server.config import Config, TrunkConfig, load_config
from byourside_server.errors import ConfigError

DOCS = Path(__file__).parents[1] / "docs" / "operating.md"


def load(data_dir: Path, file: str = "", environ: dict[str, str] | None = None, **flags: str) -> Config:
    if file:
        (data_dir / "config.toml").write_text(file)
    return load_config({"data_dir": str(data_dir), **flags}, environ or {})


def test_with_nothing_given_every_setting_has_its_default(tmp_path: Path) -> None:
    config = load(tmp_path)
    assert config == Config(data_dir=tmp_path, database_url=f"sqlite:///{tmp_path / 'byourside.db'}")
    assert config.is_sandbox
    assert config.database_file == tmp_path / "byourside.db"


def test_a_flag_counts_before_the_environment_and_that_before_the_file(tmp_path: Path) -> None:
    file, environ = "port = 1111", {"BYOURSIDE_PORT": "2222"}
    assert load(tmp_path, file).port == 1111
    assert load(tmp_path, file, environ).port == 2222
    assert load(tmp_path, file, environ, port="3333").port == 3333


def test_an_empty_variable_is_as_good_as_none(tmp_path: Path) -> None:
    assert load(tmp_path, "port = 1111", {"BYOURSIDE_PORT": ""}).port == 1111


def test_the_data_directory_comes_from_flag_environment_or_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert load_config({"data_dir": "d"}, {"BYOURSIDE_DATA_DIR": "/e"}).data_dir == tmp_path / "d"
    assert load_config({"data_dir": None}, {"BYOURSIDE_DATA_DIR": "/e"}).data_dir == Path("/e")
    assert load_config({}, {}).data_dir == tmp_path / ".byourside"


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8080"),
        ("0.0.0.0", "http://127.0.0.1:8080"),
        ("::", "http://[::1]:8080"),
        ("::1", "http://[::1]:8080"),
        ("phone.local", "http://phone.local:8080"),
    ],
)
def test_the_public_url_follows_host_and_port(tmp_path: Path, host: str, url: str) -> None:
    assert load(tmp_path, host=host).public_url == url


def test_a_public_url_loses_its_last_slash(tmp_path: Path) -> None:
    assert load(tmp_path, public_url="https://phone.example.com/").public_url == "https://phone.example.com"


def test_a_trunk_from_the_file_with_its_password_from_the_environment(tmp_path: Path) -> None:
    file = '[trunk]\nhost = "sip.carrier.example"\nuser = "me"\ncaller = "+12134932550"\n'
    config = load(tmp_path, file, {"BYOURSIDE_TRUNK_PASSWORD": "hush"})
    carrier = TrunkConfig("trunk", "sip.carrier.example", user="me", password="hush", caller="+12134932550")
    assert config.trunks == (carrier,)
    assert not config.is_sandbox
    assert "hush" not in repr(config)


@pytest.mark.parametrize(("text", "kept"), [('"unlimited"', None), ("250", 250.0), ("0.5", 0.5), ("0", 0.0)])
def test_a_minute_allowance_is_minutes_or_unlimited(tmp_path: Path, text: str, kept: float | None) -> None:
    assert load(tmp_path, f"minute_allowance = {text}").minute_allowance == kept


@pytest.mark.parametrize("text", ["true", "Yes", "on", "1"])
def test_a_switch_in_the_environment_is_a_word(tmp_path: Path, text: str) -> None:
    assert load(tmp_path, environ={"BYOURSIDE_ALLOW_LOCAL_WEBHOOKS": text}).allow_local_webhooks


WRONG = {
    "port = 0": "config.toml: port must be a whole number from 1 to 65535, not 0",
    "port = 70000": "config.toml: port must be",
    'port = "http"': "config.toml: port must be",
    "port = true": "config.toml: port must be",
    "port = 80.5": "config.toml: port must be",
    "host = 1": "config.toml: host must be text",
    'host = " "': "config.toml: host must be text",
    'public_url = "phone.example.com"': "config.toml: public_url must be a URL",
    'public_url = "https://"': "config.toml: public_url must be a URL",
    'public_url = "https://a/?b"': "config.toml: public_url must be a URL",
    'public_url = "http://[::1"': "config.toml: public_url must be a URL",
    "allow_local_webhooks = 1": "config.toml: allow_local_webhooks must be true or false",
    'allow_local_webhooks = "maybe"': "config.toml: allow_local_webhooks must be true or false",
    "minute_allowance = -1": "config.toml: minute_allowance must be a number of minutes",
    "minute_allowance = nan": "config.toml: minute_allowance must be a number of minutes",
    "max_live_calls = 0": "config.toml: max_live_calls must be",
    'log_level = "loud"': "log_level must be one of debug, info, warning, error",
    'sandbox_address = "5070"': "sandbox_address must be",
    "prot = 80": "'prot', which is no setting: did you mean port?",
    "[trunk]\nhots = 'x'": "'trunk.hots', which is no setting: did you mean trunk.host?",
    "[trunk]\nuser = 'me'\npassword = 'x'": "trunk.host is missing",
    "[trunk]\nhost = 'a'\nuser = 'me'": "trunk.user and trunk.password go together",
    "[trunk]\nhost = 'a'\ncaller = '12134932550'": "trunk.caller must be a number in E.164",
    "port = ": "is not TOML",
}


@pytest.mark.parametrize(("file", "words"), WRONG.items(), ids=WRONG.keys())
def test_a_setting_that_cannot_be_used_is_named_with_its_place_and_its_cure(
    tmp_path: Path, file: str, words: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        load(tmp_path, file)
    assert words in str(refused.value)


def test_a_wrong_flag_and_a_wrong_variable_are_named_as_such(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^--port must be"):
        load(tmp_path, port="x")
    with pytest.raises(ConfigError, match=r"^BYOURSIDE_PORT must be"):
        load(tmp_path, environ={"BYOURSIDE_PORT": "x"})


def test_other_programs_variables_are_none_of_ours(tmp_path: Path) -> None:
    """The SDK reads BYOURSIDE_API_KEY on the same machine."""
    assert load(tmp_path, environ={"BYOURSIDE_API_KEY": "bys_ak_x"}).port == 8080


def test_a_file_that_is_not_text_is_said_to_be_none(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="is not TOML"):
        load(tmp_path)
    (tmp_path / "config.toml").unlink()
    (tmp_path / "config.toml").mkdir()
    with pytest.raises(ConfigError, match="can't be read"):
        load(tmp_path)


def test_postgres_has_no_database_file(tmp_path: Path) -> None:
    assert load(tmp_path, database_url="postgresql+asyncpg://h/db").database_file is None


def test_every_setting_is_in_the_operators_page() -> None:
    written = DOCS.read_text()
    elsewhere = ("trunks", "data_dir", "secrets")
    names = [field.name for field in dataclasses.fields(Config) if field.name not in elsewhere]
    names += [
        f"trunk.{field.name.rstrip('_')}" for field in dataclasses.fields(TrunkConfig) if field.name != "name"
    ]
    assert [name for name in names if f"| `{name}` |" not in written] == []


@pytest.mark.parametrize("readers", ["off", "local", "open"])
def test_who_may_read_the_metrics(tmp_path: Path, readers: str) -> None:
    assert load(tmp_path).metrics == "local"
    assert load(tmp_path, f'metrics = "{readers}"').metrics == readers


def test_a_token_for_the_metrics_is_never_shown(tmp_path: Path) -> None:
    config = load(tmp_path, 'metrics = "token"', {"BYOURSIDE_METRICS_TOKEN": "sixteen-or-more-characters"})
    assert config.metrics_token == "sixteen-or-more-characters"
    assert "sixteen" not in repr(config)


@pytest.mark.parametrize(
    "file",
    [
        "[trunk]\nhost = 'a'\nuser = 'me'\npassword = 314159265",
        'otel_endpoint = "https://collector:4318/v1/traces?key=314159265"',
        'otel_endpoint = "https://me:314159265@collector:4318/#x"',
        'otel_endpoint = "https://me:314159265/@collector:4318"',
        'otel_endpoint = "https://me:31 4159265@collector"',
        'otel_endpoint = "me:314159265@collector:4318"',
        'metrics = "token"\nmetrics_token = 314159265',
    ],
)
def test_a_secret_that_cannot_be_used_is_not_said_back(tmp_path: Path, file: str) -> None:
    with pytest.raises(ConfigError) as refused:
        load(tmp_path, file)
    assert "4159265" not in str(refused.value)


def test_a_password_in_an_address_is_never_shown(tmp_path: Path) -> None:
    config = load(
        tmp_path, 'otel_endpoint = "https://me:sesame@h"\ndatabase_url = "postgresql://me:sesame@h/name"'
    )
    assert config.otel_endpoint == "https://me:sesame@h/v1/traces"
    assert "sesame" not in repr(config)


@pytest.mark.parametrize(
    ("file", "why"),
    [
        ('metrics = "token"', "needs metrics_token"),
        ('metrics_token = "sixteen-or-more-characters"', "guards nothing"),
        ('metrics = "token"\nmetrics_token = "short"', "16 to 512"),
        ('metrics = "token"\nmetrics_token = "with a space in the middle"', "16 to 512"),
        ('metrics = "on"', "one of off, local, token, open"),
        ('otel_endpoint = "collector:4318"', "must be a URL"),
    ],
)
def test_metrics_and_traces_that_can_not_be(tmp_path: Path, file: str, why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        load(tmp_path, file)


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"),
        ("http://127.0.0.1:4318/", "http://127.0.0.1:4318/v1/traces"),
        ("https://collector.example/otlp/v1/traces", "https://collector.example/otlp/v1/traces"),
    ],
)
def test_a_collector_without_a_path_gets_the_protocols_own(tmp_path: Path, given: str, used: str) -> None:
    """OTLP 1.5: traces go to /v1/traces."""
    assert load(tmp_path).otel_endpoint is None
    assert load(tmp_path, f'otel_endpoint = "{given}"').otel_endpoint == used
