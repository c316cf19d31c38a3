"""How an operator names engines: `openai?model=whisper-1&base_url=http://…, embedded`.

A chain is a comma-separated list, tried in its order; each link is a name and options as in a URL's query.
Pure text. An option that the engine does not know is refused by `Options.refuse_unknown`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

from byourside_server.providers.base import ProviderError, ProviderErrorKind


@dataclass(frozen=True)
class Specification:
    """One link of a chain: `livekit:cartesia.TTS?model=sonic-3` is a name and its options."""

    name: str
    options: Mapping[str, str] = field(default_factory=dict)


def parse_chain(text: str) -> tuple[Specification, ...]:
    """The links in order. Raises ProviderError (BAD_CONFIGURATION) for a malformed one."""
    return tuple(_link(part.strip()) for part in text.split(","))


def _link(text: str) -> Specification:
    name, _, query = text.partition("?")
    if not name:
        raise bad_configuration("an engine has no name: write them as `openai?model=…, embedded`")
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))
    except ValueError:
        raise bad_configuration(f"the options of {name!r} must be written name=value&name=value") from None
    for option, value in pairs:
        if not value:
            raise bad_configuration(f"the option {option!r} of {name!r} has no value")
    if len(dict(pairs)) != len(pairs):
        raise bad_configuration(f"an option of {name!r} is given twice")
    return Specification(name, dict(pairs))


class Options:
    """The options of one link, asked for by name; what nobody asked for is a mistake of the operator's."""

    def __init__(self, link: Specification) -> None:
        self._link = link
        self._known: list[str] = []

    def text(self, name: str, default: str) -> str:
        self._known.append(name)
        return self._link.options.get(name, default)

    def optional(self, name: str) -> str | None:
        self._known.append(name)
        return self._link.options.get(name)

    def number(self, name: str, default: float) -> float:
        given = self.optional(name)
        if given is None:
            return default
        try:
            value = float(given)
        except ValueError:
            value = -1.0
        if not 0 <= value < 1e9:
            raise bad_configuration(f"{self._link.name!r}: option {name!r} must be a number, not {given!r}")
        return value

    def optional_number(self, name: str) -> float | None:
        self._known.append(name)
        return self.number(name, 0.0) if name in self._link.options else None

    def refuse_unknown(self, known: Iterable[str] = ()) -> None:
        """Raises ProviderError for the first option that was never asked for and is none of `known`."""
        names = sorted({*self._known, *known})
        for name in self._link.options:
            if name not in names:
                near = difflib.get_close_matches(name, names, 1)
                all_there_are = f"it knows {', '.join(names)}" if names else "it has none"
                hint = f": did you mean {near[0]!r}?" if near else f"; {all_there_are}"
                raise bad_configuration(f"{self._link.name!r} has no option {name!r}{hint}")


def is_web_address(url: str) -> bool:
    """Whether requests can go there: http(s), a host, no user name."""
    try:
        parts = urlsplit(url)
        has_port = parts.port != 0
    except ValueError:
        return False
    is_web = parts.scheme in ("http", "https") and bool(parts.hostname) and has_port
    return is_web and "@" not in parts.netloc and url.isprintable() and " " not in url


def bad_configuration(message: str) -> ProviderError:
    """The error of an operator's mistake."""
    return ProviderError(ProviderErrorKind.BAD_CONFIGURATION, message)


def missing_key(name: str, variable: str) -> ProviderError:
    """That the vendor of this name wants a key, and the two places where it may stand."""
    return bad_configuration(
        f"{name!r} needs a key: set the environment variable {variable},"
        " or write it under [keys] in config.toml"
    )
