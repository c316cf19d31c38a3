"""Session descriptions and the offer/answer of one audio stream (RFC 8866, RFC 3264).

Reads any description line by line, understands audio over RTP, and answers every other stream with port 0.
Knows no SIP. Codecs are named as in RFC 3551; the house speaks PCMU and PCMA with RFC 4733 events.
Keys for SRTP are read and agreed on in `sdp_crypto`.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, cast

from byourside_server.sip.sdp_crypto import MOST_CRYPTO_LINES, Crypto, SrtpPolicy, choose, parse_crypto

Direction = Literal["sendrecv", "sendonly", "recvonly", "inactive"]

MAX_SDP = 16 * 1024
MAX_STREAMS = 16
MAX_FORMATS = 64
_SECURE_PROFILES = ("RTP/SAVP", "RTP/SAVPF")
_RTP_PROFILES = ("RTP/AVP", "RTP/AVPF", *_SECURE_PROFILES)
_DIRECTIONS = ("sendrecv", "sendonly", "recvonly", "inactive")
# RFC 3264 §6.1: what the answerer says to each of the offerer's directions.
_ANSWERING: dict[str, Direction] = {
    "sendrecv": "sendrecv",
    "sendonly": "recvonly",
    "recvonly": "sendonly",
    "inactive": "inactive",
}


class SdpError(ValueError):
    """Not a description, or none that both sides can meet in."""


@dataclass(frozen=True)
class Codec:
    """One RTP payload format."""

    payload_type: int
    name: str
    rate_hz: int = 8000
    fmtp: str | None = None

    @property
    def is_telephone_event(self) -> bool:
        return self.name.lower() == "telephone-event"

    def same_format(self, other: Codec) -> bool:
        return (self.name.lower(), self.rate_hz) == (other.name.lower(), other.rate_hz)


PCMU = Codec(0, "PCMU")
PCMA = Codec(8, "PCMA")
TELEPHONE_EVENT = Codec(101, "telephone-event", fmtp="0-16")
OUR_CODECS = (PCMU, PCMA, TELEPHONE_EVENT)
# RFC 3551 table 4: the payload types that need no rtpmap, as far as telephones use them.
_STATIC = {
    codec.payload_type: codec
    for codec in (PCMU, Codec(3, "GSM"), Codec(4, "G723"), PCMA, Codec(9, "G722"), Codec(18, "G729"))
}


@dataclass(frozen=True)
class Stream:
    """One m= section."""

    kind: str
    port: int
    protocol: str
    # Payload types or formats as they stand in the m= line.
    formats: tuple[str, ...]
    codecs: tuple[Codec, ...] = ()
    # Where the stream's own c= line says so; else the session's holds.
    host: str | None = None
    direction: Direction = "sendrecv"
    ptime_ms: int | None = None
    # RFC 4568; under RTP/AVP an offer of best effort.
    crypto: tuple[Crypto, ...] = ()
    # RFC 3605: where RTCP goes, where that is not the port after; RFC 5761: on the same port as RTP.
    rtcp_port: int | None = None
    rtcp_mux: bool = False

    @property
    def is_rtp_audio(self) -> bool:
        return self.kind == "audio" and self.protocol in _RTP_PROFILES

    @property
    def demands_srtp(self) -> bool:
        return self.protocol in _SECURE_PROFILES


@dataclass(frozen=True)
class Sdp:
    """A session description."""

    host: str
    streams: tuple[Stream, ...]
    session_id: int = 1
    version: int = 1
    origin_host: str | None = None

    @property
    def audio(self) -> Stream | None:
        """The first audio stream over RTP that is not switched off."""
        return next((stream for stream in self.streams if stream.is_rtp_audio and stream.port), None)

    def encode(self) -> bytes:
        origin = self.origin_host or self.host
        lines = [
            "v=0",
            f"o=- {self.session_id} {self.version} IN {_family(origin)} {origin}",
            "s=-",
            f"c=IN {_family(self.host)} {self.host}",
            "t=0 0",
        ]
        for stream in self.streams:
            lines += _stream_lines(stream)
        return ("\r\n".join(lines) + "\r\n").encode("utf-8", "surrogateescape")


@dataclass(frozen=True)
class Chosen:
    """Where to send sound and in which format: what an answer (or an offer, by its first choice) says."""

    host: str
    port: int
    codec: str
    payload_type: int
    dtmf_payload_type: int | None
    ptime_ms: int
    direction: Direction
    # The port of their RTCP; the same as `port` where it shares it.
    rtcp_port: int
    # Their keys, and whether their profile leaves no choice about them.
    crypto: tuple[Crypto, ...] = ()
    demands_srtp: bool = False

    @property
    def is_nowhere(self) -> bool:
        """RFC 3264 §8.4: the old way to hold a call is to name no address."""
        return self.host in ("0.0.0.0", "::")


def offer(
    host: str,
    port: int,
    codecs: Sequence[Codec] = OUR_CODECS,
    *,
    ptime_ms: int = 20,
    direction: Direction = "sendrecv",
    session_id: int = 1,
    version: int = 1,
    srtp: SrtpPolicy = "off",
    crypto: Sequence[Crypto] = (),
) -> Sdp:
    """One audio stream, codecs in order of preference.

    `crypto` are our keys (`sdp_crypto.make_crypto`), offered as `srtp` says: not at all, as best effort
    under RTP/AVP, or as a condition under RTP/SAVP (docs/decisions/srtp-offer.md).
    """
    assert srtp == "off" or crypto, "an offer of SRTP needs keys"
    formats = tuple(str(codec.payload_type) for codec in codecs)
    profile = "RTP/SAVP" if srtp == "required" else "RTP/AVP"
    stream = Stream("audio", port, profile, formats, tuple(codecs), None, direction, ptime_ms)
    if srtp != "off":
        stream = replace(stream, crypto=tuple(crypto))
    return Sdp(host, (stream,), session_id, version)


def answering(direction: Direction) -> Direction:
    """RFC 3264 §6.1: what is said to a direction by one who wants all that is left."""
    return _ANSWERING[direction]


def answer(
    offered: Sdp,
    host: str,
    port: int,
    codecs: Sequence[Codec] = OUR_CODECS,
    *,
    prefer: str | None = None,
    ptime_ms: int = 20,
    session_id: int = 1,
    version: int = 1,
    srtp: SrtpPolicy = "off",
    crypto: Sequence[Crypto] = (),
) -> Sdp:
    """The first common codec in the offerer's order (or `prefer`, if offered) and its telephone events.

    Every stream of the offer is answered in its place; all but the first usable one are refused with
    port 0 (RFC 3264 §6). Raises SdpError without a common codec. `crypto` are our keys, at most one for each
    suite, of which the answer takes one where SRTP is offered and not `off`.
    """
    heard = _answerable(offered, srtp, crypto)
    common = [
        replace(codec, fmtp=ours.fmtp) for codec in heard.codecs for ours in codecs if codec.same_format(ours)
    ]
    voices = [codec for codec in common if not codec.is_telephone_event]
    if not voices:
        raise SdpError("the offer and we have no codec in common")
    voice = next((codec for codec in voices if prefer and codec.name.lower() == prefer.lower()), voices[0])
    agreed = (voice, *[codec for codec in common if codec.is_telephone_event][:1])
    accepted = Stream(
        "audio",
        port,
        heard.protocol,
        tuple(str(codec.payload_type) for codec in agreed),
        agreed,
        None,
        _ANSWERING[heard.direction],
        ptime_ms,
        tuple(line for line in [_our_crypto(heard, srtp, crypto)] if line is not None),
        rtcp_mux=heard.rtcp_mux,
    )
    streams = tuple(
        accepted if stream is heard else Stream(stream.kind, 0, stream.protocol, stream.formats[:1])
        for stream in offered.streams
    )
    return Sdp(host, streams, session_id, version)


def _our_crypto(heard: Stream, srtp: SrtpPolicy, crypto: Sequence[Crypto]) -> Crypto | None:
    return None if srtp == "off" else choose(heard.crypto, crypto)


def _answerable(offered: Sdp, srtp: SrtpPolicy, crypto: Sequence[Crypto]) -> Stream:
    """The stream to take: one with SRTP before one without, where both are offered and it is not off."""
    streams = [stream for stream in offered.streams if stream.is_rtp_audio and stream.port]
    if not streams:
        raise SdpError("the offer has no audio over RTP")
    secure = [stream for stream in streams if _our_crypto(stream, srtp, crypto) is not None]
    plain = [stream for stream in streams if not stream.demands_srtp]
    if srtp == "required" and not secure:
        raise SdpError("the offer has no SRTP with a suite known here, and SRTP is required")
    if not secure and not plain:
        raise SdpError("the offer demands SRTP, which is off here or has no suite in common")
    return (secure or plain)[0]


def chosen(description: Sdp) -> Chosen:
    """Their address and the first codec that is ours. Raises SdpError where there is none.

    A name in place of an address (RFC 8866 §5.7 allows it) is refused: whoever sends 50 packets a second for
    every call at once can't wait for somebody's name server.
    """
    audio = description.audio
    if audio is None:
        raise SdpError("no audio stream is switched on")
    ours = [codec for codec in audio.codecs if any(codec.same_format(known) for known in OUR_CODECS)]
    voice = next((codec for codec in ours if not codec.is_telephone_event), None)
    if voice is None:
        raise SdpError("none of the codecs is PCMU or PCMA")
    events = next((codec.payload_type for codec in ours if codec.is_telephone_event), None)
    host = audio.host or description.host
    try:
        ipaddress.ip_address(host)
    except ValueError:
        raise SdpError(f"c= line names {host[:64]!r}, which is no address") from None
    return Chosen(
        host,
        audio.port,
        voice.name.upper(),
        voice.payload_type,
        events,
        audio.ptime_ms or 20,
        audio.direction,
        audio.port if audio.rtcp_mux else audio.rtcp_port or min(audio.port + 1, 65535),
        audio.crypto,
        audio.demands_srtp,
    )


def parse(body: bytes) -> Sdp:
    """Read a description; unknown lines and attributes are passed over. Raises SdpError."""
    if len(body) > MAX_SDP:
        raise SdpError("description is larger than 16 KiB")
    text = body.decode("utf-8", "surrogateescape").replace("\r\n", "\n")
    lines = [line for line in text.split("\n") if line]
    if not lines or lines[0].rstrip() != "v=0":
        raise SdpError("description does not start with v=0")
    session: list[str] = []
    sections: list[list[str]] = []
    for line in lines[1:]:
        if line[1:2] != "=":
            raise SdpError(f"line {line[:16]!r} is not letter=value")
        if line[0] == "m":
            sections.append([line])
        else:
            (sections[-1] if sections else session).append(line)
    if len(sections) > MAX_STREAMS:
        raise SdpError("more than 16 streams")
    host, origin, session_id, version = None, None, 1, 1
    for line in session:
        if line[0] == "c":
            host = _connection(line[2:])
        elif line[0] == "o":
            origin, session_id, version = _origin(line[2:])
    direction = _direction_of(session, "sendrecv")
    ptime_ms = _ptime_of(session)
    streams = tuple(_parse_stream(section, direction, ptime_ms) for section in sections)
    if host is None:
        # RFC 8866 §5.7: without a session c= line, every stream must have its own.
        if any(stream.host is None and stream.port for stream in streams):
            raise SdpError("no c= line says where to send")
        host = next((stream.host for stream in streams if stream.host), origin or "0.0.0.0")
    return Sdp(host, streams, session_id, version, origin)


def _parse_stream(section: list[str], direction: Direction, ptime_ms: int | None) -> Stream:
    words = section[0][2:].split()
    if len(words) < 4:
        raise SdpError("m= line is not media, port, protocol, formats")
    kind, port_text, protocol, formats = words[0], words[1].split("/", 1)[0], words[2], tuple(words[3:])
    port = _number(port_text, "port", 65535)
    if len(formats) > MAX_FORMATS:
        raise SdpError("more than 64 formats in one stream")
    host = next((_connection(line[2:]) for line in section if line[0] == "c"), None)
    codecs = _codecs(section, formats) if protocol.startswith("RTP/") else ()
    return Stream(
        kind,
        port,
        protocol,
        formats,
        codecs,
        host,
        _direction_of(section, direction),
        _ptime_of(section) or ptime_ms,
        _crypto_of(section),
        _rtcp_port_of(section),
        any(line.rstrip() == "a=rtcp-mux" for line in section),
    )


def _codecs(section: list[str], formats: tuple[str, ...]) -> tuple[Codec, ...]:
    """Codecs in the order of the m= line; formats nobody explains are left out."""
    named: dict[int, Codec] = {}
    fmtp: dict[int, str] = {}
    for line in section:
        if line.startswith("a=rtpmap:"):
            number, _, encoding = line[9:].strip().partition(" ")
            name, _, rate = encoding.strip().partition("/")
            payload_type = _number(number, "payload type", 127)
            rate_hz = _number(rate.split("/", 1)[0], "clock rate", 10**6)
            named[payload_type] = Codec(payload_type, name, rate_hz)
        elif line.startswith("a=fmtp:"):
            number, _, parameters = line[7:].strip().partition(" ")
            fmtp[_number(number, "payload type", 127)] = parameters
    known = {**_STATIC, **named}
    numbers = [_number(text, "payload type", 127) for text in formats]
    found = [(known[number], fmtp.get(number)) for number in numbers if number in known]
    return tuple(
        codec if codec.fmtp == said else Codec(codec.payload_type, codec.name, codec.rate_hz, said)
        for codec, said in found
    )


def _connection(value: str) -> str:
    words = value.split()
    if len(words) != 3 or words[0] != "IN" or words[1] not in ("IP4", "IP6"):
        raise SdpError("c= line is not an internet address")
    host = words[2].split("/", 1)[0]
    if not host:
        raise SdpError("c= line names no address")
    return host


def _origin(value: str) -> tuple[str, int, int]:
    words = value.split()
    if len(words) != 6:
        raise SdpError("o= line does not have six parts")
    # Without the mask that only a c= line may have, for it may have to stand for one.
    host = words[5].split("/", 1)[0]
    return host, _number(words[1], "session id", 2**64), _number(words[2], "session version", 2**64)


def _number(text: str, what: str, most: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 20) or int(text) > most:
        raise SdpError(f"{what} {text[:24]!r} is not 0 to {most}")
    return int(text)


def _direction_of(lines: list[str], otherwise: Direction) -> Direction:
    for line in lines:
        if line.startswith("a=") and line[2:].strip() in _DIRECTIONS:
            return cast("Direction", line[2:].strip())
    return otherwise


def _ptime_of(lines: list[str]) -> int | None:
    for line in lines:
        if line.startswith("a=ptime:"):
            return _number(line[8:].strip().split(".", 1)[0], "ptime", 1000) or None
    return None


def _crypto_of(section: list[str]) -> tuple[Crypto, ...]:
    lines = [line for line in section if line.startswith("a=crypto:")]
    if len(lines) > MOST_CRYPTO_LINES:
        raise SdpError(f"more than {MOST_CRYPTO_LINES} a=crypto lines in one stream")
    return tuple(parse_crypto(line[9:]) for line in lines)


def _rtcp_port_of(section: list[str]) -> int | None:
    for line in section:
        if line.startswith("a=rtcp:"):
            return _number(line[7:].split()[0] if line[7:].split() else "", "RTCP port", 65535) or None
    return None


def _stream_lines(stream: Stream) -> list[str]:
    lines = [f"m={stream.kind} {stream.port} {stream.protocol} {' '.join(stream.formats)}"]
    if stream.host is not None:
        lines.append(f"c=IN {_family(stream.host)} {stream.host}")
    for codec in stream.codecs:
        lines.append(f"a=rtpmap:{codec.payload_type} {codec.name}/{codec.rate_hz}")
        if codec.fmtp:
            lines.append(f"a=fmtp:{codec.payload_type} {codec.fmtp}")
    if stream.port:
        if stream.rtcp_port is not None:
            lines.append(f"a=rtcp:{stream.rtcp_port}")
        if stream.rtcp_mux:
            lines.append("a=rtcp-mux")
        lines += [crypto.line() for crypto in stream.crypto]
        if stream.ptime_ms is not None:
            lines.append(f"a=ptime:{stream.ptime_ms}")
        lines.append(f"a={stream.direction}")
    return lines


def _family(host: str) -> str:
    return "IP6" if ":" in host else "IP4"
