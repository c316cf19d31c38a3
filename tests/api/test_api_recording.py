"""The recording over HTTP: whole or in part, and not there before it is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from byourside_server.api.recording import byte_range
from tests.api.conftest import NOW, Browser, FakeDesk, error_of

SOUND = bytes(range(256)) * 700


@pytest.fixture
def url(desk: FakeDesk, placed: str) -> str:
    desk.calls[0] = replace(desk.calls[0], state="completed", ended_at=NOW)
    (desk.recordings / f"{placed}.wav").write_bytes(SOUND)
    return f"/v1/agent/calls/{placed}/recording"


def test_a_call_without_a_recording_yet_has_none(api: Browser, placed: str) -> None:
    answer = api.get(f"/v1/agent/calls/{placed}/recording")
    assert (answer.status_code, error_of(answer)) == (404, "not_found")


def test_a_recording_still_being_written_is_not_served(api: Browser, desk: FakeDesk, placed: str) -> None:
    (desk.recordings / f"{placed}.wav").write_bytes(SOUND[:100])
    assert error_of(api.get(f"/v1/agent/calls/{placed}/recording")) == "not_found"


def test_the_whole_is_served_as_wav_with_a_name(api: Browser, url: str, placed: str) -> None:
    answer = api.get(url)
    assert (answer.status_code, answer.content) == (200, SOUND)
    assert answer.headers["content-type"] == "audio/wav"
    assert answer.headers["content-length"] == str(len(SOUND))
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["content-disposition"] == f'inline; filename="call-{placed}.wav"'
    assert answer.headers["cache-control"] == "private, no-cache"


def test_a_recording_whose_file_was_taken_away_is_not_found(
    api: Browser, desk: FakeDesk, url: str, placed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk, "recording_path", lambda call: desk.recordings / "gone.wav")
    assert error_of(api.get(url)) == "not_found"


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=10-99", 10, 99),
        ("bytes=100-", 100, len(SOUND) - 1),
        ("bytes=-5", len(SOUND) - 5, len(SOUND) - 1),
        ("bytes=-999999999", 0, len(SOUND) - 1),
        ("bytes=5-999999999", 5, len(SOUND) - 1),
        ("Bytes=1-2", 1, 2),
    ],
)
def test_a_part_is_served_as_206(api: Browser, url: str, asked: str, first: int, last: int) -> None:
    """RFC 9110 §14.1.2 and §15.3.7."""
    answer = api.get(url, headers={"Range": asked})
    assert (answer.status_code, answer.content) == (206, SOUND[first : last + 1])
    assert answer.headers["content-range"] == f"bytes {first}-{last}/{len(SOUND)}"
    assert answer.headers["content-length"] == str(last + 1 - first)


@pytest.mark.parametrize("asked", [f"bytes={len(SOUND)}-", "bytes=99999999-100000000", "bytes=-0"])
def test_a_range_beyond_the_end_is_416_with_the_size(api: Browser, url: str, asked: str) -> None:
    """RFC 9110 §15.5.17."""
    answer = api.get(url, headers={"Range": asked})
    assert (answer.status_code, error_of(answer)) == (416, "range_not_satisfiable")
    assert answer.headers["content-range"] == f"bytes */{len(SOUND)}"


@pytest.mark.parametrize(
    "asked",
    ["bytes", "bytes=", "bytes=-", "bytes=5-2", "bytes=a-b", "lines=1-2", "bytes=0-1,5-6", "", "bytes=1--2"],
)
def test_a_range_that_cannot_be_read_gets_the_whole(api: Browser, url: str, asked: str) -> None:
    """RFC 9110 §14.2: an invalid or unknown Range is ignored; so are several at once, here."""
    answer = api.get(url, headers={"Range": asked})
    assert (answer.status_code, len(answer.content)) == (200, len(SOUND))


def test_head_tells_the_length_and_sends_nothing(api: Browser, url: str) -> None:
    whole, part = api.head(url), api.head(url, headers={"Range": "bytes=0-9"})
    assert (whole.status_code, whole.content, whole.headers["content-length"]) == (200, b"", str(len(SOUND)))
    assert (part.status_code, part.content, part.headers["content-length"]) == (206, b"", "10")


def test_an_unchanged_recording_is_not_sent_again(api: Browser, url: str) -> None:
    """RFC 9110 §13.1.2."""
    etag = api.get(url).headers["etag"]
    for known in (f'"other", {etag}', f"W/{etag}", "*"):
        answer = api.get(url, headers={"If-None-Match": known})
        assert (answer.status_code, answer.content) == (304, b"")
    assert api.get(url, headers={"If-None-Match": '"other"'}).status_code == 200


def test_a_range_of_another_version_gets_the_whole(api: Browser, url: str) -> None:
    """RFC 9110 §13.1.5."""
    etag = api.get(url).headers["etag"]
    asked = {"Range": "bytes=0-9"}
    assert api.get(url, headers={**asked, "If-Range": etag}).status_code == 206
    assert api.get(url, headers={**asked, "If-Range": '"other"'}).status_code == 200


def test_an_empty_file_has_no_satisfiable_range() -> None:
    assert byte_range(None, 0) is None
    with pytest.raises(ValueError):
        byte_range("bytes=0-", 0)
    with pytest.raises(ValueError):
        byte_range("bytes=-5", 0)
