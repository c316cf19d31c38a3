"""The three places a setting may be in, and how a value is read from them: flag, environment, file.

Knows no setting by name. Every value that can't be used is a ConfigError that says where it stood.
"""

from __future__ import annotations

import difflib
import ipaddress
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from byourside_server.errors import ConfigError
from byourside_server.printable import printable_address

FILE_NAME = "config.toml"
PREFIX = "BYOURSIDE_"
TRUE, FALSE = frozenset({"true", "yes", "on", "1"}), frozenset({"false", "no", "off", "0"})


def read_file(path: Path) -> dict[str, object]:
    """The settings of the file by dotted name; none where there is no file."""
    try:
        found = tomllib.loads(path.read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as trouble:
        raise ConfigError(f"{path} can't be read: {trouble.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as wrong:
        raise ConfigError(f"{path} is not TOML: {wrong}") from None
    return _flat(found)


def _flat(table: Mapping[str, object], before: str = "") -> dict[str, object]:
    flat: dict[str, object] = {}
    for name, value in table.items():
        flat |= _flat(value, f"{before}{name}.") if isinstance(value, dict) else {f"{before}{name}": value}
    return flat


def variable_of(name: str) -> str:
    """The environment's name of a setting."""
    return PREFIX + re.sub(r"[.-]", "_", name).upper()


class Sources:
    """The three places a setting may be in, asked in their order; remembers what was asked for."""

    def __init__(
        self, flags: Mapping[str, str | None], environ: Mapping[str, str], file: Mapping[str, object]
    ) -> None:
        self._flags = flags
        self._environ = environ
        self._file = file
        self._known: list[str] = []

    def _find(self, name: str) -> tuple[str, object]:
        """Where the setting was given, for messages, and its value or None."""
        self._known.append(name)
        flag = self._flags.get(name)
        if flag is not None:
            return f"--{name.replace('_', '-')}", flag
        variable = variable_of(name)
        if self._environ.get(variable, "") != "":
            return variable, self._environ[variable]
        return f"{FILE_NAME}: {name}", self._file.get(name)

    def optional_text(self, name: str) -> str | None:
        where, value = self._find(name)
        if value is None:
            return None
        if not isinstance(value, str) or not value.strip():
            # Not said back: it may be a password of digits that lacks its quotes.
            raise ConfigError(f"{where} must be text in quotes, and not empty")
        return value.strip()

    def text(self, name: str, default: str) -> str:
        value = self.optional_text(name)
        return default if value is None else value

    def host_and_port(self, name: str) -> str | None:
        value = self.optional_text(name)
        if value is not None and not re.fullmatch(r"[^:\s]+:[0-9]{1,5}", value):
            raise ConfigError(f"{name} must be HOST:PORT, for example 127.0.0.1:5080, not {value!r}")
        return value

    def one_of(self, name: str, default: str, known: tuple[str, ...]) -> str:
        value = self.text(name, default)
        if value not in known:
            raise ConfigError(f"{name} must be one of {', '.join(known)}, not {value!r}")
        return value

    def whole(self, name: str, default: int, low: int, high: int) -> int:
        where, value = self._find(name)
        if value is None:
            return default
        digits = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
        if not re.fullmatch(r"-?[0-9]{1,9}", digits) or not low <= int(digits) <= high:
            raise ConfigError(f"{where} must be a whole number from {low} to {high}, not {value!r}")
        return int(digits)

    def optional_whole(self, name: str, low: int, high: int) -> int | None:
        _, value = self._find(name)
        return None if value is None else self.whole(name, low, low, high)

    def optional_number(self, name: str, low: float, high: float) -> float | None:
        where, value = self._find(name)
        if value is None:
            return None
        digits = str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""
        if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,6})?", digits) or not low <= float(digits) <= high:
            raise ConfigError(f"{where} must be a number from {low:g} to {high:g}, not {value!r}")
        return float(digits)

    def texts(self, name: str) -> tuple[str, ...]:
        """A list: an array in the file, words between commas elsewhere."""
        where, value = self._find(name)
        if value is None:
            return ()
        items = value.split(",") if isinstance(value, str) else value
        if not isinstance(items, list) or not all(isinstance(item, str) and item.strip() for item in items):
            raise ConfigError(f'{where} must be a list of texts, for example ["+1", "+44"], not {value!r}')
        return tuple(str(item).strip() for item in items)

    def ip_address(self, name: str) -> str | None:
        where, _ = self._find(name)
        value = self.optional_text(name)
        if value is None:
            return None
        try:
            return str(ipaddress.ip_address(value))
        except ValueError:
            raise ConfigError(f"{where} must be an IP address such as 203.0.113.7, not {value!r}") from None

    def names_under(self, table: str) -> tuple[str, ...]:
        """The operator's own names under a table of tables, in the order of the file: `[trunks.NAME]`."""
        paths = [name.split(".") for name in self._file if name.startswith(f"{table}.")]
        for path in paths:
            if len(path) < 3:
                raise ConfigError(f"{FILE_NAME}: {'.'.join(path)} belongs under a name, [{table}.NAME]")
        return tuple(dict.fromkeys(path[1] for path in paths))

    def has_table(self, name: str) -> bool:
        """Whether any setting of the table stands in the file or the environment."""
        variable = variable_of(f"{name}.")
        in_environment = any(given for key, given in self._environ.items() if key.startswith(variable))
        return in_environment or any(key.startswith(f"{name}.") for key in self._file)

    def number_or_unlimited(self, name: str, default: float) -> float | None:
        where, value = self._find(name)
        if value is None:
            return default
        if value == "unlimited":
            return None
        digits = str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""
        if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]+)?", digits):
            raise ConfigError(f'{where} must be a number of minutes or "unlimited", not {value!r}')
        return float(digits)

    def table(self, name: str) -> dict[str, str]:
        """A table of the file whose names are the operator's own: `[keys]`, `[transfers]`."""
        found = {key: value for key, value in self._file.items() if key.startswith(f"{name}.")}
        self._known.extend(found)
        for key, value in found.items():
            if not isinstance(value, str) or not value.strip():
                raise ConfigError(f"{FILE_NAME}: {key} must be text")
        return {key.removeprefix(f"{name}."): str(value).strip() for key, value in found.items()}

    def yes_or_no(self, name: str, default: bool) -> bool:
        where, value = self._find(name)
        if value is None:
            return default
        if isinstance(value, bool):
            return value
        if isinstance(value, str) and value.lower() in TRUE | FALSE:
            return value.lower() in TRUE
        raise ConfigError(f"{where} must be true or false, not {value!r}")

    def url(self, name: str, default: str) -> str:
        where, _ = self._find(name)
        value = self.text(name, default).rstrip("/")
        try:
            parts = urlsplit(value)
            sound = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            sound = False
        if not sound or parts.query or parts.fragment or re.search(r"\s", value):
            given = printable_address(value)
            raise ConfigError(f"{where} must be a URL such as https://phone.example.com, not {given!r}")
        return value

    def refuse_unknown(self) -> None:
        """A misspelt line in the file would silently be a default; the environment is others' too."""
        for name in self._file:
            if name not in self._known:
                near = difflib.get_close_matches(name, self._known, 1)
                hint = f": did you mean {near[0]}?" if near else ""
                raise ConfigError(f"{FILE_NAME} has {name!r}, which is no setting{hint}")
