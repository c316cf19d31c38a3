"""When the engine's loop does what it is told."""

from __future__ import annotations

import contextlib
import fcntl
import socket
import time

import numpy as np
import pytest

from byourside_server.lines import media_engine
from byourside_server.lines.media_engine import FEW_ROWS, TICK_S, Orders, Parent, Punctuality
from byourside_server.lines.media_memory import MemoryRows, MemoryWire
from byourside_server.lines.media_room import MediaRoom
from byourside_server.media.messages import AskStats, EngineStats, Open, OpenFailed
from byourside_server.media.wire import encode

# Only the bound of a wait.
PATIENCE_S = 30.0


def orders_of(sent: bytes) -> tuple[Orders, MediaRoom]:
    ours, theirs = socket.socketpair()
    ours.sendall(sent)
    rows = MemoryRows(MemoryWire(), "127.0.0.1")
    room = MediaRoom(4, rows, np.random.default_rng(1), lambda: 0.0, lambda: 0.0)
    orders = Orders(Parent(theirs), room, Punctuality())
    ours.close()
    return orders, room


def test_commands_are_read_but_wait_once_packets_are_due() -> None:
    orders, room = orders_of(encode(Open("a")) + encode(Open("b")))
    orders.obey(until=time.monotonic() - 1)
    assert orders.are_waiting()
    assert len(room.bank.rows) == 0
    orders.obey(until=time.monotonic() + 60)
    assert not orders.are_waiting()
    assert len(room.bank.rows) == 2


def test_a_question_is_answered_once() -> None:
    orders, _ = orders_of(encode(AskStats()))
    orders.obey(until=time.monotonic() + 60)
    assert [type(answer) for answer in orders.answers()] == [EngineStats]
    assert orders.answers() == []


class Sleeper:
    """A clock that moves only where somebody sleeps."""

    def __init__(self) -> None:
        self.now, self.sleeps = 100.0, 0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, wait_s: float) -> None:
        self.now += wait_s
        self.sleeps += 1


@pytest.mark.parametrize(("calls", "wake_ups"), [(1, 1), (FEW_ROWS + 1, 2)])
def test_only_a_crowd_is_woken_up_for_apart_from_its_packets(
    calls: int, wake_ups: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Packets leave at their moment either way, or a little before it."""
    clock, ticks, sent_at = Sleeper(), 10, []
    monkeypatch.setattr(time, "monotonic", clock.monotonic)
    monkeypatch.setattr(time, "sleep", clock.sleep)
    ours, theirs = socket.socketpair()
    rows = MemoryRows(MemoryWire(), "127.0.0.1")
    room = MediaRoom(calls, rows, np.random.default_rng(1), lambda: 0.0, lambda: 0.0)
    for number in range(calls):
        room.handle(Open(f"call-{number}"))

    def send() -> None:
        sent_at.append(clock.now)
        if len(sent_at) == ticks:
            ours.close()

    monkeypatch.setattr(room, "send", send)
    media_engine.run(Parent(theirs), room, Punctuality())
    assert clock.sleeps in range(ticks * wake_ups, (ticks + 1) * wake_ups + 1)
    due_at = 100.0 + TICK_S * np.arange(1, len(sent_at) + 1)
    assert np.allclose(sent_at, due_at, atol=media_engine.SPARED_S)


def test_what_found_no_room_is_told_meanwhile_whatever_number_the_socket_has() -> None:
    """It keeps the one that the server gave it, who may hold thousands of files; select(2) knows 1,024."""
    ours, theirs = socket.socketpair()
    number = fcntl.fcntl(theirs.fileno(), fcntl.F_DUPFD, 1024)
    theirs.close()
    parent = Parent(socket.socket(fileno=number))
    told = encode(OpenFailed("a", "no " * 1_000_000))
    parent.tell([OpenFailed("a", "no " * 1_000_000)])
    ours.setblocking(False)
    heard, give_up_at = 0, time.monotonic() + PATIENCE_S
    while heard < len(told):
        # Nothing, where the machine let the rest pass before it had begun.
        with contextlib.suppress(BlockingIOError):
            came = len(ours.recv(1 << 20))
            assert came
            heard += came
        parent.rest_until(time.monotonic() + 0.002)
        assert time.monotonic() < give_up_at
    ours.close()
