"""Over a real socket: sizes, chunks, keep-alive and bytes that are no HTTP, on uvicorn."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from byourside_server.api.application import create_api
from byourside_server.api.body import MAX_BODY_BYTES
from byourside_server.api.desk import ApiSettings
from byourside_server.api.server import make_server
from tests.api.conftest import KEY, FakeDesk

AUTHORIZED = {"Authorization": f"Bearer {KEY}"}
CALL = json.dumps({"to": "+14155550123", "objective": "Say hello."}).encode()

# Only the bound of a wait.
PATIENCE_S = 60.0


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    desk = FakeDesk(Path(tmp_path_factory.mktemp("recordings")))
    listening = socket.create_server(("127.0.0.1", 0))
    server = make_server(create_api(desk, settings=ApiSettings(version="0.1.0")), "127.0.0.1", 0, grace_s=1)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listening])))
    thread.start()
    try:
        yield listening.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(PATIENCE_S)


@pytest.fixture
def client(port: int) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    yield connection
    connection.close()


def ask(client: http.client.HTTPConnection, body: object, *, chunked: bool = False) -> tuple[int, str]:
    client.request("POST", "/v1/agent/calls", body, AUTHORIZED, encode_chunked=chunked)  # type: ignore[arg-type]
    answer = client.getresponse()
    found = json.loads(answer.read())
    assert answer.headers["Content-Type"] == "application/json"
    return answer.status, str(found.get("error"))


def padded(size: int) -> bytes:
    return CALL[:-1] + b" " * (size - len(CALL)) + b"}"


def test_the_largest_body_is_read_and_one_byte_more_is_not(client: http.client.HTTPConnection) -> None:
    assert ask(client, padded(MAX_BODY_BYTES)) == (200, "None")
    assert ask(client, padded(MAX_BODY_BYTES + 1)) == (413, "body_too_large")


def test_a_chunked_body_is_counted_as_it_comes(client: http.client.HTTPConnection) -> None:
    """No Content-Length to go by (RFC 9112 §7.1)."""
    piece = b" " * 10_000
    client.request(
        "POST",
        "/v1/agent/calls",
        iter([piece] * 40),
        {**AUTHORIZED, "Transfer-Encoding": "chunked"},
        encode_chunked=True,
    )
    answer = client.getresponse()
    assert (answer.status, json.loads(answer.read())["error"]) == (413, "body_too_large")


def test_a_chunked_body_within_the_limit_is_placed(client: http.client.HTTPConnection) -> None:
    half = len(CALL) // 2
    client.request(
        "POST",
        "/v1/agent/calls",
        iter([CALL[:half], CALL[half:]]),
        {**AUTHORIZED, "Transfer-Encoding": "chunked"},
        encode_chunked=True,
    )
    assert client.getresponse().status == 200


def test_a_connection_serves_on_after_every_kind_of_answer(client: http.client.HTTPConnection) -> None:
    assert ask(client, CALL)[0] == 200
    first = client.sock
    for body, status in ((b"{", 400), (padded(MAX_BODY_BYTES * 4), 413), (b"", 400), (CALL, 200)):
        assert ask(client, body)[0] == status
    client.request("HEAD", "/healthz")
    assert client.getresponse().read() == b""
    client.request("GET", "/healthz")
    assert json.loads(client.getresponse().read())["status"] == "ok"
    assert client.sock is first


def exchange(port: int, request: bytes) -> bytes:
    """Everything that comes back until the server closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as wire:
        wire.sendall(request)
        wire.shutdown(socket.SHUT_WR)
        answer = b""
        while piece := wire.recv(65_536):
            answer += piece
        return answer


def post(*headers: str, body: bytes = CALL) -> bytes:
    lines = ["POST /v1/agent/calls HTTP/1.1", "Host: api.test", f"Authorization: Bearer {KEY}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\x16\x03\x01\x02\x00 a TLS client hello",
        b"GET\r\n\r\n",
        b"SSH-2.0-OpenSSH_9\r\n",
        post("Content-Length: ten"),
        post("Content-Length: -1"),
        post("Transfer-Encoding: chunked", body=b"zz\r\nxx\r\n"),
    ],
)
def test_bytes_that_are_no_http_are_refused_in_json(port: int, request_bytes: bytes) -> None:
    head, _, body = exchange(port, request_bytes).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"application/json" in head
    assert json.loads(body)["error"] == "invalid_json"


def test_a_content_length_that_says_too_little_leaves_no_request(
    port: int,
) -> None:
    answers = exchange(port, post("Content-Length: 5")).split(b"HTTP/1.1 ")[1:]
    assert answers
    assert {answer[:3] for answer in answers} == {b"400"}
    assert all(b'"error":"invalid_json"' in answer for answer in answers)


def test_a_client_that_leaves_in_the_middle_of_its_body_harms_nobody(
    port: int, client: http.client.HTTPConnection
) -> None:
    exchange(port, post("Content-Length: 5000"))
    assert ask(client, CALL)[0] == 200


def test_a_huge_announced_body_is_refused_before_it_is_sent(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as wire:
        wire.sendall(post("Content-Length: 99999999999", body=b""))
        assert wire.recv(65_536).startswith(b"HTTP/1.1 413 ")


def test_the_server_does_not_say_what_it_is_made_of(client: http.client.HTTPConnection) -> None:
    client.request("GET", "/nowhere")
    answer = client.getresponse()
    answer.read()
    assert answer.headers.get("Server") is None
    assert answer.headers.get_all("Date") is not None
