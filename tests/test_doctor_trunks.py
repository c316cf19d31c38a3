"""What the doctor says of trunks, each one a carrier of our own on loopback that does what the test wants."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from byourside_server.cli.doctor_trunks import check_trunks
from byourside_server.cli.findings import Finding
from byourside_server.config import load_config
from byourside_server.sip.digest import authorization, parse_challenges
from byourside_server.sip.message import Request, respond
from byourside_server.sip.parse import parse
from tests.lines.certificates import Authority

ASKS = ("WWW-Authenticate", 'Digest realm="carrier", nonce="n-1"')
# What a carrier makes of a request from an address: the bytes to send back, or None.
Answers = Callable[[Request, tuple[str, int]], bytes | None]


def examined(data_dir: Path, settings: str) -> list[Finding]:
    (data_dir / "config.toml").write_text(settings)
    return list(check_trunks(load_config({"data_dir": str(data_dir)}, {})))


def one(findings: list[Finding], words: str) -> Finding:
    """The finding with these words."""
    [found] = [finding for finding in findings if words in finding.words]
    return found


def verdicts(findings: list[Finding]) -> set[str]:
    return {finding.verdict for finding in findings}


def says(status: int, seen_as: str | None = None) -> Answers:
    def answer(request: Request, source: tuple[str, int]) -> bytes | None:
        seen = (seen_as, source[1]) if seen_as else source
        return respond(request, status, source=seen, to_tag="c").encode()

    return answer


def registrar(password: str) -> Answers:
    """Lets alice in with her password, and answers OPTIONS."""

    def answer(request: Request, source: tuple[str, int]) -> bytes | None:
        given = request.headers.get("Authorization") or ""
        [challenge] = parse_challenges(ASKS[1])
        right = authorization(
            challenge, user="alice", password=password, method="REGISTER", uri="sip:carrier.example"
        )
        if request.method == "OPTIONS" or given == right:
            return respond(request, 200, source=source, to_tag="c", headers=[("Expires", "120")]).encode()
        return respond(request, 401, source=source, to_tag="c", headers=[ASKS]).encode()

    return answer


@contextlib.contextmanager
def carrier(answers: Answers) -> Iterator[int]:
    """A carrier over UDP; gives its port."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            data, source = sock.recvfrom(65535)
            if data == b"stop":
                return
            request = parse(data)
            assert isinstance(request, Request)
            if (reply := answers(request, source)) is not None:
                sock.sendto(reply, source)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield sock.getsockname()[1]
    finally:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ender:
            ender.sendto(b"stop", sock.getsockname())
        thread.join()
        sock.close()


@contextlib.contextmanager
def tls_carrier(authority: Authority, name: str, *, expired: bool = False) -> Iterator[int]:
    """A carrier over TLS that answers OPTIONS with 200; gives its port."""
    signed = authority.sign(name, expired=expired)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(signed.cert_file, signed.key_file)
    listener = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()

    def serve() -> None:
        while True:
            raw, source = listener.accept()
            if stop.is_set():
                raw.close()
                return
            with contextlib.suppress(OSError), context.wrap_socket(raw, server_side=True) as link:
                if data := link.recv(65535):
                    request = parse(data)
                    assert isinstance(request, Request)
                    link.sendall(respond(request, 200, source=source, to_tag="c").encode())
                    link.recv(1)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        stop.set()
        socket.create_connection(listener.getsockname()).close()
        thread.join()
        listener.close()


def test_without_a_trunk_the_sandbox_is_meant(tmp_path: Path) -> None:
    [finding] = examined(tmp_path, "")
    assert (finding.verdict, finding.words[:4]) == ("ok", "none")


def test_a_carrier_that_answers_is_well_and_its_round_trip_is_told(tmp_path: Path) -> None:
    with carrier(says(200)) as port:
        findings = examined(tmp_path, f'[trunk]\nhost = "127.0.0.1"\nport = {port}\n')
    assert verdicts(findings) == {"ok"}
    assert one(findings, f"127.0.0.1 is 127.0.0.1:{port} over udp").subject == "trunk trunk"
    assert one(findings, "answers OPTIONS with 200 in ")
    assert one(findings, "it sees us as 127.0.0.1, which is what we say")
    assert one(findings, "firewalls must let it in")


@pytest.mark.parametrize(("status", "cure"), [(503, "out of service"), (403, "lets this machine's address")])
def test_a_carrier_that_will_not_have_us_is_a_warning(tmp_path: Path, status: int, cure: str) -> None:
    with carrier(says(status)) as port:
        findings = examined(tmp_path, f'[trunk]\nhost = "127.0.0.1"\nport = {port}\n')
    assert one(findings, f"answers OPTIONS with {status}").verdict == "warn"
    assert cure in one(findings, f"answers OPTIONS with {status}").words


def test_a_carrier_that_says_nothing_is_a_warning_since_some_never_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("byourside_server.cli.doctor_trunks.OPTIONS_PATIENCE_S", 0.3)
    with carrier(lambda request, source: None) as port:
        findings = examined(tmp_path, f'[trunk]\nhost = "127.0.0.1"\nport = {port}\n')
    assert one(findings, "does not answer OPTIONS: some carriers never do").verdict == "warn"


def test_an_address_nobody_listens_at_and_a_name_nobody_knows_are_found(tmp_path: Path) -> None:
    with carrier(says(200)) as port:
        pass
    findings = examined(
        tmp_path,
        f'[trunks.closed]\nhost = "127.0.0.1"\nport = {port}\n'
        f'[trunks.wired]\nhost = "127.0.0.1"\nport = {port}\ntransport = "tcp"\n'
        '[trunks.lost]\nhost = "nowhere.invalid"\nport = 5060\n',
    )
    assert one(findings, "can't be reached").subject == "trunk closed"
    assert "see trunks.closed.port" in one(findings, "can't be reached").words
    assert one(findings, "connection refused: see trunks.wired.port").verdict == "fail"
    [lost] = [finding for finding in findings if finding.subject == "trunk lost"]
    assert (lost.verdict, "mend trunks.lost.host" in lost.words) == ("fail", True)


def test_behind_nat_the_address_the_carrier_sees_is_named(tmp_path: Path) -> None:
    """RFC 3581: `received` and `rport` in our own Via say how we look from outside."""
    with carrier(says(200, seen_as="198.51.100.7")) as port:
        settings = f'[trunk]\nhost = "127.0.0.1"\nport = {port}\n'
        findings = examined(tmp_path, settings)
        assert one(findings, 'set sip_advertised_host = "198.51.100.7"').verdict == "warn"
        mended = f'sip_port = 5060\nsip_advertised_host = "198.51.100.7"\n{settings}'
        assert one(examined(tmp_path, mended), "it sees us as 198.51.100.7").verdict == "ok"


def test_a_registration_is_tried_with_the_password(tmp_path: Path) -> None:
    with carrier(registrar("secret")) as port:
        for password, verdict, words in (
            ("secret", "ok", "alice registered in "),
            ("wrong", "fail", "REGISTER was refused with 401 Unauthorized: see trunk.user, trunk.password"),
        ):
            settings = (
                f'[trunk]\nhost = "127.0.0.1"\nport = {port}\nuser = "alice"\npassword = "{password}"\n'
                'domain = "carrier.example"\nregister = true\n'
            )
            findings = examined(tmp_path, settings)
            assert one(findings, words).verdict == verdict
            assert password not in str(findings)


def test_a_sound_certificate_and_each_that_is_not_with_its_cure(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    other = Authority(tmp_path, "Other Authority")
    base = '[trunk]\nhost = "127.0.0.1"\ntransport = "tls"\n'
    cases = (
        ("127.0.0.1", False, f'ca_file = "{authority.ca_file}"\n', "ok", "answers OPTIONS with 200"),
        ("127.0.0.1", False, f'ca_file = "{other.ca_file}"\n', "fail", "set trunk.ca_file to the authority"),
        ("a.example", False, f'ca_file = "{authority.ca_file}"\n', "fail", "set trunk.server_name"),
        ("127.0.0.1", True, f'ca_file = "{authority.ca_file}"\n', "fail", "see this machine's clock"),
    )
    for name, expired, settings, verdict, words in cases:
        with tls_carrier(authority, name, expired=expired) as port:
            findings = examined(tmp_path, f"{base}port = {port}\n{settings}")
        assert one(findings, words).verdict == verdict, findings
