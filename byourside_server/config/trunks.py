"""The SIP trunks of the settings: `[trunk]` where there is one, `[trunks.NAME]` where there are several.

Each setting is checked by itself, then with its neighbours; what can't work is a ConfigError that names
the setting and the cure. What a trunk's settings do is the business of `lines`.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, cast

from byourside_server.config.sources import Sources
from byourside_server.errors import ConfigError

E164 = re.compile(r"\+[1-9][0-9]{6,14}")
PREFIX = re.compile(r"\+[1-9][0-9]{0,14}")
# A name, an IPv4 address, or an IPv6 address in brackets.
HOST = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\]")
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,31}")
SHORT_FORM = "trunk"
RESERVED_NAMES = frozenset({"sandbox"})
TRANSPORTS = ("udp", "tcp", "tls")
CODECS = ("PCMU", "PCMA")
SRTP = ("off", "optional", "required")
NUMBER_FORMATS = ("e164", "digits", "national")
FROM = ("caller", "user")
# What only encryption can do; said of a trunk without, it would be believed and not be so.
_TLS_ONLY = ("ca_file", "server_name", "cert_file", "key_file", "verify")


@dataclass(frozen=True)
class TrunkConfig:
    """One SIP trunk that carries real calls."""

    name: str
    """NAME of `[trunks.NAME]`, and `trunk` in the short form: it stands on the record of each call."""
    host: str
    """Name or address of the carrier's SIP server."""
    port: int | None = None
    """Its port; without one a name is looked up by SRV, then by address with 5060 (5061 for TLS)."""
    transport: Literal["udp", "tcp", "tls"] = "udp"
    """udp, tcp or tls."""
    ca_file: str | None = None
    """PEM file of the authorities that may vouch for the carrier; the system's own where None."""
    verify: bool = True
    """Whether the carrier's certificate must be sound. Off is for a laboratory."""
    server_name: str | None = None
    """Name the certificate must carry; the host where None."""
    cert_file: str | None = None
    """Our own certificate, PEM, for carriers that know their customers by it."""
    key_file: str | None = None
    """The private key of `cert_file`."""
    user: str | None = None
    """Name for digest authentication; None where the carrier knows us by our address."""
    password: str | None = field(default=None, repr=False)
    """Secret for digest authentication."""
    domain: str | None = None
    """Domain in Request-URI, From and To; the host where None."""
    register: bool = False
    """Whether to register `user` with the carrier, and again before it expires."""
    expires_s: int = 300
    """Seconds a registration is asked for."""
    caller: str | None = None
    """Number in From instead of the call's caller ID."""
    caller_ids: tuple[str, ...] = ()
    """Caller IDs this trunk may show; calls from others take another trunk. Empty: any."""
    from_: Literal["caller", "user"] = "caller"
    """User part of From: the calling number, or `user`."""
    p_asserted_identity: bool = False
    """Whether to name the calling number in P-Asserted-Identity (RFC 3325), too."""
    privacy: bool = False
    """Whether to withhold the calling number from the called party (RFC 3323: `Privacy: id`)."""
    number_format: Literal["e164", "digits", "national"] = "e164"
    """+14155550123, 14155550123, or as dialled in `country_code`."""
    country_code: str | None = None
    """Of `national`: numbers that begin with it lose it."""
    national_lead: str = ""
    """Of `national`: digits before a number of the country, often 0."""
    international_lead: str = "00"
    """Of `national`: digits before a number of another country."""
    prefixes: tuple[str, ...] = ()
    """Beginnings of numbers this trunk is for; the longest that fits decides. Empty: all."""
    max_calls: int | None = None
    """Calls on this trunk at once; None is no limit of its own."""
    calls_per_second: float | None = None
    """New calls per second the carrier takes; None is no limit."""
    codecs: tuple[str, ...] = CODECS
    """Codecs in the order they are offered."""
    srtp: Literal["off", "optional", "required"] = "off"
    """Whether sound is encrypted."""
    sip_advertised_host: str | None = None
    """Of this trunk alone, instead of the global one."""
    options_every_s: int = 30
    """Seconds between OPTIONS that ask whether the carrier is there; 0 asks never."""
    networks: tuple[str, ...] = ()
    """Networks besides its own addresses from which the carrier may send."""


def read_trunks(sources: Sources) -> tuple[TrunkConfig, ...]:
    """All trunks in order of preference; none where none is given."""
    names = sources.names_under("trunks")
    if names and sources.has_table(SHORT_FORM):
        raise ConfigError(
            "there is a [trunk] and there is [trunks.NAME]: give the one under [trunks.NAME], too"
        )
    if not names:
        only = _trunk(sources, "trunk", SHORT_FORM)
        return () if only is None else (only,)
    for name in names:
        if not NAME.fullmatch(name) or name in RESERVED_NAMES:
            raise ConfigError(
                f"trunks.{name}: a trunk's name is a letter, then letters, digits, _ or -, and not `sandbox`"
            )
    found = (_trunk(sources, f"trunks.{name}", name) for name in names)
    return tuple(trunk for trunk in found if trunk is not None)


def _trunk(sources: Sources, at: str, name: str) -> TrunkConfig | None:
    """The trunk whose settings begin with `at`; None where the short form is not there at all."""
    host = sources.optional_text(f"{at}.host")
    trunk = TrunkConfig(
        name=name,
        host=host or "",
        port=sources.optional_whole(f"{at}.port", 1, 65_535),
        transport=cast(Literal["udp", "tcp", "tls"], sources.one_of(f"{at}.transport", "udp", TRANSPORTS)),
        ca_file=_file(sources, f"{at}.ca_file"),
        verify=sources.yes_or_no(f"{at}.verify", True),
        server_name=sources.optional_text(f"{at}.server_name"),
        cert_file=_file(sources, f"{at}.cert_file"),
        key_file=_file(sources, f"{at}.key_file"),
        user=sources.optional_text(f"{at}.user"),
        password=sources.optional_text(f"{at}.password"),
        domain=sources.optional_text(f"{at}.domain"),
        register=sources.yes_or_no(f"{at}.register", False),
        expires_s=sources.whole(f"{at}.expires_s", 300, 60, 86_400),
        caller=_number(sources, f"{at}.caller"),
        caller_ids=_numbers(sources, f"{at}.caller_ids", E164, "+14155550100"),
        from_=cast(Literal["caller", "user"], sources.one_of(f"{at}.from", "caller", FROM)),
        p_asserted_identity=sources.yes_or_no(f"{at}.p_asserted_identity", False),
        privacy=sources.yes_or_no(f"{at}.privacy", False),
        number_format=cast(
            Literal["e164", "digits", "national"],
            sources.one_of(f"{at}.number_format", "e164", NUMBER_FORMATS),
        ),
        country_code=sources.optional_text(f"{at}.country_code"),
        national_lead=_digits(sources, f"{at}.national_lead", ""),
        international_lead=_digits(sources, f"{at}.international_lead", "00"),
        prefixes=_numbers(sources, f"{at}.prefixes", PREFIX, "+44"),
        max_calls=sources.optional_whole(f"{at}.max_calls", 1, 100_000),
        calls_per_second=sources.optional_number(f"{at}.calls_per_second", 0.01, 1000),
        codecs=_codecs(sources, f"{at}.codecs"),
        srtp=cast(Literal["off", "optional", "required"], sources.one_of(f"{at}.srtp", "off", SRTP)),
        sip_advertised_host=sources.ip_address(f"{at}.sip_advertised_host"),
        options_every_s=sources.whole(f"{at}.options_every_s", 30, 0, 3600),
        networks=_networks(sources, f"{at}.networks"),
    )
    if host is None:
        if at != SHORT_FORM or trunk != TrunkConfig(name, ""):
            raise ConfigError(f"{at}.host is missing: a trunk needs the name or address of its SIP server")
        return None
    _refuse_contradictions(trunk, at)
    return trunk


def _refuse_contradictions(trunk: TrunkConfig, at: str) -> None:
    if not HOST.fullmatch(trunk.host):
        raise ConfigError(
            f"{at}.host must be a name or an address alone, for example sip.example.com, not {trunk.host!r}:"
            f" port and transport are settings of their own"
        )
    if (trunk.user is None) != (trunk.password is None):
        raise ConfigError(f"{at}.user and {at}.password go together: give both or neither")
    if (trunk.cert_file is None) != (trunk.key_file is None):
        raise ConfigError(f"{at}.cert_file and {at}.key_file go together: give both or neither")
    for name, needs_user in (("register", trunk.register), ("from", trunk.from_ == "user")):
        if needs_user and trunk.user is None:
            raise ConfigError(f"{at}.{name} needs {at}.user and {at}.password: whom the carrier knows us as")
    if trunk.from_ == "user" and trunk.caller is not None:
        raise ConfigError(f'{at}.caller and {at}.from = "user" both fill From: give one of them')
    if trunk.caller is not None and trunk.caller_ids:
        raise ConfigError(f"{at}.caller replaces every caller ID: leave {at}.caller_ids out")
    if trunk.transport != "tls":
        plain = TrunkConfig(trunk.name, trunk.host)
        for name in _TLS_ONLY:
            if getattr(trunk, name) != getattr(plain, name):
                raise ConfigError(f'{at}.{name} is about TLS: set {at}.transport = "tls", or leave it out')
        if trunk.srtp == "required":
            # RFC 4568 §7.1: the key stands in the SDP, so whoever reads the signalling hears the call.
            raise ConfigError(
                f'{at}.srtp = "required" sends its keys inside SIP: set {at}.transport = "tls", too'
            )
    if trunk.number_format == "national":
        if trunk.country_code is None or not re.fullmatch(r"\+[1-9][0-9]{0,3}", trunk.country_code):
            raise ConfigError(f'{at}.country_code must be as in "+49" where number_format is national')
    elif trunk.country_code is not None or trunk.national_lead or trunk.international_lead != "00":
        raise ConfigError(
            f'{at}.country_code, national_lead and international_lead are of number_format = "national"'
        )


def _file(sources: Sources, name: str) -> str | None:
    given = sources.optional_text(name)
    if given is None:
        return None
    path = Path(given).expanduser()
    if not path.is_file():
        raise ConfigError(f"{name}: there is no file {given}")
    return str(path)


def _number(sources: Sources, name: str) -> str | None:
    number = sources.optional_text(name)
    if number is not None and not E164.fullmatch(number):
        raise ConfigError(f"{name} must be a number in E.164, for example +14155550100, not {number!r}")
    return number


def _numbers(sources: Sources, name: str, shape: re.Pattern[str], example: str) -> tuple[str, ...]:
    numbers = sources.texts(name)
    for number in numbers:
        if not shape.fullmatch(number):
            raise ConfigError(f"{name} must be a list such as [{example!r}], and has {number!r}")
    return numbers


def _digits(sources: Sources, name: str, default: str) -> str:
    digits = sources.optional_text(name) or default
    if not re.fullmatch(r"[0-9]{0,6}", digits):
        raise ConfigError(f'{name} must be digits in quotes, for example "0", not {digits!r}')
    return digits


def _codecs(sources: Sources, name: str) -> tuple[str, ...]:
    codecs = tuple(codec.upper() for codec in sources.texts(name)) or CODECS
    if not set(codecs) <= set(CODECS) or len(set(codecs)) != len(codecs):
        raise ConfigError(f"{name} must be some of {', '.join(CODECS)}, each once, not {', '.join(codecs)}")
    return codecs


def _networks(sources: Sources, name: str) -> tuple[str, ...]:
    networks = sources.texts(name)
    for network in networks:
        try:
            ipaddress.ip_network(network)
        except ValueError as wrong:
            raise ConfigError(
                f'{name} must be a list such as ["54.172.60.0/30"], and has {network!r} ({wrong})'
            ) from None
    return networks
