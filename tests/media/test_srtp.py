"""Encrypted rows between two engines' views of libsrtp, and what an eavesdropper or forger would send."""

import numpy as np
import pytest

from byourside_server.media.messages import PLAIN, Srtp
from byourside_server.media.rtcp import Report
from byourside_server.media.rtp import RtpPacket
from byourside_server.media.srtp import SUITES, SrtpRows

LENGTHS = {"AEAD_AES_256_GCM": 44, "AEAD_AES_128_GCM": 28}


def keys(suite: str, ours: int = 1, theirs: int = 2, mki: bytes = b"") -> Srtp:
    length = LENGTHS.get(suite, 30)
    return Srtp(suite, bytes([ours]) * length, bytes([theirs]) * length, mki)


def rtp(sequence: int) -> bytes:
    return RtpPacket(0, sequence, sequence * 160, 7, bytes(range(160))).to_bytes()


class Pair:
    """Row 1 of one side speaks to row 0 of the other."""

    def __init__(self, suite: str = SUITES[0], mki: bytes = b"") -> None:
        self.near, self.far = SrtpRows(2), SrtpRows(2)
        self.near.set_keys(1, keys(suite, 1, 2))
        self.far.set_keys(0, keys(suite, 2, 1, mki))

    def encrypted(self, sequence: int) -> bytes:
        packets = np.zeros((2, 172), np.uint8)
        packets[1] = np.frombuffer(rtp(sequence), np.uint8)
        instead: dict[int, bytes] = {}
        self.near.protect(packets, instead)
        assert list(instead) == [1]
        return instead[1]

    def heard(self, *data: bytes) -> list[bytes]:
        found = []
        for each in data:
            packets = np.zeros((1, 1500), np.uint8)
            packets[0, : len(each)] = np.frombuffer(each, np.uint8)
            rows, packets, lengths = self.far.unprotect(np.array([0]), packets, np.array([len(each)]))
            found += [packets[index, : lengths[index]].tobytes() for index in range(len(rows))]
        return found


@pytest.mark.parametrize("suite", SUITES)
def test_what_one_side_encrypts_the_other_hears(suite: str) -> None:
    pair = Pair(suite)
    data = pair.encrypted(1)
    assert rtp(1)[12:] not in data
    assert pair.heard(data, pair.encrypted(2)) == [rtp(1), rtp(2)]


@pytest.mark.parametrize("suite", SUITES)
def test_a_changed_packet_is_dropped_and_counted(suite: str) -> None:
    pair = Pair(suite)
    data = bytearray(pair.encrypted(1))
    data[40] ^= 1
    assert pair.heard(bytes(data)) == []
    assert pair.far.rejected[0] == 1


def test_plain_sound_on_an_encrypted_row_is_not_heard() -> None:
    pair = Pair()
    assert pair.heard(rtp(1), b"", b"\x80") == []
    assert pair.far.rejected[0] == 3


def test_a_packet_is_heard_once() -> None:
    """RFC 3711 §3.3.2: replay protection."""
    pair = Pair()
    first = pair.encrypted(1)
    assert pair.heard(first, first) == [rtp(1)]
    assert pair.far.rejected[0] == 1


def test_packets_out_of_order_are_heard() -> None:
    pair = Pair()
    one, two, three = (pair.encrypted(sequence) for sequence in (1, 2, 3))
    assert pair.heard(one, three, two) == [rtp(1), rtp(3), rtp(2)]


@pytest.mark.parametrize("suite", SUITES)
def test_the_number_of_the_key_is_stepped_over(suite: str) -> None:
    """RFC 3711 §3.1: the MKI stands before the tag; with AEAD (RFC 7714 §12) at the end."""
    pair = Pair(suite, mki=b"\0\0\0\1")
    data, tag = pair.encrypted(1), {"AES_CM_128_HMAC_SHA1_80": 10, "AES_CM_128_HMAC_SHA1_32": 4}.get(suite, 0)
    end = len(data) - tag
    assert pair.heard(data[:end] + b"\0\0\0\1" + data[end:]) == [rtp(1)]
    assert pair.heard(data[:end] + b"\0\0\0\2" + data[end:]) == []


def test_a_new_key_of_theirs_leaves_ours_where_it_stood() -> None:
    pair = Pair()
    assert pair.heard(pair.encrypted(1)) == [rtp(1)]
    pair.near.set_keys(1, keys(SUITES[0], 9, 2))
    assert pair.heard(pair.encrypted(2)) == []
    pair.far.set_keys(0, keys(SUITES[0], 2, 9))
    assert pair.heard(pair.encrypted(3)) == [rtp(3)]


def test_a_key_that_stays_keeps_its_replay_window() -> None:
    pair = Pair()
    first = pair.encrypted(1)
    assert pair.heard(first) == [rtp(1)]
    pair.far.set_keys(0, keys(SUITES[0], 5, 1))
    assert pair.heard(first) == []


def test_rows_without_keys_are_left_alone() -> None:
    rows = SrtpRows(2)
    assert not rows
    rows.set_keys(0, keys(SUITES[0]))
    rows.set_keys(0, PLAIN)
    assert not rows
    assert rows.suite(0) == ""


def test_reports_are_encrypted_too() -> None:
    """RFC 3711 §3.4; on the sound's own port they are told by their second byte."""
    pair = Pair()
    report = Report(7, cname="me").to_bytes()
    data = pair.near.protect_report(1, report)
    assert data != report
    assert pair.far.unprotect_report(0, data) == report
    assert pair.heard(pair.near.protect_report(1, report)) == [report]
    assert pair.far.unprotect_report(0, report) is None
    assert pair.far.unprotect_report(1, report) == report
