"""`doctor`: is this machine fit to serve? Each check tries the thing itself and names the cure.

Checks change nothing that lasts, and run beside a serving house.
"""

from __future__ import annotations

import asyncio
import errno
import shutil
import socket
import sqlite3
import sys
import tempfile
import time
from argparse import Namespace
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import aclosing, closing
from pathlib import Path
from urllib.parse import urlsplit

from byourside_server.cli.archive import is_served
from byourside_server.cli.doctor_collector import check_collector
from byourside_server.cli.doctor_trunks import check_trunks
from byourside_server.cli.findings import Check, Finding, Verdict
from byourside_server.cli.terminal import say
from byourside_server.config import Config
from byourside_server.errors import ConfigError, Refusal

# A minute of recording is about 1 MB: stereo, 8 kHz, one byte a sample.
LITTLE_DISK, NO_DISK = 2_000_000_000, 100_000_000
# No edition of this server was there before, and certificates fail long before the other end.
EARLIEST, LATEST = 1_735_689_600.0, 4_102_444_800.0
FILE_CLOCK_TOLERANCE_S = 5.0
PUBLIC_PATIENCE_S = 4.0
SPOKEN = "Yes, that works for me."
# What a call allows an answer: models that think first have said nothing yet after a few.
MODEL_TOKENS = 2000


# Verdict and words of an engine that did its part, and the sound it made.
Tried = tuple[Verdict, str, bytes]


def doctor(config: Config, given: Namespace) -> int:
    """Print each finding; 0 where nothing fails."""
    failed = 0
    for check in CHECKS:
        for finding in examined(check, config):
            say(finding.line())
            failed += finding.verdict == "fail"
    say("Ready to serve." if not failed else f"{failed} to mend before serving.")
    return 1 if failed else 0


def examined(check: Check, config: Config) -> Iterator[Finding]:
    """The check's findings; one that falls over is a finding too, whatever it fell over."""
    try:
        yield from check(config)
    except Exception as trouble:
        # The edge of one check: native libraries fail in ways of their own, and the others must still run.
        name = check.__name__.removeprefix("check_").replace("_", " ")
        yield Finding("fail", name, f"{type(trouble).__name__}: {trouble}")


def check_python(config: Config) -> Iterator[Finding]:
    # Older ones don't get this far: the package won't install on them, nor these lines parse everywhere.
    version = ".".join(map(str, sys.version_info[:3]))
    yield Finding("ok", "python", f"{version} on {sys.platform}")


def check_data_directory(config: Config) -> Iterator[Finding]:
    if config.data_dir.exists() and not config.data_dir.is_dir():
        yield Finding(
            "fail", "data directory", f"{config.data_dir} is a file: choose another with --data-dir"
        )
        return
    there = next(path for path in (config.data_dir, *config.data_dir.parents) if path.exists())
    try:
        with tempfile.TemporaryFile(dir=there) as probe:
            probe.write(b"x")
    except OSError as trouble:
        yield Finding(
            "fail", "data directory", f"{there} can't be written to ({trouble.strerror}): choose another"
        )
        return
    said = str(config.data_dir) if there == config.data_dir else f"{config.data_dir} will be made by serving"
    yield Finding("ok", "data directory", said)
    free = shutil.disk_usage(there).free
    said = f"{free / 1e9:.1f} GB free, about {free / 60e6:,.0f} hours of recordings"
    if free < NO_DISK:
        yield Finding("fail", "disk", f"{said}: make room")
    else:
        yield Finding("warn" if free < LITTLE_DISK else "ok", "disk", said)


def check_clock(config: Config) -> Iterator[Finding]:
    now = time.time()
    with tempfile.NamedTemporaryFile() as probe:
        apart_s = abs(Path(probe.name).stat().st_mtime - now)
    started = time.monotonic()
    time.sleep(0.02)
    slept_s = time.monotonic() - started
    shown = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(now))
    if not EARLIEST < now < LATEST:
        yield Finding("fail", "clock", f"{shown} can't be right: signatures and time stamps need NTP")
    elif apart_s > FILE_CLOCK_TOLERANCE_S:
        yield Finding(
            "warn", "clock", f"{shown}, but the file system's is {apart_s:.0f} s away: set both by NTP"
        )
    elif slept_s > 0.2:
        yield Finding(
            "warn", "clock", f"a sleep of 20 ms took {slept_s * 1000:.0f} ms: too busy for good sound"
        )
    else:
        yield Finding("ok", "clock", shown)


def check_port(config: Config) -> Iterator[Finding]:
    if is_served(config):
        yield Finding("ok", "server", f"one is serving {config.data_dir} now")
        return
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((config.host, config.port))
        except OSError as trouble:
            flag = "--host" if trouble.errno == errno.EADDRNOTAVAIL else "--port"
            words = f"{config.port} on {config.host} can't be had ({trouble.strerror}): choose with {flag}"
            yield Finding("fail", "port", words)
        else:
            yield Finding("ok", "port", f"{config.port} on {config.host} is free")


def check_public_url(config: Config) -> Iterator[Finding]:
    """Ask ourselves by the address that callers are given; a server that does not run yet is no failure."""
    import httpx

    host = urlsplit(config.public_url).hostname or ""
    if host in ("127.0.0.1", "localhost", "::1") and config.is_sandbox:
        yield Finding("ok", "public URL", f"{config.public_url}: this machine alone, as the sandbox needs")
        return
    try:
        answer = httpx.get(f"{config.public_url}/healthz", timeout=PUBLIC_PATIENCE_S)
        is_us = answer.status_code == 200 and "version" in answer.json()
    except (httpx.HTTPError, ValueError) as trouble:
        cure = "set public_url to where callers reach this server, and see to the proxy before it"
        running = is_served(config)
        cure += "" if running else "; or serve first"
        why = f"{config.public_url} gives no answer ({trouble}): {cure}"
        yield Finding("fail" if running else "warn", "public URL", why)
        return
    words = "answers" if is_us else "answers, but not as this server does: is that address another's?"
    yield Finding("ok" if is_us else "fail", "public URL", f"{config.public_url} {words}")


def check_telephone_ports(config: Config) -> Iterator[Finding]:
    for subject, port, host in (
        ("SIP", config.sip_port, config.sip_host),
        ("RTP", 0, config.sip_host),
    ):
        if subject == "SIP" and port and is_served(config):
            continue
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
            one.settimeout(1.0)
            try:
                one.bind((host, port))
                one.sendto(b"hello", one.getsockname())
                heard = one.recv(16)
            except OSError as trouble:
                cure = "set sip_host to an address of this machine"
                yield Finding("fail", subject, f"no UDP on {host}:{port or 'any port'} ({trouble}): {cure}")
            else:
                verdict: Verdict = "ok" if heard == b"hello" else "fail"
                yield Finding(verdict, subject, f"UDP works on {host}")


def check_numpy(config: Config) -> Iterator[Finding]:
    import numpy

    product = numpy.arange(4.0) @ numpy.ones(4)
    verdict: Verdict = "ok" if product == 6.0 else "fail"
    yield Finding(verdict, "numpy", numpy.__version__)


def check_speech(config: Config) -> Iterator[Finding]:
    """Speak a sentence with each voice, and have each ear listen to it."""
    sound = b""
    for place, link in links_of(config.text_to_speech):
        finding, said = _tried(f"text to speech{place}", link, _speak(link, config.secrets))
        sound = sound or said
        yield finding
    for place, link in links_of(config.speech_to_text):
        heard = _listen(link, sound or b"\xff" * 8000, config.secrets)
        yield _tried(f"speech to text{place}", link, heard)[0]


def links_of(chain: str) -> list[tuple[str, str]]:
    """The engines of a chain one by one, with their place: behind a fallback a broken one stays hidden."""
    links = [link.strip() for link in chain.split(",")]
    return [(f" {n} of {len(links)}" if len(links) > 1 else "", link) for n, link in enumerate(links, 1)]


def _tried(subject: str, link: str, work: Coroutine[None, None, Tried]) -> tuple[Finding, bytes]:
    """What came of one engine: whatever it raises, the others are tried, too."""
    from byourside_server.providers.base import ProviderError

    name = link.partition("?")[0]
    try:
        verdict, words, sound = asyncio.run(work)
    except ProviderError as trouble:
        told = str(trouble)
        return Finding("fail", subject, told if name in told else f"{name}: {told}"), b""
    except Exception as trouble:
        # Foreign code; its own words may hold a key.
        return Finding("fail", subject, f"{name} broke ({type(trouble).__name__})"), b""
    return Finding(verdict, subject, words), sound


async def _speak(link: str, secrets: Mapping[str, str]) -> Tried:
    from byourside_server.providers.registry import open_text_to_speech

    voice = open_text_to_speech(link, secrets)
    try:
        started = time.monotonic()
        sound = await voice.synthesize(SPOKEN)
        took_ms = (time.monotonic() - started) * 1000
    finally:
        await voice.close()
    # µ-law silence is 0xFF or 0x7F: anything else was said.
    said = len(sound) - sound.count(0xFF) - sound.count(0x7F)
    words = f"{voice.name} said {len(sound) / 8000:.1f} s in {took_ms:.0f} ms"
    return ("ok" if said > 1000 else "fail"), words, sound


async def _listen(link: str, sound: bytes, secrets: Mapping[str, str]) -> Tried:
    from byourside_server.providers.base import Expectation
    from byourside_server.providers.registry import open_speech_to_text

    ears = open_speech_to_text(link, secrets)
    try:
        heard = await ears.transcribe(sound, Expectation(frozenset({"yes_no"})))
    finally:
        await ears.close()
    if not heard.text:
        return "warn", f"{ears.name} answered, and heard nothing in a sentence that was spoken to it", b""
    return "ok", f"{ears.name} listened and heard {heard.text!r}", b""


def check_mind(config: Config) -> Iterator[Finding]:
    """Have each language model of a chain say a word, or use a tool."""
    for subject, chain in (("mind", config.mind), ("analysis", config.analysis)):
        if (subject, chain) == ("analysis", "mind"):
            continue
        links = links_of(chain)
        for at, (place, link) in enumerate(links, 1):
            if link == "embedded" and at == len(links):
                yield Finding("ok", f"{subject}{place}", "rules, in English; no key and no network needed")
            else:
                yield _tried(f"{subject}{place}", link, _ask_model(link, config.secrets))[0]


async def _ask_model(link: str, secrets: Mapping[str, str]) -> Tried:
    from byourside_server.providers.base import Generation, Message, Tool
    from byourside_server.providers.language_registry import open_chat_model
    from byourside_server.providers.specification import parse_chain

    # With a tool, as calls ask it: some servers refuse those until they are set up for them.
    tool = Tool("say_hello", "Say hello.", {"type": "object", "properties": {}})
    question = Generation((Message("user", "Say the word hello."),), (tool,), max_tokens=MODEL_TOKENS)
    [parsed] = parse_chain(link)
    model = open_chat_model(parsed, secrets)
    try:
        started = time.monotonic()
        async with aclosing(model.generate(question)) as answer:
            await anext(answer)
        took_ms = (time.monotonic() - started) * 1000
    finally:
        await model.close()
    return "ok", f"{model.name} began to answer after {took_ms:.0f} ms", b""


def check_database(config: Config) -> Iterator[Finding]:
    from byourside_server.store.migrations import known_migrations

    newest = known_migrations()[-1].version
    file = config.database_file
    if file is None:
        try:
            version = asyncio.run(_version(config))
        except (ConfigError, Refusal) as trouble:
            yield Finding("fail", "database", f"{trouble}: mend database_url, or start PostgreSQL")
            return
    elif not file.exists():
        yield Finding("ok", "database", f"{file} will be made by serving")
        return
    else:
        try:
            with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True, timeout=5)) as opened:
                verdict = str(opened.execute("PRAGMA quick_check(1)").fetchone()[0])
                version = int(
                    opened.execute("SELECT coalesce(max(version), 0) FROM schema_version").fetchone()[0]
                )
        except sqlite3.Error as trouble:
            yield Finding("fail", "database", f"{file}: {trouble}; restore it from a backup")
            return
        if verdict != "ok":
            yield Finding("fail", "database", f"{file} is damaged ({verdict}): restore it from a backup")
            return
    if version > newest:
        yield Finding(
            "fail", "database", f"version {version} is newer than this server's {newest}: upgrade it"
        )
    else:
        later = "" if version == newest else f"; serving brings it to {newest}"
        yield Finding("ok", "database", f"sound, version {version}{later}")


async def _version(config: Config) -> int:
    import sqlalchemy as sa

    from byourside_server.store.database import Database
    from byourside_server.store.schema import schema_version

    def ask(conn: sa.Connection) -> int:
        if not sa.inspect(conn).has_table(schema_version.name):
            return 0
        return int(
            conn.execute(sa.select(sa.func.coalesce(sa.func.max(schema_version.c.version), 0))).scalar_one()
        )

    database = Database(config.database_url)
    try:
        return await database.read(ask)
    finally:
        await database.close()


def check_settings(config: Config) -> Iterator[Finding]:
    from byourside_server.app import transfer_targets

    try:
        transfer_targets(config.transfers)
    except ConfigError as trouble:
        yield Finding("fail", "settings", str(trouble))
    if config.allow_local_webhooks:
        yield Finding("warn", "settings", "allow_local_webhooks is on: for development only")
    if config.host not in ("127.0.0.1", "::1", "localhost") and config.public_url.startswith("http://"):
        yield Finding("warn", "settings", f"{config.host} without TLS: put a proxy before it, set public_url")
    if config.metrics == "open" and config.host not in ("127.0.0.1", "::1", "localhost"):
        yield Finding("warn", "settings", 'metrics = "open": whoever reaches this server reads them')


CHECKS: tuple[Check, ...] = (
    check_python,
    check_data_directory,
    check_clock,
    check_port,
    check_public_url,
    check_telephone_ports,
    check_trunks,
    check_numpy,
    check_speech,
    check_mind,
    check_database,
    check_collector,
    check_settings,
)
