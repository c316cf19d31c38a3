"""The floor in Python: `python -m bench.crowd.rtp_floor CALLS` receives and sends a packet a call and tick.

No jitter buffer, no sound, no judgement: what is left is the price of the sockets. Speaks to the load
generator as `bench.crowd.engine` does.
"""

from __future__ import annotations

import json
import resource
import select
import socket
import sys
import time

from byourside_server.media.rtp import TICK_MS

PACKET = bytes([0x80, 0]) + bytes(170)


def hold(calls: int) -> None:
    """Echo the rhythm until standard input closes."""
    theirs = json.loads(sys.stdin.readline())
    sockets = []
    for port in theirs:
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.setblocking(False)
        sock.bind(("127.0.0.1", 0))
        sock.connect(("127.0.0.1", port))
        sockets.append(sock)
    print(json.dumps([sock.getsockname()[1] for sock in sockets]), flush=True)
    buffer, packet = memoryview(bytearray(1500)), bytearray(PACKET)
    over = select.poll()
    over.register(0, select.POLLIN | select.POLLHUP)
    pairs = [(sock.recv_into, sock.send) for sock in sockets]
    started, used = time.monotonic(), time.process_time()
    deadline, sequence, received = started, 0, 0
    while not over.poll(0):
        packet[2:4] = (sequence & 0xFFFF).to_bytes(2, "big")
        for receive, send in pairs:
            try:
                send(packet)
                receive(buffer)
                received += 1
            except OSError:
                continue
        sequence += 1
        deadline += TICK_MS / 1000
        time.sleep(max(0.0, deadline - time.monotonic()))
    seconds, cpu_s = time.monotonic() - started, time.process_time() - used
    print(
        json.dumps({"seconds": seconds, "engine_cpu_s": cpu_s, "received": received, "ticks": sequence}),
        flush=True,
    )


if __name__ == "__main__":
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    hold(int(sys.argv[1]))
