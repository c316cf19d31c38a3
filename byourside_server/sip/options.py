"""Is the trunk alive? One OPTIONS and its answer (RFC 3261 §11)."""

from __future__ import annotations

from byourside_server.sip.core import Core
from byourside_server.sip.message import Response
from byourside_server.sip.outgoing import TrunkAddress
from byourside_server.sip.timers import GIVE_UP_S
from byourside_server.sip.transaction import ClientTransaction
from byourside_server.sip.trunk_events import OptionsAnswered

_SILENT = "no answer"


def ask_options(core: Core, trunk: TrunkAddress, now: float, timeout_s: float = GIVE_UP_S) -> None:
    """Send one OPTIONS; `OptionsAnswered` follows, exactly once."""
    user = trunk.user or "byourside"
    domain = trunk.domain
    request = core.build(
        "OPTIONS",
        f"sip:{domain}",
        [
            ("From", f"<sip:{user}@{domain}>;tag={core.token(8)}"),
            ("To", f"<sip:{domain}>"),
            ("Call-ID", core.token(16)),
            ("CSeq", "1 OPTIONS"),
            ("Contact", core.contact(user, trunk.hop)),
            ("Accept", "application/sdp"),
            ("User-Agent", core.user_agent),
        ],
    )

    def tell(transaction: ClientTransaction, response: Response | None, at: float) -> None:
        if response is not None and response.status < 200:
            return
        core.alarms.cancel(patience)
        status = None if response is None else response.status
        why = (transaction.failure or _SILENT) if response is None else response.reason
        core.trunk_events.append(OptionsAnswered(trunk, status, at - now, why))

    def give_up(at: float) -> None:
        transaction.abandon()
        core.trunk_events.append(OptionsAnswered(trunk, None, at - now, _SILENT))

    patience = core.alarms.set(now + timeout_s, give_up) if timeout_s < GIVE_UP_S else None
    transaction = core.request(request, trunk.hop, tell, now)
