"""The sandbox network as a process of its own: real time, real sockets."""

from __future__ import annotations

import asyncio
import os
import signal
import socket

from byourside_server.sandbox.process import SandboxProcess

OPTIONS = "\r\n".join(
    [
        "OPTIONS sip:x@127.0.0.1 SIP/2.0",
        "Via: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bK{};rport",
        "From: <sip:a@127.0.0.1>;tag=1",
        "To: <sip:x@127.0.0.1>",
        "Call-ID: {}",
        "CSeq: 1 OPTIONS",
        "Max-Forwards: 70",
        "Content-Length: 0",
        "",
        "",
    ]
)


def answers(address: tuple[str, int], name: str) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.settimeout(0.5)
        asker.sendto(OPTIONS.format(name, name).encode(), address)
        try:
            return asker.recv(2000).startswith(b"SIP/2.0 200")
        except TimeoutError:
            return False


def answers_in_time(address: tuple[str, int], name: str) -> bool:
    """Asked again and again for a minute: the machine may be busy with something else."""
    return any(answers(address, f"{name}-{attempt}") for attempt in range(120))


def test_a_network_that_died_is_there_again_under_its_old_address() -> None:
    async def story() -> None:
        sandbox = SandboxProcess(capacity=2)
        address = await sandbox.start()
        first = sandbox.pid
        try:
            assert await asyncio.to_thread(answers_in_time, address, "before")
            os.kill(first, signal.SIGKILL)
            assert await asyncio.to_thread(answers_in_time, address, "after")
            assert sandbox.pid != first
        finally:
            await sandbox.stop()
        assert not await asyncio.to_thread(answers, address, "stopped")

    asyncio.run(story())
