"""sippy's user agent on its own event loop, calling at a rate; runs in build/sippy."""

from __future__ import annotations

import os
import time

os.environ["SIPLOG_BEND"] = "none"  # no log: ours writes none either

from load import GOODBYES_S, HOLD_S, OFFER, PATIENCE_S, Load, arguments
from sippy.CCEvents import CCEventConnect, CCEventDisconnect, CCEventFail, CCEventTry
from sippy.Core.EventDispatcher import ED2
from sippy.MsgBody import MsgBody
from sippy.SipConf import SipConf
from sippy.SipLogger import SipLogger
from sippy.SipTransactionManager import SipTransactionManager
from sippy.Time.Timeout import Timeout
from sippy.UA import UA


class Caller:
    def __init__(self, load: Load, callee: int, port: int) -> None:
        SipConf.my_address, SipConf.my_port = "127.0.0.1", port
        self.load = load
        self.callee = callee
        self.config = {
            "_sip_address": "127.0.0.1",
            "_sip_port": port,
            "_sip_logger": SipLogger("bench"),
            "nh_addr": ("127.0.0.1", callee),
        }
        self.config["_sip_tm"] = SipTransactionManager(self.config, lambda request, transaction: None)
        self.dialled_at: dict[UA, float] = {}

    def dial_due(self) -> None:
        load = self.load
        for _ in range(load.due()):
            load.dialled += 1
            ua = UA(self.config, self.on_event, nh_address=("127.0.0.1", self.callee))
            self.dialled_at[ua] = time.monotonic()
            ua.recvEvent(CCEventTry((None, "+14155550100", "+14155550123", MsgBody(OFFER), None, None)))
        if load.dialled < load.total:
            next_at = load.began_at + load.dialled / load.rate
            Timeout(self.dial_due, max(next_at - time.monotonic(), 0))

    def on_event(self, event: object, ua: UA) -> None:
        if isinstance(event, CCEventConnect):
            self.load.setups_s.append(time.monotonic() - self.dialled_at.pop(ua))
            Timeout(ua.disconnect, HOLD_S)
        elif isinstance(event, CCEventFail):
            self.load.failed += 1
        elif isinstance(event, CCEventDisconnect):
            self.load.ended += 1
        if self.load.over:
            Timeout(ED2.breakLoop, GOODBYES_S)


def main() -> None:
    given = arguments()
    load = Load(given.rate, given.seconds)
    caller = Caller(load, given.callee, given.port)
    load.begin()
    caller.dial_due()
    ED2.loop(load.seconds + PATIENCE_S)
    print(load.report(), flush=True)
    os._exit(0)  # its threads wait in recvfrom


main()
