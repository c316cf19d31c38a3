"""Digest credentials against the RFCs' own examples."""

from __future__ import annotations

import hashlib

import pytest

from byourside_server.sip import digest
from byourside_server.sip.credentials import Credentials
from byourside_server.sip.digest import Challenge, authorization, parse_challenges
from byourside_server.sip.errors import SipParseError
from byourside_server.sip.message import Headers, Request, Response
from tests.sip.wire import tokens


def response_of(value: str) -> str:
    return value.partition('response="')[2].partition('"')[0]


def test_rfc_2617_example() -> None:
    """RFC 2617 §3.5."""
    (challenge,) = parse_challenges(
        'Digest realm="testrealm@host.com", qop="auth,auth-int", '
        'nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41"'
    )
    value = authorization(
        challenge,
        user="Mufasa",
        password="Circle Of Life",
        method="GET",
        uri="/dir/index.html",
        cnonce="0a4f113b",
    )
    assert response_of(value) == "6629fae49393a05397450978507c4ef1"
    assert 'opaque="5ccc069c403ebaf9f0171e9517f40e41"' in value
    assert "nc=00000001" in value


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_rfc_7616_examples(algorithm: str, response: str) -> None:
    """RFC 7616 §3.9.1."""
    challenge = Challenge(
        realm="http-auth@example.org",
        nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
        algorithm=algorithm,
        qop=("auth", "auth-int"),
        opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS",
    )
    value = authorization(
        challenge,
        user="Mufasa",
        password="Circle of Life",
        method="GET",
        uri="/dir/index.html",
        cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
    )
    assert response_of(value) == response
    assert f"algorithm={algorithm}," in value


def test_the_user_name_is_hashed_where_the_server_asks() -> None:
    """RFC 7616 §3.4.4: userhash = H(user ":" realm)."""
    challenge = Challenge(realm="r", nonce="n", algorithm="SHA-256", qop=("auth",), userhash=True)
    value = authorization(challenge, user="Mufasa", password="x", method="INVITE", uri="sip:a@b", cnonce="c")
    assert "Mufasa" not in value
    assert value.endswith("userhash=true")


def test_without_qop_the_old_formula_holds() -> None:
    """RFC 2069, as RFC 3261 §22.4 item 7 keeps it: H(HA1:nonce:HA2), no nc and no cnonce."""
    value = authorization(
        Challenge("r", "n"), user="u", password="p", method="INVITE", uri="sip:a@b", cnonce="c"
    )
    h = digest._HASHES["MD5"]
    expected = h(f"{h(b'u:r:p')}:n:{h(b'INVITE:sip:a@b')}".encode())
    assert response_of(value) == expected
    assert "nc=" not in value
    assert "cnonce" not in value


def test_a_session_key_holds_nonce_and_cnonce_and_auth_int_the_body() -> None:
    """RFC 7616 §3.4.2 (-sess) and §3.4.3 (auth-int), the formulas written out."""
    value = authorization(
        Challenge("r", "n", "MD5-sess", ("auth-int",)),
        user="u",
        password="p",
        method="INVITE",
        uri="sip:a@b",
        body=b"v=0",
        nonce_count=2,
        cnonce="c",
    )
    h = digest._HASHES["MD5"]
    ha1 = h(f"{h(b'u:r:p')}:n:c".encode())
    ha2 = h(f"INVITE:sip:a@b:{h(b'v=0')}".encode())
    assert response_of(value) == h(f"{ha1}:n:00000002:c:auth-int:{ha2}".encode())


def test_several_challenges_in_one_field_with_commas_and_escapes_inside_quotes() -> None:
    first, second = parse_challenges(
        r'Basic realm="x", Digest realm="a, \"b\" = c", nonce="1", qop="auth-int , auth",'
        ' Digest nonce=2 , realm="d",algorithm=SHA-256, stale=TRUE'
    )
    assert first == Challenge('a, "b" = c', "1", None, ("auth-int", "auth"))
    assert second == Challenge("d", "2", "SHA-256", stale=True)


@pytest.mark.parametrize("value", ['Digest realm="x', 'Digest nonce="1"', "=a", 'realm="x"', "Digest @"])
def test_a_broken_challenge_is_named(value: str) -> None:
    with pytest.raises(SipParseError):
        parse_challenges(value)


def test_the_strongest_known_algorithm_is_chosen() -> None:
    """RFC 8760 §2.4."""
    known = [Challenge("r", "1", "MD5"), Challenge("r", "2", "SHA-256"), Challenge("r", "3", "WHIRLPOOL")]
    best = digest.strongest(known)
    assert best is not None
    assert best.nonce == "2"
    assert digest.strongest(known[2:]) is None
    assert digest.strongest([Challenge("r", "1", "MD5", ("auth-conf",))]) is None


def _request(headers: list[tuple[str, str]]) -> Request:
    return Request(Headers(headers), b"", "INVITE", "sip:a@b")


def test_the_same_realm_asking_twice_means_a_wrong_password() -> None:
    credentials = Credentials("u", "p", lambda size: "c" * size)
    asked = Response(Headers([("WWW-Authenticate", 'Digest realm="r", nonce="1"')]), b"", 401)
    assert credentials.learn(_request([]), asked)
    sent = credentials.headers_for("INVITE", "sip:a@b", b"")
    assert [name for name, _ in sent] == ["Authorization"]
    again = Response(Headers([("WWW-Authenticate", 'Digest realm="r", nonce="2"')]), b"", 401)
    assert not credentials.learn(_request(sent), again)
    stale = Response(Headers([("WWW-Authenticate", 'Digest realm="r", nonce="3", stale=true')]), b"", 401)
    assert credentials.learn(_request(sent), stale)


def test_each_use_of_a_nonce_is_counted() -> None:
    credentials = Credentials("u", "p", lambda size: "c" * size)
    asked = Response(Headers([("Proxy-Authenticate", 'Digest realm="r", nonce="1", qop="auth"')]), b"", 407)
    credentials.learn(_request([]), asked)
    values = [credentials.headers_for("INVITE", "sip:a@b", b"")[0][1] for _ in range(2)]
    assert ["nc=00000001" in values[0], "nc=00000002" in values[1]] == [True, True]


def test_without_a_password_no_challenge_can_be_met() -> None:
    credentials = Credentials(None, None, lambda size: "")
    asked = Response(Headers([("WWW-Authenticate", 'Digest realm="r", nonce="1"')]), b"", 401)
    assert not credentials.learn(_request([]), asked)


# --- a call's worth of credentials ----------------------------------------------------------------------


def known(*fields: str, realm: str = "r") -> Credentials:
    """Credentials that have met a challenge of that form."""
    credentials = Credentials("u", "p", tokens("c"))
    request = Request(Headers([]), b"", "INVITE", "sip:x")
    lines = [("WWW-Authenticate", f'Digest realm="{realm}", {field}') for field in fields]
    assert credentials.learn(request, Response(Headers(lines), b"", 401, "x"))
    return credentials


def asked(credentials: Credentials, method: str = "BYE", body: bytes = b"") -> Request:
    return Request(Headers(credentials.headers_for(method, "sip:x", body)), body, method, "sip:x")


def parameter(request: Request, name: str) -> str:
    value = request.headers.get("Authorization") or ""
    ((_, parameters),) = digest._split_challenges(value)
    return parameters[name]


def test_the_next_nonce_takes_the_place_of_the_last_and_counts_anew() -> None:
    """RFC 7616 §3.5."""
    credentials = known('nonce="one", qop="auth"')
    first = asked(credentials)
    info = Headers([("Authentication-Info", 'qop=auth, nextnonce="two", rspauth="x"')])
    credentials.accepted(first, Response(info, b"", 200, "OK"))
    second = asked(credentials)
    assert (parameter(second, "nonce"), parameter(second, "nc")) == ("two", "00000001")


@pytest.mark.parametrize("info", ["", 'nextnonce="', "=", 'rspauth="x"', 'nextnonce=""'])
def test_a_field_that_names_no_next_nonce_changes_nothing(info: str) -> None:
    credentials = known('nonce="one", qop="auth"')
    headers = Headers([("Authentication-Info", info)])
    credentials.accepted(asked(credentials), Response(headers, b"", 200, "OK"))
    again = asked(credentials)
    assert (parameter(again, "nonce"), parameter(again, "nc")) == ("one", "00000002")


def test_a_session_key_is_made_with_one_client_nonce() -> None:
    """RFC 7616 §3.4.2: both readings of it come to the same key."""
    credentials = known('nonce="one", qop="auth", algorithm=MD5-sess')
    first, second = asked(credentials), asked(credentials)
    assert parameter(first, "cnonce") == parameter(second, "cnonce")
    assert parameter(first, "response") != parameter(second, "response")
    ha1 = md5(f"{md5('u:r:p')}:one:{parameter(first, 'cnonce')}")
    middle = f"one:00000002:{parameter(second, 'cnonce')}:auth"
    assert parameter(second, "response") == md5(f"{ha1}:{middle}:{md5('BYE:sip:x')}")


def md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


def test_auth_int_covers_the_body() -> None:
    """RFC 7616 §3.4.3."""
    credentials = known('nonce="one", qop="auth-int"')
    request = asked(credentials, "UPDATE", b"v=0\r\n")
    middle = f"one:00000001:{parameter(request, 'cnonce')}:auth-int"
    expected = md5(f"{md5('u:r:p')}:{middle}:{md5('UPDATE:sip:x:' + md5('v=0' + chr(13) + chr(10)))}")
    assert (parameter(request, "qop"), parameter(request, "response")) == ("auth-int", expected)


def test_of_several_algorithms_for_one_realm_the_strongest_we_know_is_taken() -> None:
    """RFC 8760 §2.4; unknown ones are passed over."""
    names = ["MD5", "SHA-256", "SHA-512-256", "BLAKE9"]
    credentials = known(*(f'nonce="{name}", algorithm={name}, qop="auth"' for name in names))
    assert parameter(asked(credentials), "algorithm") == "SHA-512-256"
    assert len(asked(credentials).headers) == 1, "one answer for the realm"


def test_a_nonce_that_ran_out_in_mid_call_is_renewed_though_nobody_says_stale() -> None:
    """The password was good before; but only once, lest a wrong one is tried for ever."""
    credentials = known('nonce="one", qop="auth"')
    invite = asked(credentials, "INVITE")
    challenge = Response(
        Headers([("WWW-Authenticate", 'Digest realm="r", nonce="two", qop="auth"')]), b"", 401, "x"
    )
    assert not credentials.learn(invite, challenge), "never proven: a wrong password"
    credentials.accepted(invite, Response(Headers([]), b"", 200, "OK"))
    assert credentials.learn(invite, challenge)
    again = asked(credentials)
    assert parameter(again, "nonce") == "two"
    third = Response(
        Headers([("WWW-Authenticate", 'Digest realm="r", nonce="three", qop="auth"')]), b"", 401, "x"
    )
    assert not credentials.learn(again, third)
