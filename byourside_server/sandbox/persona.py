"""Who lives in the sandbox: which number rings which simulated person or machine.

One table, PERSONAS, printed in docs/sandbox.md. What they do is told by `people` and `machines`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from byourside_server.sandbox import machines, people
from byourside_server.sandbox.people import Persona

FICTIONAL_NUMBER = re.compile(r"\+1[2-9]\d{2}55501(\d\d)")


@dataclass(frozen=True)
class Phone:
    """How a simulated phone takes a call.

    It rings for `ring_s`; then `persona` answers, or (None) the network refuses with `refusal`. With
    `early_media` the network plays its ringing tone itself (183). `noise_dbfs` is what the line carries
    throughout; speech is at -20 dBFS.
    """

    title: str
    ring_s: float
    persona: Callable[[], Persona] | None = None
    refusal: tuple[int, str, int | None] = (480, "Temporarily Unavailable", 19)
    early_media: bool = False
    noise_dbfs: float | None = None


AGREEABLE_PHONE = Phone("agreeable person", 1.0, people.Agreeable)

# By the last two digits NN of +1 NPA 555 01NN. The third value of a refusal is its Q.850 cause.
PERSONAS: dict[str, Phone] = {
    "40": Phone("no answer", 8.0, None, (480, "Temporarily Unavailable", 19)),
    "41": Phone("busy", 0.5, None, (486, "Busy Here", 17)),
    "42": Phone("voicemail with beep", 1.5, machines.Voicemail),
    "43": Phone("declined", 1.0, None, (603, "Decline", 21)),
    "44": Phone("trunk failure", 0.0, None, (503, "Service Unavailable", 41)),
    "45": Phone("menu of keys", 1.0, machines.MenuOfKeys),
    "46": Phone("call screening", 1.0, machines.Screening),
    "47": Phone("interrupts", 1.0, people.Interrupting),
    "48": Phone("asks not to be called again", 1.0, people.NeverAgain),
    "49": Phone("silent line", 1.0, people.Persona),
    "50": Phone("hangs up mid-call", 1.0, people.LeavingEarly),
    "51": Phone("hold music, then a person", 1.0, people.HoldingFirst),
    "52": Phone("fax", 1.0, machines.Fax),
    "53": Phone("says no", 1.0, people.Refusing),
    "54": Phone("asks what it was told", 1.0, people.Probing),
    "55": Phone("dictates slowly", 1.0, people.Dictating),
    "56": Phone("rings 20 s, then answers", 20.0, people.Agreeable, early_media=True),
    "57": Phone("answers in noise", 1.0, people.Agreeable, noise_dbfs=-35.0),
}


def phone_of(number: str) -> Phone:
    """The phone that rings under `number`: an agreeable person's unless the table lists it."""
    found = FICTIONAL_NUMBER.fullmatch(number)
    return PERSONAS.get(found.group(1), AGREEABLE_PHONE) if found else AGREEABLE_PHONE
