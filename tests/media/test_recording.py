"""The WAV's bytes."""

import struct

import numpy as np

from byourside_server.media.recording import HEADER_BYTES, interleave, wav_header


def chunks(data: bytes) -> dict[bytes, tuple[int, bytes]]:
    """RIFF chunks by name, as any player walks them."""
    assert data[:4] == b"RIFF"
    assert data[8:12] == b"WAVE"
    found, at = {}, 12
    while at < len(data):
        name, size = struct.unpack_from("<4sI", data, at)
        found[name] = (size, data[at + 8 : at + 8 + size])
        at += 8 + size
    return found


def test_a_player_finds_stereo_ulaw_at_8_khz() -> None:
    """RFC 2361 appendix A.: tag 7; Microsoft's RIFF paper: other than PCM needs a `fact` chunk."""
    sound = bytes(range(200)) * 2
    data = wav_header(200) + sound
    found = chunks(data)
    assert struct.unpack("<HHIIHHH", found[b"fmt "][1]) == (7, 2, 8000, 16000, 2, 8, 0)
    assert found[b"fact"][1] == struct.pack("<I", 200)
    assert found[b"data"] == (400, sound)
    assert struct.unpack_from("<I", data, 4)[0] == len(data) - 8
    assert len(wav_header(0)) == HEADER_BYTES


def test_left_is_the_contact_and_right_the_agent() -> None:
    contact, agent = np.arange(0, 4, dtype=np.uint8), np.arange(100, 104, dtype=np.uint8)
    assert bytes(interleave(contact, agent)) == bytes([0, 100, 1, 101, 2, 102, 3, 103])


def test_a_recording_beyond_four_gigabytes_keeps_a_valid_header() -> None:
    assert struct.unpack_from("<I", wav_header(1 << 32 - 1), 4)[0] <= 0xFFFFFFFF
