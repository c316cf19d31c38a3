"""One attempt over a real socket, and the addresses it must not go to."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

import pytest

from byourside_server.webhooks.sender import (
    EXCERPT_BYTES,
    LOCAL_AT_ONCE,
    Attempt,
    Sender,
    ascii_host,
    retry_after,
)

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Receiver:
    """A server on loopback that answers every request with the same bytes and remembers what it read."""

    def __init__(self, answer: bytes) -> None:
        self.answer = answer
        self.requests: list[bytes] = []
        self.silent = False

    async def __aenter__(self) -> Receiver:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line.split(b":")[1])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length")
        )
        self.requests.append(head + await reader.readexactly(length))
        if self.silent:
            await reader.read()
        writer.write(self.answer)
        writer.close()


def answers_with(*addresses: str) -> Callable[[str, int], Awaitable[list[str]]]:
    async def resolver(host: str, port: int) -> list[str]:
        return list(addresses)

    return resolver


def send(sender: Sender, url: str) -> Attempt:
    return asyncio.run(sender.send(url, {}, b"{}"))


def test_a_webhook_reaches_a_local_receiver_whole() -> None:
    async def story() -> None:
        async with Receiver(OK) as receiver:
            sender = Sender(allow_local=True)
            attempt = await sender.send(
                f"http://localhost:{receiver.port}/hook?x=1", {"X-BYS-Signature": "t=1,v1=ab"}, b'{"a":1}'
            )
            assert (attempt.status, attempt.excerpt, attempt.error) == (200, "ok", None)
            lines = receiver.requests[0].split(b"\r\n")
            assert lines[0] == b"POST /hook?x=1 HTTP/1.1"
            assert f"Host: localhost:{receiver.port}".encode() in lines
            assert b"X-BYS-Signature: t=1,v1=ab" in lines
            assert b"Content-Type: application/json" in lines
            assert lines[-1] == b'{"a":1}'

    asyncio.run(story())


def test_a_local_receiver_is_sent_no_more_at_once_than_its_queue_holds() -> None:
    """Python's http.server lets five wait; what Linux drops then comes seconds later, or not in time."""
    under_way = most = 0

    async def resolver(host: str, port: int) -> list[str]:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        under_way -= 1
        return ["10.0.0.1"]

    async def story() -> None:
        sender = Sender(allow_local=True, resolver=resolver)
        sent = await asyncio.gather(*(sender.send("http://localhost:1/", {}, b"{}") for _ in range(20)))
        assert [attempt.error for attempt in sent] == ["address_not_public"] * 20

    asyncio.run(story())
    assert most == LOCAL_AT_ONCE


def test_local_receivers_are_refused_without_the_developers_setting() -> None:
    assert send(Sender(), "http://localhost:1/").error == "not_https"
    assert send(Sender(), "https://localhost:1/").error == "address_not_public"
    assert send(Sender(), "https://127.0.0.1:1/").error == "address_not_public"
    assert send(Sender(), "https://[::1]:1/").error == "address_not_public"


def test_the_developers_setting_admits_localhost_over_http_and_nothing_else() -> None:
    sender = Sender(allow_local=True, resolver=answers_with("10.0.0.1"))
    assert send(sender, "http://localhost:1/").error == "address_not_public"
    assert send(sender, "http://intranet:1/").error == "not_https"
    assert send(sender, "https://intranet:1/").error == "address_not_public"


@pytest.mark.parametrize("address", ["169.254.169.254", "10.0.0.1", "::ffff:127.0.0.1", "fd00:ec2::254"])
def test_a_name_with_one_private_address_among_public_ones_is_refused(address: str) -> None:
    sender = Sender(resolver=answers_with("8.8.8.8", address))
    assert send(sender, "https://rebind.example/").error == "address_not_public"


def test_the_connection_goes_to_the_address_that_was_checked() -> None:
    """DNS rebinding: the second answer of the name would be the machine itself."""
    asked: list[str] = []

    async def story() -> None:
        async with Receiver(OK) as receiver:

            async def rebinding(host: str, port: int) -> list[str]:
                asked.append(host)
                return ["127.0.0.1"] if len(asked) > 1 else ["127.0.0.2"]

            sender = Sender(allow_local=True, resolver=rebinding)
            attempt = await sender.send(f"http://localhost:{receiver.port}/", {}, b"{}")
            assert asked == ["localhost"], "the name is looked up once and never again"
            assert attempt.error == "connect_failed", "nobody listens at the address that was checked"
            assert receiver.requests == []

    asyncio.run(story())


def test_the_names_next_address_is_tried_when_the_first_refuses_to_connect() -> None:
    async def story() -> None:
        async with Receiver(OK) as receiver:
            sender = Sender(allow_local=True, resolver=answers_with("127.0.0.2", "127.0.0.1"))
            attempt = await sender.send(f"http://localhost:{receiver.port}/", {}, b"{}")
            assert attempt.status == 200

    asyncio.run(story())


def test_a_redirect_is_an_answer_and_not_a_way() -> None:
    async def story() -> None:
        async with Receiver(OK) as inner:
            location = f"Location: http://localhost:{inner.port}/\r\n".encode()
            redirect = b"HTTP/1.1 307 Moved\r\n" + location + b"Content-Length: 0\r\n\r\n"
            async with Receiver(redirect) as outer:
                sender = Sender(allow_local=True)
                attempt = await sender.send(f"http://localhost:{outer.port}/", {}, b"{}")
                assert attempt.status == 307
                assert inner.requests == []

    asyncio.run(story())


def test_of_a_long_answer_only_the_beginning_is_read() -> None:
    async def story() -> None:
        async with Receiver(
            b"HTTP/1.1 500 No\r\nContent-Length: 9000000\r\n\r\n" + b"x" * 100_000
        ) as receiver:
            attempt = await Sender(allow_local=True).send(f"http://localhost:{receiver.port}/", {}, b"{}")
            assert (attempt.status, attempt.excerpt) == (500, "x" * EXCERPT_BYTES)

    asyncio.run(story())


def test_a_receiver_that_never_answers_times_out() -> None:
    async def story() -> None:
        async with Receiver(OK) as receiver:
            receiver.silent = True
            sender = Sender(allow_local=True, timeout_s=0.1)
            attempt = await sender.send(f"http://localhost:{receiver.port}/", {}, b"{}")
            assert (attempt.status, attempt.error) == (None, "timed_out")
            assert attempt.took_ms >= 100

    asyncio.run(story())


def test_an_answer_that_is_no_http_is_a_broken_connection() -> None:
    async def story() -> None:
        async with Receiver(b"hello\r\n\r\n") as receiver:
            attempt = await Sender(allow_local=True).send(f"http://localhost:{receiver.port}/", {}, b"{}")
            assert attempt.error == "connection_broken"

    asyncio.run(story())


def test_a_name_that_does_not_resolve_is_said_so() -> None:
    async def nowhere(host: str, port: int) -> list[str]:
        raise OSError("no such host")

    assert send(Sender(resolver=nowhere), "https://nowhere.example/").error == "dns_failed"


def test_retry_after_comes_as_seconds_or_as_a_date() -> None:
    """RFC 9110 §10.2.3."""
    assert retry_after("120") == 120.0
    assert retry_after("Fri, 31 Dec 1999 23:59:59 GMT") == 0.0
    assert retry_after("soon") is None
    assert retry_after("Mon, 01 Jan 2024 00:00:00 +99999999999999") is None, "an offset beyond any clock"
    assert retry_after(None) is None


def test_names_are_spelled_in_ascii_on_the_wire_and_without_their_last_dot_in_tls() -> None:
    """RFC 5890 for `Host`; RFC 6066 §3: a server name in TLS has no trailing dot."""
    asked: list[str] = []

    async def resolver(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["10.0.0.1"]

    assert send(Sender(resolver=resolver), "https://b\u00fccher.example/").error == "address_not_public"
    assert asked == ["xn--bcher-kva.example"]
    for nameless in ("https://./", "https://.example.com/", "https://a..b/", f"https://{'a' * 64}.com/"):
        assert send(Sender(resolver=resolver), nameless).error == "dns_failed"
    assert ascii_host(urlsplit("https://b\u00fccher.example./")) == "xn--bcher-kva.example."
