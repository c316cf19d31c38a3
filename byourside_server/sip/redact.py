"""A SIP message with its secrets taken out, so that it may be kept and shown.

Works on bytes line by line and never parses: what is malformed is cleaned all the same. Secrets are
credentials (RFC 7616), media keys (RFC 4568) and every body that is neither a session description nor the
fragment of a response: what people type and press. Bodies keep their length, so that Content-Length holds.
"""

from __future__ import annotations

import re
from collections.abc import Callable

REMOVED = "[removed]"
# What a challenge and its answer may still show; everything else in them is, or helps to make, a secret.
_SHOWN_PARAMETERS = frozenset(
    {"realm", "algorithm", "qop", "uri", "stale", "nc", "domain", "charset", "userhash"}
)
_DIGEST_FIELDS = frozenset(
    {"authorization", "proxy-authorization", "www-authenticate", "proxy-authenticate", "authentication-info"}
)
# Fields that go as a whole: a signed identity (RFC 8224) holds both numbers, and whoever has it can use it.
_HIDDEN_FIELDS = frozenset({"identity", "y", "cookie"})
# Bodies that are shown, by their type; anything else is what somebody said, typed or pressed.
_SHOWN_BODIES = frozenset({"application/sdp", "message/sipfrag"})

_LINE_BREAK = re.compile(r"\r\n|\n|\r")
_END_OF_HEAD = re.compile(r"\r\n\r\n|\n\n|\r\r")
_FIELD = re.compile(r"([^:\s]++)([ \t]*+:[ \t]*+)(.*+)", re.DOTALL)
_PARAMETER = re.compile(r'([\w.!%*+`\'~-]++)([ \t]*+=[ \t]*+)("(?:[^"\\]|\\.)*+"?|[^,\s]*+)')
_URI_PASSWORD = re.compile(r"(sips?:[^\s:@<>;?]*+):[^\s@<>]{0,256}@", re.IGNORECASE)
# Header fields inside a URI (§19.1.1) may be credentials, too.
_URI_CREDENTIALS = re.compile(r"([?&](?:proxy-)?authorization=)[^&>\s]*+", re.IGNORECASE)
_KEYS = re.compile(r"(?im)^(a=crypto:.*?inline:|a=key-mgmt:|a=ice-pwd:|k=)([^\r\n]*+)")
_URI_NUMBER = re.compile(r"(sips?:|tel:)(\+?[0-9][0-9().-]{5,}+)", re.IGNORECASE)
_SHOWN_NUMBER = re.compile(r'("[^"\r\n]*+"|(?<=: )[+0-9][0-9 ().-]{6,}+)(?=[ \t]*+<)')
_DIGIT = re.compile("[0-9]")


def redact(data: bytes) -> str:
    """The message as text, without its secrets. Bytes that are no UTF-8 become surrogates."""
    text = data.decode("utf-8", "surrogateescape")
    end = _END_OF_HEAD.search(text)
    head, gap, body = (text, "", "") if end is None else (text[: end.start()], end[0], text[end.end() :])
    start_line, *fields = _unfolded(head)
    lines = [_clean_uris(start_line), *(_clean_field(field) for field in fields)]
    return "\r\n".join(lines) + ("\r\n\r\n" if gap else "") + _clean_body(body, _type_of(fields))


def hide_numbers(text: str) -> str:
    """The message with all but the last two digits of telephone numbers in URIs and names made `x`."""
    text = _URI_NUMBER.sub(lambda found: found[1] + _masked(found[2]), text)
    return _SHOWN_NUMBER.sub(lambda found: _masked(found[1]), text)


def _masked(number: str) -> str:
    hidden = len(_DIGIT.findall(number)) - 2
    return _DIGIT.sub("x", number, count=hidden) if hidden > 4 else number


def _unfolded(head: str) -> list[str]:
    """The head's lines; a field that goes on in the next line (§7.3.1) is one."""
    lines: list[str] = []
    for line in _LINE_BREAK.split(head):
        if line[:1] in (" ", "\t") and len(lines) > 1:
            lines[-1] += " " + line.strip()
        else:
            lines.append(line)
    return lines


def _clean_field(line: str) -> str:
    field = _FIELD.fullmatch(line)
    if field is None:
        return _clean_uris(line)
    name, colon, value = field.groups()
    if name.lower() in _HIDDEN_FIELDS:
        return f"{name}{colon}{REMOVED}"
    if name.lower() in _DIGEST_FIELDS:
        return f"{name}{colon}{_clean_credentials(value)}"
    return _clean_uris(line)


def _clean_credentials(value: str) -> str:
    """Scheme and harmless parameters; a scheme that is not Digest is all secret."""
    scheme, _, rest = value.partition(" ")
    if "=" in scheme:
        # Authentication-Info has no scheme (RFC 7616 §3.5).
        scheme, rest = "", value
    elif scheme.lower() != "digest":
        return f"{scheme} {REMOVED}"
    shown = [
        f"{name}={given if name.lower() in _SHOWN_PARAMETERS else REMOVED}"
        for name, _, given in _PARAMETER.findall(rest)
    ]
    return " ".join(part for part in (scheme, ", ".join(shown)) if part)


def _clean_uris(line: str) -> str:
    line = _URI_PASSWORD.sub(rf"\1:{REMOVED}@", line)
    return _URI_CREDENTIALS.sub(rf"\1{REMOVED}", line)


def _type_of(fields: list[str]) -> str:
    for line in fields:
        field = _FIELD.fullmatch(line)
        if field is not None and field[1].lower() in ("content-type", "c"):
            return field[3].split(";", 1)[0].strip().lower()
    return ""


def _clean_body(body: str, kind: str) -> str:
    if kind not in _SHOWN_BODIES:
        return "*" * len(body.encode("utf-8", "surrogateescape"))
    return _KEYS.sub(_starred(2), body)


def _starred(group: int) -> Callable[[re.Match[str]], str]:
    """Keep what stands before the group, and the group's length."""
    return lambda found: found[0][: found.start(group) - found.start()] + "*" * len(found[group])
