"""kamailio as a carrier's SIP server: digest, registration, Record-Route, over UDP, TCP and TLS.

The field `X-Callee-Port` of an INVITE says whom the call goes on to; without it, that is the default callee.
"""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from byourside_server.sip.outgoing import TrunkAddress
from tests.peers.process import Peer, free_port, listens_on_tcp, program, running, udp_ports

HOST = "127.0.0.1"
REALM, USER, PASSWORD = "carrier.test", "office", "correct horse"
TEMPLATE = Path(__file__).with_name("kamailio.cfg.in")
CALLEE_FIELD = "X-Callee-Port"


@dataclass(frozen=True)
class Kamailio:
    """A carrier that is up."""

    peer: Peer
    port: int
    """UDP and TCP."""
    tls_port: int
    certificate: Path
    """Made by itself: whoever trusts this file trusts the server."""

    def address(self, password: str | None = PASSWORD) -> TrunkAddress:
        """The way in over UDP."""
        user = None if password is None else USER
        return TrunkAddress((HOST, self.port), REALM, user, password)


def callee(port: int) -> tuple[tuple[str, str], ...]:
    """The field that sends a call on to a port of this machine."""
    return ((CALLEE_FIELD, str(port)),)


@contextlib.contextmanager
def kamailio(folder: Path, default_callee: str) -> Iterator[Kamailio]:
    command = program("kamailio", "kamailio kamailio-tls-modules")
    modules = next(Path("/usr").glob("lib*/**/kamailio/modules/tm.so"), None)
    if modules is None or not modules.with_name("tls.so").exists():
        pytest.skip("kamailio has no tls.so (Debian: apt install kamailio-tls-modules)")
    folder.mkdir(parents=True, exist_ok=True)
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    _make_certificate(key, certificate)
    port, tls_port = free_port(), free_port()
    settings = {
        "PORT": str(port),
        "TLS_PORT": str(tls_port),
        "MODULES": f"{modules.parent}/",
        "KEY": str(key),
        "CERTIFICATE": str(certificate),
        "REALM": REALM,
        "PASSWORD": PASSWORD,
        "CALLEE_FIELD": CALLEE_FIELD,
        "DEFAULT_CALLEE": default_callee,
    }
    text = TEMPLATE.read_text()
    for name, value in settings.items():
        text = text.replace(f"@{name}@", value)
    file = folder / "kamailio.cfg"
    file.write_text(text)
    # Stays in front (-DD), logs to standard error (-E), little memory (-m, -M in MB).
    options = ["-f", str(file), "-DD", "-E", "-P", str(folder / "pid"), "-w", str(folder), "-Y", str(folder)]
    with running([command, *options, "-m", "64", "-M", "8"], folder) as peer:
        peer.wait_until(lambda: port in udp_ports() and listens_on_tcp(port) and listens_on_tcp(tls_port))
        yield Kamailio(peer, port, tls_port, certificate)


def _make_certificate(key: Path, certificate: Path) -> None:
    subprocess.run(
        [
            *(program("openssl", "openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-keyout", str(key), "-out", str(certificate), "-subj", f"/CN={REALM}"),
            *("-addext", f"subjectAltName=DNS:{REALM},IP:{HOST}"),
        ],
        check=True,
        capture_output=True,
    )
