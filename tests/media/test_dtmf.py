"""Keys, RFC 4733."""

import numpy as np
import pytest

from byourside_server.media.dtmf import KEYS, KeySender, TelephoneEvent, key_tones, parse_event
from byourside_server.media.g711 import decode_ulaw


@pytest.mark.parametrize("key", KEYS)
def test_every_key_survives_the_line(key: str) -> None:
    event = TelephoneEvent(key, end=True, duration=800)
    assert parse_event(event.to_bytes()) == event


def test_an_event_is_the_four_bytes_of_the_rfc() -> None:
    """RFC 4733 §2.3: event, E bit with reserved bit and volume, duration."""
    assert TelephoneEvent("#", end=True, duration=1600).to_bytes().hex() == "0b" + "8a" + "0640"


NO_KEYS = {"empty": b"", "short": b"\x01\x0a\x00", "flash": b"\x10\x0a\x00\xa0"}


@pytest.mark.parametrize("payload", NO_KEYS.values(), ids=NO_KEYS)
def test_what_is_no_key_is_nothing(payload: bytes) -> None:
    assert parse_event(payload) is None


def test_a_key_grows_for_100_ms_and_ends_three_times() -> None:
    """RFC 4733 §2.5.1.4: the final packet three times; §2.5.1.2: one timestamp for all."""
    sender = KeySender()
    sender.press("5")
    packets = [packet for _ in range(20) if (packet := sender.next_tick()) is not None]
    assert [packet.event.duration for packet in packets] == [160, 320, 480, 640, 800, 800, 800, 800]
    assert [packet.event.end for packet in packets] == [False] * 5 + [True] * 3
    assert [packet.ticks_since_key for packet in packets] == list(range(8))


def test_a_comma_pauses_and_other_characters_do_nothing() -> None:
    sender = KeySender()
    sender.press("x,")
    ticks = 0
    while sender.is_busy():
        assert sender.next_tick() is None
        ticks += 1
    assert ticks == 25


def test_tones_hold_the_two_frequencies_of_the_key() -> None:
    """ITU-T Q.23: 7 is 852 and 1209 Hz."""
    sound = decode_ulaw(key_tones("7"))[:800].astype(float)
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(800), 8000))
    strongest = {round(index, -1) for index in np.argsort(spectrum)[-6:].tolist()}
    assert strongest <= {850, 860, 1210}
    assert {850, 1210} <= strongest
