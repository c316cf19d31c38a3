"""Digest credentials against the RFCs' own examples."""

from __future__ import annotations

import pytest

from byourside_server.sip import digest
from byourside_server.sip.credentials import Credentials
from byourside_server.sip.digest import Challenge, authorization, parse_challenges
from byourside_server.sip.errors import SipParseError
from byourside_server.sip.message import Headers, Request, Response


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
