"""What a stranger, a forged form and a curious client get: over HTTP, without a browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlencode

import httpx
import pytest

from byourside_server.calls.call import Call
from byourside_server.dashboard.routes import ROUTES, Route, way_on
from byourside_server.dashboard.visit import proof_of
from byourside_server.lines.sip_traces import trace_path
from byourside_server.sip.trace import Passage, encode
from tests.dashboard.house import NOBODY, PASSWORD, House

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
TOKEN = "t" * 43


@pytest.fixture
def stranger(house: House) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=house.url, headers={"Origin": house.url}) as client:
        yield client


@pytest.fixture
def guest(house: House, request: pytest.FixtureRequest) -> Iterator[httpx.Client]:
    """Signed in; the cookie's token is the test's own name."""
    token = house.session(request.node.name.ljust(43, "x"))
    cookies, headers = {"byourside": token}, {"Origin": house.url}
    with httpx.Client(base_url=house.url, headers=headers, cookies=cookies) as client:
        yield client


def proof(client: httpx.Client) -> str:
    return proof_of(client.cookies["byourside"])


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_nothing_is_told_to_a_stranger(stranger: httpx.Client, finished: Call, route: Route) -> None:
    """A call that is there and one that is not get the same answer."""
    paths = [route.path.replace("{call_id}", call_id) for call_id in (finished.id, "no-such-call")]
    for path in paths:
        answer = stranger.request(route.method, path, headers=FORM if route.method == "POST" else {})
        if route.data:
            assert (answer.status_code, answer.json()["error"]) == (401, "unauthorized")
        else:
            assert answer.status_code == 303
            assert answer.headers["location"].startswith("/sign-in")
            assert answer.content == b""


@pytest.mark.parametrize("path", ["/", "/sign-in", "/calls/none", "/assets/0000/style.css", "/developers"])
def test_every_answer_has_the_strict_headers(guest: httpx.Client, path: str) -> None:
    answer = guest.get(path)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["/", "/calls", "/calls/new", "/developers", "/calls/{id}"])
def test_no_page_has_a_script_or_style_of_its_own(guest: httpx.Client, finished: Call, path: str) -> None:
    text = guest.get(path.replace("{id}", finished.id)).text
    assert re.findall(r"<script(?![^>]*\bsrc=\"/assets/)", text) == []
    assert re.findall(r"<style|\sstyle=|\son\w+=\"|javascript:", text) == []
    assert re.findall(r"(?:src|href)=\"(?:https?:)?//", text) == []


def test_assets_are_kept_for_ever_under_their_own_version_only(guest: httpx.Client) -> None:
    url = re.search(r"/assets/\w+/style\.css", guest.get("/").text)
    assert url
    answer = guest.get(url[0])
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["content-type"] == "text/css; charset=utf-8"
    assert guest.get(url[0].replace("style.css", "../visit.py")).status_code == 404


@pytest.mark.parametrize(
    ("headers", "fields"),
    [
        ({"Origin": "https://evil.example"}, {}),
        ({"Origin": "null"}, {}),
        ({"Origin": "http://127.0.0.1:1"}, {}),
        ({}, {"proof": ""}),
        ({}, {"proof": proof_of("another session")}),
        ({}, {"proof": "ü"}),
    ],
)
def test_a_form_from_elsewhere_changes_nothing(
    guest: httpx.Client, house: House, headers: dict[str, str], fields: dict[str, str]
) -> None:
    before = house.run(house.switchboard.office.keys(house.account))
    content = urlencode({"proof": proof(guest), "name": "forged", **fields})
    answer = guest.post("/developers/keys", content=content, headers={**FORM, **headers})
    assert answer.status_code == 401
    assert "bys_ak_" not in answer.text
    assert house.run(house.switchboard.office.keys(house.account)) == before


def test_a_form_without_origin_must_be_known_as_ours(guest: httpx.Client) -> None:
    """Browsers that leave Origin out say the same in Sec-Fetch-Site (Fetch Metadata §2.3)."""
    del guest.headers["Origin"]
    content = urlencode({"proof": proof(guest), "account": "none"})
    assert guest.post("/account", content=content, headers=FORM).status_code == 401
    told = {**FORM, "Sec-Fetch-Site": "same-origin"}
    assert guest.post("/account", content=content, headers=told).status_code == 404


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        ("x=%ff", "application/x-www-form-urlencoded", 400),
        ("x=%00", "application/x-www-form-urlencoded", 400),
        ("{}", "application/json", 400),
        ("&".join(["a=1"] * 501), "application/x-www-form-urlencoded", 400),
        ("x=" + "y" * 300_000, "application/x-www-form-urlencoded", 413),
    ],
)
def test_a_form_that_cant_be_read_is_refused_in_words(
    guest: httpx.Client, content: str, kind: str, status: int
) -> None:
    answer = guest.post("/calls/new", content=content, headers={"Content-Type": kind})
    assert answer.status_code == status
    assert "<h1>That did not work</h1>" in answer.text


def test_wrong_methods_and_unknown_pages_say_so(guest: httpx.Client) -> None:
    assert guest.get("/developers/keys").status_code == 405
    assert guest.delete("/calls").status_code == 405
    assert guest.get("/calls/a/b/c").status_code == 404
    assert guest.head("/calls").status_code == 200
    assert guest.head("/calls/live").content == b""


def test_the_api_stands_where_it_stood(stranger: httpx.Client, guest: httpx.Client) -> None:
    assert stranger.get("/healthz").json()["status"] == "ok"
    assert stranger.get("/openapi.json").status_code == 200
    assert stranger.get("/docs").status_code == 200
    assert stranger.get("/nowhere").json()["error"] == "not_found"
    # The dashboard's cookie opens no door of the API.
    assert guest.get("/v1/agent/calls").status_code == 401


def test_a_wrong_password_and_a_right_one_take_the_same_way(house: House) -> None:
    with httpx.Client(base_url=house.url, headers={"Origin": house.url}) as client:
        page = client.get("/sign-in").text
        [shown] = re.findall(r'name="proof" value="(\w+)"', page)
        wrong = client.post("/sign-in", content=urlencode({"proof": shown, "password": "no"}), headers=FORM)
        assert wrong.status_code == 401
        assert "byourside" not in client.cookies
        right = client.post(
            "/sign-in",
            content=urlencode({"proof": shown, "password": PASSWORD, "next": "/developers"}),
            headers=FORM,
        )
    assert (right.status_code, right.headers["location"]) == (303, "/developers")
    [cookie] = [line for line in right.headers.get_list("set-cookie") if line.startswith("byourside=")]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Secure" not in cookie


def test_a_sign_in_form_from_elsewhere_signs_nobody_in(stranger: httpx.Client) -> None:
    [shown] = re.findall(r'name="proof" value="(\w+)"', stranger.get("/sign-in").text)
    content = urlencode({"proof": shown, "password": PASSWORD})
    forged = stranger.post("/sign-in", content=content, headers={**FORM, "Origin": "https://evil.example"})
    assert (forged.status_code, "byourside" in stranger.cookies) == (400, False)
    content = urlencode({"proof": proof_of(TOKEN), "password": PASSWORD})
    assert stranger.post("/sign-in", content=content, headers=FORM).status_code == 400


def test_a_browser_that_keeps_no_cookie_is_told_where_to_go(stranger: httpx.Client, house: House) -> None:
    answer = stranger.post("/sign-in", content=urlencode({"password": PASSWORD}), headers=FORM)
    assert answer.status_code == 400
    assert f"Your browser kept no cookie: use {house.url}/" in answer.text


def test_odd_addresses_are_no_fault_of_the_server(guest: httpx.Client) -> None:
    for path in ("/calls?before=%00", "/calls?q=%00%ff", "/calls?status=%00", "/?days=-1", "/calls?note=%00"):
        assert guest.get(path).status_code == 200, path


def test_guessing_is_slowed_down_for_one_address_and_not_for_another(house: House) -> None:
    """The proxy's word about the last hop is taken, since it is on this machine."""
    headers = {"Origin": house.url, "X-Forwarded-For": "192.0.2.1, 198.51.100.77"}
    with httpx.Client(base_url=house.url, headers=headers) as client:
        [shown] = re.findall(r'name="proof" value="(\w+)"', client.get("/sign-in").text)
        wrong = urlencode({"proof": shown, "password": "guess"})
        statuses = [client.post("/sign-in", content=wrong, headers=FORM).status_code for _ in range(6)]
        assert statuses == [401] * 5 + [429]
        right = urlencode({"proof": shown, "password": PASSWORD})
        refused = client.post("/sign-in", content=right, headers=FORM)
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "2")
        other = {**FORM, "X-Forwarded-For": "198.51.100.78"}
        assert client.post("/sign-in", content=wrong, headers=other).status_code == 401
        house.clock.advance(1.5)
        assert client.post("/sign-in", content=right, headers=FORM).status_code == 303


@pytest.mark.parametrize(
    "wanted",
    ["https://evil.example", "//evil.example", "/\\evil.example", "/v1/agent/calls", "/calls/../x"],
)
def test_a_sign_in_leads_to_our_own_pages_only(wanted: str) -> None:
    assert way_on(wanted) == "/"
    assert way_on("/calls/abc-1") == "/calls/abc-1"


def test_a_session_ends_on_time_and_lives_on_while_it_is_used(house: House, guest: httpx.Client) -> None:
    for _ in range(4):
        house.clock.advance(11 * 3600.0)
        assert guest.get("/developers").status_code == 200
    house.clock.advance(12 * 3600.0 + 1)
    assert guest.get("/developers").status_code == 303


def test_the_longest_session_is_a_week(house: House, guest: httpx.Client) -> None:
    for _ in range(15):
        house.clock.advance(11 * 3600.0)
        assert guest.get("/developers").status_code == 200
    house.clock.advance(4 * 3600.0)
    assert guest.get("/developers").status_code == 303


def test_a_live_view_ends_with_its_session(house: House, guest: httpx.Client) -> None:
    with guest.stream("GET", "/calls/live", timeout=8) as live:
        lines = live.iter_lines()
        assert next(lines) == "event: changed"
        house.run(house.switchboard.office.sign_out_everywhere())
        house.place(NOBODY)
        assert "event: changed" not in list(lines)


def test_recordings_come_in_ranges_for_the_session_only(
    guest: httpx.Client, stranger: httpx.Client, finished: Call
) -> None:
    path = f"/calls/{finished.id}/recording"
    whole = guest.get(path)
    assert whole.headers["content-type"] == "audio/wav"
    part = guest.get(path, headers={"Range": "bytes=100-199"})
    assert (part.status_code, part.content) == (206, whole.content[100:200])
    assert stranger.get(path).status_code == 401


def test_the_sip_trace_is_linked_where_there_is_one_and_shown_to_the_session_only(
    house: House, guest: httpx.Client, stranger: httpx.Client, finished: Call
) -> None:
    page, path = f"/calls/{finished.id}", f"/calls/{finished.id}/sip-trace"
    file = trace_path(house.traces_dir, finished.id)
    assert path not in guest.get(page).text
    assert guest.get(path).status_code == 404
    file.parent.mkdir(exist_ok=True)
    ring = Passage(1e9, "received", "UDP", ("10.0.0.1", 5060), ("10.0.0.2", 5060), "SIP/2.0 180 Ringing")
    file.write_text(encode(ring))
    try:
        assert f'href="{path}"' in guest.get(page).text
        assert "<-- 10.0.0.2:5060  SIP/2.0 180 Ringing" in guest.get(path).text
        assert guest.get(f"{path}?format=pcap").content[:4] == bytes.fromhex("d4c3b2a1")
        assert stranger.get(path).status_code == 401
    finally:
        file.unlink()


def test_the_outline_shows_who_spoke_when(guest: httpx.Client, finished: Call) -> None:
    found = guest.get(f"/calls/{finished.id}/peaks").json()
    assert found["durationMs"] == 20_000
    at = [len(found["agent"]) * ms // 20_000 for ms in (1_500, 4_300, 7_700)]
    assert [found["agent"][place] > 20 for place in at] == [True, False, False]
    assert [found["contact"][place] > 20 for place in at] == [False, True, False]
