"""SRTP of the rows that have keys (RFC 3711), by libsrtp.

Knows packets, keys and rows. Rows without keys never come here. Encrypting and checking a packet of 172
bytes takes libsrtp about 2 µs each way; what fails authentication or was seen before is dropped and counted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pylibsrtp

from byourside_server.media.g711 import Bytes
from byourside_server.media.jitter import Ints, Rows
from byourside_server.media.messages import PLAIN, Srtp
from byourside_server.media.rtp import is_rtcp


@dataclass(frozen=True)
class _Profile:
    number: int
    trailer_bytes: int
    """Authentication tag at the end of an SRTP packet, behind the MKI; with AEAD the MKI comes last."""
    trailer_rtcp_bytes: int


_P = pylibsrtp.Policy
# RFC 4568 §6.2 and RFC 3711 §5.2: SRTCP carries 80 bits even under …_32. RFC 7714 §8.1: no tag of its own.
_PROFILES = {
    "AES_CM_128_HMAC_SHA1_80": _Profile(_P.SRTP_PROFILE_AES128_CM_SHA1_80, 10, 10),
    "AES_CM_128_HMAC_SHA1_32": _Profile(_P.SRTP_PROFILE_AES128_CM_SHA1_32, 4, 10),
    "AEAD_AES_128_GCM": _Profile(_P.SRTP_PROFILE_AEAD_AES_128_GCM, 0, 0),
    "AEAD_AES_256_GCM": _Profile(_P.SRTP_PROFILE_AEAD_AES_256_GCM, 0, 0),
}
SUITES = tuple(_PROFILES)
REPLAY_WINDOW = 128
"""Packets; RFC 3711 §3.3.2 asks for at least 64."""


class _RowKeys:
    """Both directions of one row."""

    def __init__(self, keys: Srtp) -> None:
        self.keys = keys
        self._profile = _PROFILES[keys.suite]
        self._sending = self._session(keys.send_key, _P.SSRC_ANY_OUTBOUND)
        self._receiving = self._session(keys.receive_key, _P.SSRC_ANY_INBOUND)

    def change(self, keys: Srtp) -> None:
        """A direction whose key stays goes on as it is: its packet counter and replay window hold."""
        if keys.send_key != self.keys.send_key:
            self._sending = self._session(keys.send_key, _P.SSRC_ANY_OUTBOUND)
        if keys.receive_key != self.keys.receive_key:
            self._receiving = self._session(keys.receive_key, _P.SSRC_ANY_INBOUND)
        self.keys = keys

    def protect(self, packet: bytes) -> bytes:
        return self._sending.protect(packet)

    def protect_report(self, packet: bytes) -> bytes:
        return self._sending.protect_rtcp(packet)

    def unprotect(self, packet: bytes) -> bytes:
        """Raises pylibsrtp.Error or ValueError; nothing of the packet is to be believed then."""
        if is_rtcp(packet):
            return self._receiving.unprotect_rtcp(self._without_mki(packet, self._profile.trailer_rtcp_bytes))
        return self._receiving.unprotect(self._without_mki(packet, self._profile.trailer_bytes))

    def _without_mki(self, packet: bytes, trailer_bytes: int) -> bytes:
        """RFC 3711 §3.1: the MKI is not authenticated; there is only one key it could mean."""
        mki = self.keys.receive_mki
        if not mki:
            return packet
        end = len(packet) - trailer_bytes
        if packet[max(0, end - len(mki)) : end] != mki:
            raise ValueError("the packet names another key")
        return packet[: end - len(mki)] + packet[end:]

    def _session(self, key: bytes, direction: int) -> pylibsrtp.Session:
        policy = _P(key=key, ssrc_type=direction, srtp_profile=self._profile.number)
        policy.window_size = REPLAY_WINDOW
        return pylibsrtp.Session(policy)


class SrtpRows:
    def __init__(self, capacity: int) -> None:
        self._rows: dict[int, _RowKeys] = {}
        self._has_keys = np.zeros(capacity, np.bool_)
        self.rejected = np.zeros(capacity, np.int64)
        """Packets that were not what they claimed to be, or came twice."""

    def __bool__(self) -> bool:
        return bool(self._rows)

    def set_keys(self, row: int, keys: Srtp) -> None:
        """Encrypt the row with these keys from now on, or (PLAIN) no longer."""
        present = self._rows.get(row)
        if keys == PLAIN:
            self._drop(row)
        elif present is None or present.keys.suite != keys.suite:
            self._rows[row] = _RowKeys(keys)
            self._has_keys[row] = True
        else:
            present.change(keys)

    def forget(self, row: int) -> None:
        """The row's line is over: nothing stays, counts included."""
        self._drop(row)
        self.rejected[row] = 0

    def suite(self, row: int) -> str:
        """Empty where the row is not encrypted."""
        return self._rows[row].keys.suite if row in self._rows else ""

    def _drop(self, row: int) -> None:
        self._rows.pop(row, None)
        self._has_keys[row] = False

    def protect(self, packets: Bytes, instead: dict[int, bytes]) -> None:
        """Put into `instead` the encrypted form of every packet of a row with keys."""
        for row, keys in self._rows.items():
            plain = instead.get(row)
            instead[row] = keys.protect(packets[row].tobytes() if plain is None else plain)

    def unprotect(self, rows: Rows, packets: Bytes, lengths: Ints) -> tuple[Rows, Bytes, Ints]:
        """Decrypt in place; what can't be believed is left out of what is returned."""
        secure = np.flatnonzero(self._has_keys[rows])
        if not len(secure):
            return rows, packets, lengths
        kept = np.ones(len(rows), np.bool_)
        for index in secure.tolist():
            row = int(rows[index])
            plain = self._open(row, packets[index, : lengths[index]].tobytes())
            if plain is None:
                kept[index] = False
                continue
            packets[index, : len(plain)] = np.frombuffer(plain, np.uint8)
            lengths[index] = len(plain)
        if kept.all():
            return rows, packets, lengths
        return rows[kept], packets[kept], lengths[kept]

    def protect_report(self, row: int, packet: bytes) -> bytes:
        keys = self._rows.get(row)
        return packet if keys is None else keys.protect_report(packet)

    def unprotect_report(self, row: int, packet: bytes) -> bytes | None:
        """The report, or None where a row with keys got one that can't be believed."""
        return packet if row not in self._rows else self._open(row, packet)

    def _open(self, row: int, packet: bytes) -> bytes | None:
        try:
            return self._rows[row].unprotect(packet)
        except (pylibsrtp.Error, ValueError):
            self.rejected[row] += 1
            return None
