"""Speech kept for the next start at virtual time: found again, its owner's alone, not for ever, not all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from byourside_server.providers.kept_speech import KeptSpeech, Limits, said_key

DAY_S = 86_400.0
BEGAN_AT = 1_900_000_000.0


class Wall:
    """A clock that is set."""

    def __init__(self) -> None:
        self.now = BEGAN_AT

    def __call__(self) -> float:
        return self.now


def key_of(text: str) -> str:
    return said_key("voice", "en-US", text)


def files_in(home: Path) -> set[str]:
    return {path.name for path in home.rglob("*") if path.is_file()}


def test_what_is_kept_is_found_by_the_next_start(tmp_path: Path) -> None:
    KeptSpeech(tmp_path, "1").keep(key_of("Hello."), b"sound")
    again = KeptSpeech(tmp_path, "1")
    assert again.find(key_of("Hello.")) == b"sound"
    assert again.find(key_of("Goodbye.")) is None


def test_only_the_owner_may_read_it_and_its_name_says_nothing(tmp_path: Path) -> None:
    home = tmp_path / "home"
    before = os.umask(0)
    try:
        KeptSpeech(home, "1").keep(key_of("Mrs Smith owes 40 dollars."), b"sound")
    finally:
        os.umask(before)
    (file,) = (path for path in home.rglob("*") if path.is_file())
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == home.stat().st_mode & 0o777 == 0o700
    assert file.name == key_of("Mrs Smith owes 40 dollars.")
    assert len(file.name) == 64


@pytest.mark.parametrize("is_restarted", [False, True])
def test_what_was_made_too_long_ago_is_neither_used_nor_left(tmp_path: Path, is_restarted: bool) -> None:
    wall, limits = Wall(), Limits(longest_s=30 * DAY_S)
    kept = KeptSpeech(tmp_path, "1", limits, wall)
    kept.keep(key_of("old"), b"old")
    wall.now += 20 * DAY_S
    kept.keep(key_of("young"), b"young")
    assert kept.find(key_of("old")) == b"old"
    wall.now += 11 * DAY_S
    if is_restarted:
        kept = KeptSpeech(tmp_path, "1", limits, wall)
    assert kept.find(key_of("old")) is None
    assert kept.find(key_of("young")) == b"young"
    assert files_in(tmp_path) == {key_of("young")}


def test_a_full_folder_loses_its_oldest_files(tmp_path: Path) -> None:
    wall = Wall()
    kept = KeptSpeech(tmp_path, "1", Limits(most_bytes=1000), wall)
    for number in range(50):
        wall.now += 1
        kept.keep(key_of(f"sentence {number}"), b"x" * 100)
        assert sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file()) <= 1000
    assert key_of("sentence 49") in files_in(tmp_path)
    assert kept.find(key_of("sentence 49")) is not None
    assert kept.find(key_of("sentence 0")) is None


def test_a_smaller_limit_counts_for_what_was_there_before(tmp_path: Path) -> None:
    wall = Wall()
    kept = KeptSpeech(tmp_path, "1", None, wall)
    for number in range(10):
        wall.now += 1
        kept.keep(key_of(f"sentence {number}"), b"x" * 100)
    KeptSpeech(tmp_path, "1", Limits(most_bytes=500), wall)
    assert files_in(tmp_path) <= {key_of(f"sentence {number}") for number in range(5, 10)}
    assert len(files_in(tmp_path)) >= 4


def test_without_room_nothing_is_written_and_this_start_still_remembers(tmp_path: Path) -> None:
    KeptSpeech(tmp_path, "1").keep(key_of("before"), b"before")
    kept = KeptSpeech(tmp_path, "1", Limits(most_bytes=0))
    kept.keep(key_of("Hello."), b"sound")
    assert kept.find(key_of("Hello.")) == b"sound"
    assert files_in(tmp_path) == set()


def test_drafts_and_other_editions_are_cleared_away(tmp_path: Path) -> None:
    KeptSpeech(tmp_path, "0.9").keep(key_of("Hello."), b"sound of old")
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / f"{key_of('half')}.draft").write_bytes(b"ha")
    kept = KeptSpeech(tmp_path, "1")
    assert kept.find(key_of("Hello.")) is None
    assert files_in(tmp_path) == set()


def test_a_file_that_somebody_deleted_is_asked_for_again(tmp_path: Path) -> None:
    KeptSpeech(tmp_path, "1").keep(key_of("Hello."), b"sound")
    again = KeptSpeech(tmp_path, "1")
    (tmp_path / "1" / key_of("Hello.")).unlink()
    assert again.find(key_of("Hello.")) is None
    again.keep(key_of("Hello."), b"new")
    assert again.find(key_of("Hello.")) == b"new"


def test_what_is_kept_twice_counts_once(tmp_path: Path) -> None:
    kept = KeptSpeech(tmp_path, "1", Limits(most_bytes=1000))
    for _ in range(100):
        kept.keep(key_of("Hello."), b"x" * 400)
    kept.keep(key_of("Goodbye."), b"x" * 400)
    assert files_in(tmp_path) == {key_of("Hello."), key_of("Goodbye.")}
