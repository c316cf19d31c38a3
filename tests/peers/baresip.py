"""baresip as the phone that is called, driven over its control port (netstrings of JSON).

`bob` picks up at once, so does `erin`, in A-law only; `carol` waits to be told; `dave` speaks SRTP where he
is offered it. All play one WAV from the moment they pick up, and what they hear is written to a file.
"""

from __future__ import annotations

import contextlib
import json
import socket
import time
import wave
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tests.peers.office import RATE_HZ, Sound
from tests.peers.process import Peer, free_port, listens_on_tcp, program, running, udp_ports

HOST = "127.0.0.1"
MODULES = Path("/usr/lib/baresip/modules")
PATIENCE_S = 12.0
ACCOUNTS = {
    "bob": "answermode=auto;audio_codecs=PCMU,PCMA",
    "carol": "answermode=manual;audio_codecs=PCMU,PCMA",
    "dave": "answermode=auto;audio_codecs=PCMU;mediaenc=srtp",
    "erin": "answermode=auto;audio_codecs=PCMA",
}
# baresip ends a call whose WAV is at its end; this much silence follows the words.
SILENCE_AFTER_S = 60.0


@dataclass
class Baresip:
    """A phone that is switched on."""

    peer: Peer
    folder: Path
    port: int
    control: socket.socket
    """Its control port, connected."""
    events: list[dict[str, Any]] = field(default_factory=list)
    _unread: bytes = b""
    _answers: list[dict[str, Any]] = field(default_factory=list)

    def command(self, name: str, params: str = "") -> str:
        """Have it do something; what it says about it."""
        sent = json.dumps({"command": name, "params": params, "token": name}).encode()
        self.control.sendall(b"%d:%s," % (len(sent), sent))
        until = time.monotonic() + PATIENCE_S
        while not self._answers:
            self._read(until)
        answer = self._answers.pop(0)
        assert answer["token"] == name
        return str(answer["data"])

    def wait_for(self, event: str, count: int = 1) -> dict[str, Any]:
        """The count-th event of that type since `forget`."""
        until = time.monotonic() + PATIENCE_S
        while len(found := [each for each in self.events if each.get("type") == event]) < count:
            self._read(until)
        return found[count - 1]

    def forget(self, user: str) -> None:
        """Calls that were are over: begin with an empty page; commands are for this account from now on."""
        self.command("uafind", f"sip:{user}@{HOST}:{self.port}")
        with contextlib.suppress(TimeoutError):
            while True:
                self._read(time.monotonic() + 0.01)
        self.events.clear()
        for file in (self.folder / "dump").iterdir():
            file.unlink()

    @property
    def heard(self) -> Sound:
        """What it heard on the latest call, from its answer on."""
        [*_, file] = sorted((self.folder / "dump").glob("*-dec.wav"), key=lambda path: path.stat().st_mtime)
        return read_wav(file)

    def _read(self, until: float) -> None:
        self.control.settimeout(max(0.001, until - time.monotonic()))
        piece = self.control.recv(65_536)
        assert piece, f"baresip hung up its control port: {self.peer.log}"
        self._unread += piece
        while b":" in self._unread:
            length, _, rest = self._unread.partition(b":")
            if len(rest) <= int(length):
                return
            self._unread = rest[int(length) + 1 :]
            message = json.loads(rest[: int(length)])
            (self._answers if message.get("response") else self.events).append(message)


def write_wav(path: Path, samples: Sound) -> None:
    """16 bit, mono, 8 kHz."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(samples.astype("<i2").tobytes())


def read_wav(path: Path) -> Sound:
    """The samples of a 16 bit WAV, whatever length its header claims: the writer may not have finished."""
    data = path.read_bytes()
    start = data.index(b"data") + 8
    return np.frombuffer(data[start : start + (len(data) - start) // 2 * 2], "<i2").astype(np.float64)


@contextlib.contextmanager
def baresip(folder: Path, words: Sound) -> Iterator[Baresip]:
    """A phone that says these words to whoever calls."""
    command = program("baresip", "baresip-core")
    (folder / "dump").mkdir(parents=True, exist_ok=True)
    port, control_port = free_port(), free_port()
    rtp_port = free_port() & ~1
    write_wav(folder / "say.wav", np.concatenate([words, np.zeros(round(SILENCE_AFTER_S * RATE_HZ))]))
    settings = {
        "sip_listen": f"{HOST}:{port}",
        "net_interface": HOST,
        "ctrl_tcp_listen": f"{HOST}:{control_port}",
        "rtp_ports": f"{rtp_port}-{min(rtp_port + 400, 65_534)}",
        "audio_source": f"aufile,{folder}/say.wav",
        "audio_player": f"aufile,{folder}/played.wav",
        "audio_alert": f"aufile,{folder}/alert.wav",
        "ausrc_format": "s16",
        "auplay_format": "s16",
        "auenc_format": "s16",
        "audec_format": "s16",
        "audio_buffer": "20-160",
        "jitter_buffer_delay": "1-5",
        "call_max_calls": "16",
        "call_local_timeout": "60",
        "module_path": str(MODULES),
        "snd_path": f"{folder}/dump",
    }
    lines = [f"{name} {value}" for name, value in settings.items()]
    lines += [f"module {name}.so" for name in ("g711", "aufile", "sndfile", "srtp", "debug_cmd")]
    lines += ["module_tmp uuid.so", "module_tmp account.so", "module_app menu.so", "module_app ctrl_tcp.so"]
    (folder / "config").write_text("\n".join(lines) + "\n")
    accounts = [f"<sip:{name}@{HOST}:{port}>;regint=0;{manner}" for name, manner in ACCOUNTS.items()]
    (folder / "accounts").write_text("\n".join(accounts) + "\n")
    (folder / "contacts").write_text("")
    with running([command, "-f", str(folder)], folder) as peer:
        peer.wait_until(lambda: port in udp_ports() and listens_on_tcp(control_port))
        with socket.create_connection((HOST, control_port)) as control:
            yield Baresip(peer, folder, port, control)
