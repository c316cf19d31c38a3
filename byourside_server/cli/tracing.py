"""The SIP trace of a call at the terminal: text to read, or a capture file; needs no running server."""

from __future__ import annotations

import re
import sys
from argparse import Namespace
from pathlib import Path

from byourside_server.cli.terminal import say
from byourside_server.config import Config
from byourside_server.errors import ConfigError
from byourside_server.lines.sip_traces import read_trace, trace_path
from byourside_server.sip import pcap
from byourside_server.sip.trace import as_text

# A call's id is a file's name here, so nothing else may pass.
CALL_ID = re.compile(r"[0-9A-Za-z-]{1,64}")


def sip_trace(config: Config, given: Namespace) -> int:
    """Print a call's SIP messages, or write them to a capture file."""
    call_id: str = given.call_id
    if not CALL_ID.fullmatch(call_id):
        raise ConfigError(f"{call_id!r} is no call's id: it is the `callId` that the POST answered with")
    passages = read_trace(trace_path(config.traces_dir, call_id))
    if not passages:
        raise ConfigError(
            f"{config.traces_dir} holds no trace of {call_id}: it was not dialled yet, `sip_trace` is false, "
            "or --data-dir is another server's"
        )
    if given.hide_numbers:
        passages = [passage.without_numbers for passage in passages]
    if given.pcap is None:
        # Bytes of a peer that are no UTF-8 are shown escaped, as over HTTP.
        sys.stdout.write(as_text(call_id, passages).encode("utf-8", "backslashreplace").decode())
        sys.stdout.flush()
        return 0
    target = Path(given.pcap)
    try:
        target.write_bytes(pcap.as_pcap(passages))
    except OSError as error:
        raise ConfigError(f"{target} was not written: {error.strerror or error}") from None
    say(f"{len(passages)} messages are in {target}")
    return 0
