"""The four transaction state machines of RFC 3261 §17 as tables, with the corrections of RFC 6026.

Figures 5 to 8 of the RFC, one table each: (state, what happened) → (next state, what to do). A pair that
stands in no table is absorbed, as the RFC says of retransmissions. `transaction` runs them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

from byourside_server.sip.timers import GIVE_UP_S, T1, T2, T4, TIMER_D_S


class State(Enum):
    CALLING = auto()
    TRYING = auto()
    PROCEEDING = auto()
    COMPLETED = auto()
    CONFIRMED = auto()
    ACCEPTED = auto()
    TERMINATED = auto()


class Happening(Enum):
    # From the wire: responses on the client side, requests on the server side.
    PROVISIONAL = auto()
    SUCCESS = auto()
    FAILURE = auto()
    REQUEST = auto()
    ACK = auto()
    # From our own user, on the server side.
    SEND_PROVISIONAL = auto()
    SEND_SUCCESS = auto()
    SEND_FAILURE = auto()
    # From below.
    RESEND_DUE = auto()
    TIMEOUT = auto()
    LINGER_OVER = auto()
    TRANSPORT_ERROR = auto()


class Do(Enum):
    # Tell the user about the response or the ACK that came.
    PASS_UP = auto()
    # Send what the user gave.
    SEND = auto()
    # Send the last message again.
    RESEND = auto()
    # Send the same, and wait longer for the next time.
    RESEND_AND_BACK_OFF = auto()
    # Acknowledge a failure (client, INVITE).
    ACK = auto()
    # Tell the user that nobody answered in time.
    TELL_TIMEOUT = auto()
    TELL_TRANSPORT_ERROR = auto()


@dataclass(frozen=True)
class Timer:
    """A timer that starts on entering a state."""

    # The RFC's letter.
    letter: str
    happening: Happening
    after_s: float
    # Over a reliable transport: 0 means at once, None means never started (tables of §17).
    reliable_after_s: float | None
    # Longest interval, where it doubles at every ringing.
    cap_s: float | None = None


Step = tuple[State, tuple[Do, ...]]


@dataclass(frozen=True)
class Machine:
    """One figure: its steps, and the timers of each state."""

    initial: State
    steps: Mapping[tuple[State, Happening], Step]
    timers: Mapping[State, tuple[Timer, ...]]
    # Timers of the state before that go on in this one; any other stops when its state is left.
    kept: Mapping[State, frozenset[str]]


_S, _H, _D = State, Happening, Do

TIMER_A = Timer("A", _H.RESEND_DUE, T1, None, cap_s=GIVE_UP_S)
TIMER_B = Timer("B", _H.TIMEOUT, GIVE_UP_S, GIVE_UP_S)
TIMER_D = Timer("D", _H.LINGER_OVER, TIMER_D_S, 0.0)
TIMER_E = Timer("E", _H.RESEND_DUE, T1, None, cap_s=T2)
TIMER_F = Timer("F", _H.TIMEOUT, GIVE_UP_S, GIVE_UP_S)
TIMER_G = Timer("G", _H.RESEND_DUE, T1, None, cap_s=T2)
TIMER_H = Timer("H", _H.TIMEOUT, GIVE_UP_S, GIVE_UP_S)
TIMER_I = Timer("I", _H.LINGER_OVER, T4, 0.0)
TIMER_J = Timer("J", _H.LINGER_OVER, GIVE_UP_S, 0.0)
TIMER_K = Timer("K", _H.LINGER_OVER, T4, 0.0)
TIMER_L = Timer("L", _H.LINGER_OVER, GIVE_UP_S, GIVE_UP_S)
TIMER_M = Timer("M", _H.LINGER_OVER, GIVE_UP_S, GIVE_UP_S)

# Figure 5, with RFC 6026 §7.2's Accepted state. A and B end with Calling: ringing may last for minutes.
INVITE_CLIENT = Machine(
    initial=_S.CALLING,
    steps={
        (_S.CALLING, _H.RESEND_DUE): (_S.CALLING, (_D.RESEND_AND_BACK_OFF,)),
        (_S.CALLING, _H.TIMEOUT): (_S.TERMINATED, (_D.TELL_TIMEOUT,)),
        (_S.CALLING, _H.TRANSPORT_ERROR): (_S.TERMINATED, (_D.TELL_TRANSPORT_ERROR,)),
        (_S.CALLING, _H.PROVISIONAL): (_S.PROCEEDING, (_D.PASS_UP,)),
        (_S.CALLING, _H.SUCCESS): (_S.ACCEPTED, (_D.PASS_UP,)),
        (_S.CALLING, _H.FAILURE): (_S.COMPLETED, (_D.ACK, _D.PASS_UP)),
        (_S.PROCEEDING, _H.PROVISIONAL): (_S.PROCEEDING, (_D.PASS_UP,)),
        (_S.PROCEEDING, _H.SUCCESS): (_S.ACCEPTED, (_D.PASS_UP,)),
        (_S.PROCEEDING, _H.FAILURE): (_S.COMPLETED, (_D.ACK, _D.PASS_UP)),
        (_S.COMPLETED, _H.FAILURE): (_S.COMPLETED, (_D.ACK,)),
        (_S.COMPLETED, _H.TRANSPORT_ERROR): (_S.TERMINATED, ()),
        (_S.COMPLETED, _H.LINGER_OVER): (_S.TERMINATED, ()),
        (_S.ACCEPTED, _H.SUCCESS): (_S.ACCEPTED, (_D.PASS_UP,)),
        (_S.ACCEPTED, _H.LINGER_OVER): (_S.TERMINATED, ()),
    },
    timers={
        _S.CALLING: (TIMER_A, TIMER_B),
        _S.COMPLETED: (TIMER_D,),
        _S.ACCEPTED: (TIMER_M,),
    },
    kept={},
)

# Figure 6. E and F run on through Proceeding, E then at T2.
NON_INVITE_CLIENT = Machine(
    initial=_S.TRYING,
    steps={
        (_S.TRYING, _H.RESEND_DUE): (_S.TRYING, (_D.RESEND_AND_BACK_OFF,)),
        (_S.TRYING, _H.TIMEOUT): (_S.TERMINATED, (_D.TELL_TIMEOUT,)),
        (_S.TRYING, _H.TRANSPORT_ERROR): (_S.TERMINATED, (_D.TELL_TRANSPORT_ERROR,)),
        (_S.TRYING, _H.PROVISIONAL): (_S.PROCEEDING, (_D.PASS_UP,)),
        (_S.TRYING, _H.SUCCESS): (_S.COMPLETED, (_D.PASS_UP,)),
        (_S.TRYING, _H.FAILURE): (_S.COMPLETED, (_D.PASS_UP,)),
        (_S.PROCEEDING, _H.RESEND_DUE): (_S.PROCEEDING, (_D.RESEND_AND_BACK_OFF,)),
        (_S.PROCEEDING, _H.TIMEOUT): (_S.TERMINATED, (_D.TELL_TIMEOUT,)),
        (_S.PROCEEDING, _H.TRANSPORT_ERROR): (_S.TERMINATED, (_D.TELL_TRANSPORT_ERROR,)),
        (_S.PROCEEDING, _H.PROVISIONAL): (_S.PROCEEDING, (_D.PASS_UP,)),
        (_S.PROCEEDING, _H.SUCCESS): (_S.COMPLETED, (_D.PASS_UP,)),
        (_S.PROCEEDING, _H.FAILURE): (_S.COMPLETED, (_D.PASS_UP,)),
        (_S.COMPLETED, _H.LINGER_OVER): (_S.TERMINATED, ()),
    },
    timers={
        _S.TRYING: (TIMER_E, TIMER_F),
        _S.PROCEEDING: (Timer("E", _H.RESEND_DUE, T2, None, cap_s=T2),),
        _S.COMPLETED: (TIMER_K,),
    },
    kept={_S.PROCEEDING: frozenset({"F"})},
)

# Figure 7, with RFC 6026 §7.1's Accepted state: retransmitted INVITEs are absorbed there, and the user
# resends the 2xx itself until the ACK comes (§13.3.1.4).
INVITE_SERVER = Machine(
    initial=_S.PROCEEDING,
    steps={
        (_S.PROCEEDING, _H.REQUEST): (_S.PROCEEDING, (_D.RESEND,)),
        (_S.PROCEEDING, _H.SEND_PROVISIONAL): (_S.PROCEEDING, (_D.SEND,)),
        (_S.PROCEEDING, _H.SEND_SUCCESS): (_S.ACCEPTED, (_D.SEND,)),
        (_S.PROCEEDING, _H.SEND_FAILURE): (_S.COMPLETED, (_D.SEND,)),
        (_S.ACCEPTED, _H.SEND_SUCCESS): (_S.ACCEPTED, (_D.SEND,)),
        (_S.ACCEPTED, _H.ACK): (_S.ACCEPTED, (_D.PASS_UP,)),
        (_S.ACCEPTED, _H.LINGER_OVER): (_S.TERMINATED, ()),
        (_S.COMPLETED, _H.REQUEST): (_S.COMPLETED, (_D.RESEND,)),
        (_S.COMPLETED, _H.RESEND_DUE): (_S.COMPLETED, (_D.RESEND_AND_BACK_OFF,)),
        (_S.COMPLETED, _H.TIMEOUT): (_S.TERMINATED, ()),
        (_S.COMPLETED, _H.ACK): (_S.CONFIRMED, ()),
        (_S.CONFIRMED, _H.LINGER_OVER): (_S.TERMINATED, ()),
    },
    timers={
        _S.ACCEPTED: (TIMER_L,),
        _S.COMPLETED: (TIMER_G, TIMER_H),
        _S.CONFIRMED: (TIMER_I,),
    },
    kept={},
)

# Figure 8.
NON_INVITE_SERVER = Machine(
    initial=_S.TRYING,
    steps={
        (_S.TRYING, _H.SEND_PROVISIONAL): (_S.PROCEEDING, (_D.SEND,)),
        (_S.TRYING, _H.SEND_SUCCESS): (_S.COMPLETED, (_D.SEND,)),
        (_S.TRYING, _H.SEND_FAILURE): (_S.COMPLETED, (_D.SEND,)),
        (_S.PROCEEDING, _H.REQUEST): (_S.PROCEEDING, (_D.RESEND,)),
        (_S.PROCEEDING, _H.SEND_PROVISIONAL): (_S.PROCEEDING, (_D.SEND,)),
        (_S.PROCEEDING, _H.SEND_SUCCESS): (_S.COMPLETED, (_D.SEND,)),
        (_S.PROCEEDING, _H.SEND_FAILURE): (_S.COMPLETED, (_D.SEND,)),
        (_S.COMPLETED, _H.REQUEST): (_S.COMPLETED, (_D.RESEND,)),
        (_S.COMPLETED, _H.LINGER_OVER): (_S.TERMINATED, ()),
    },
    timers={_S.COMPLETED: (TIMER_J,)},
    kept={},
)
