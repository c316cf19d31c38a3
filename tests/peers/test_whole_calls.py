"""The whole server against phones and a carrier of other people: from POST to the finished record.

One server, two trunks. A carrier (kamailio, TLS, digest) demands SRTP; behind it baresip plays a person
who says yes. The other is sipp, which is busy. Both calls at once: real time is spent once.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.media.bank_kit import silence
from tests.peers import sipp as play
from tests.peers.baresip import baresip
from tests.peers.kamailio import HOST, PASSWORD, REALM, USER, kamailio
from tests.peers.office import wave_of
from tests.peers.process import wait_for
from tests.peers.sipp import sipp
from tests.peers.test_baresip import clip_of
from tests.walks.conftest import README_CALL
from tests.walks.house import House, disturbance, wait_for_end, was_disturbed

ANSWERED, BUSY = "+14155550123", "+442079460123"
# How often the answered call is placed anew where this machine disturbed it: it is alone, beside other tests.
AGAIN = 4
# What the person says, and when: the agent's sentences are as long as its voice makes them.
SAID = ((0.6, "Hello, this is John."), (13.5, "Yes, that works for me."), (20.0, "No thank you."))
CONFIG = """\
[trunks.carrier]
host = "{host}"
port = {tls_port}
transport = "tls"
ca_file = "{certificate}"
domain = "{realm}"
user = "{user}"
password = "{password}"
srtp = "required"

[trunks.busy]
host = "{host}"
port = {sipp_port}
prefixes = ["+44"]
options_every_s = 0
"""


@dataclass(frozen=True)
class Calls:
    """Both records, and the server that made them."""

    records: dict[str, dict[str, Any]]
    client: httpx.Client
    sipp_verdict: str


def person() -> bytes:
    """What is said at its moments, as one stretch of sound."""
    sound = b""
    for at_s, text in SAID:
        sound += silence(at_s - len(sound) / 8000) + clip_of(text).ulaw
    return sound


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Calls]:
    folder = tmp_path_factory.mktemp("whole")
    busy = play.invited() + play.reply(486, "Busy Here", again=True) + play.expect("ACK")
    with (
        baresip(folder / "baresip", wave_of(person())) as phone,
        kamailio(folder / "kamailio", f"dave@{HOST}:{phone.port}") as carrier,
        sipp(folder / "sipp", busy) as busy_phone,
    ):
        house = House(folder / "data")
        house.data_dir.mkdir()
        (house.data_dir / "config.toml").write_text(
            CONFIG.format(
                host=HOST,
                tls_port=carrier.tls_port,
                certificate=carrier.certificate,
                realm=REALM,
                user=USER,
                password=PASSWORD,
                sipp_port=busy_phone.port,
            )
        )
        house.start()
        try:
            with house.client(house.make_key()) as client:
                ids = {to: place(client, to) for to in (ANSWERED, BUSY)}
                records = {to: wait_for_end(client, call_id) for to, call_id in ids.items()}
                for _ in range(AGAIN):
                    if was_disturbed(records[ANSWERED]):
                        again = wait_for_end(client, place(client, ANSWERED))
                        records[ANSWERED] = min(records[ANSWERED], again, key=disturbance)
                yield Calls(records, client, busy_phone.verdict())
        finally:
            assert house.stop() == 0, house.log()


def place(client: httpx.Client, to: str) -> str:
    answer = client.post("/v1/agent/calls", json={**README_CALL, "to": to})
    assert answer.status_code == 200, answer.text
    call_id: str = answer.json()["callId"]
    return call_id


def test_the_call_is_completed_with_what_was_said_and_what_it_means(calls: Calls) -> None:
    record = calls.records[ANSWERED]
    assert record["status"] == "completed", record
    assert record["sip"]["status"] == 200
    said = [turn["text"].lower() for turn in record["turns"] if turn["role"] == "contact"]
    assert said[:2] == ["hello this is john", "yes that works for me"]
    assert record["extracted"]["confirmed"] is True
    assert record["objectiveMet"] == "yes"


def test_a_busy_phone_is_declined_and_sipp_is_content(calls: Calls) -> None:
    record = calls.records[BUSY]
    assert (record["status"], record["sip"]["status"]) == ("declined", 486)
    assert record["turns"] == []
    assert calls.sipp_verdict == "as expected"


def test_the_trace_of_the_call_shows_every_message_and_no_secret(calls: Calls, tmp_path: Path) -> None:
    path = f"/v1/agent/calls/{calls.records[ANSWERED]['id']}/sip-trace"
    # The last messages are written a second later at the most.
    wait_for(lambda: "  BYE sip:" in calls.client.get(path).text, "no BYE in the trace")
    text = calls.client.get(path).text
    # The registered user's name, the password, and key material are nowhere.
    assert USER not in text.replace(REALM, "")
    assert "inline:*" in text
    assert " TLS " in text
    capture = calls.client.get(path, params={"format": "pcap"})
    assert capture.status_code == 200
    tshark = shutil.which("tshark")
    if tshark is None:
        pytest.skip("no tshark (Debian: apt install tshark)")
    file = tmp_path / "call.pcap"
    file.write_bytes(capture.content)
    fields = ["-T", "fields", "-e", "sip.Method", "-e", "sip.Status-Code"]
    done = subprocess.run([tshark, "-r", str(file), *fields], capture_output=True, text=True, check=True)
    shown = done.stdout.split()
    assert shown[0] == "INVITE"
    assert shown.index("407") < shown.index("ACK") < shown.index("180") < shown.index("BYE")
    assert shown.count("INVITE") == 2
