"""The calendar of outgoing frames."""

import numpy as np

from byourside_server.media.playout import CALENDAR_TICKS, Playout

ROW = 1


def run(playout: Playout, ticks: int) -> tuple[bytes, list[tuple[int, int]], list[tuple[int, int]]]:
    """Frames of the row over so many ticks, and (tick, clip) where clips began and ended."""
    sound = bytearray()
    starts: list[tuple[int, int]] = []
    ends: list[tuple[int, int]] = []
    for _ in range(ticks):
        starts += [(playout.tick, clip.clip_id) for clip in playout.starting()]
        sound += playout.frames(2)[ROW].tobytes()
        tick = playout.tick
        ends += [(tick, clip.clip_id) for clip in playout.advance(2)]
    return bytes(sound), starts, ends


def a_row() -> Playout:
    playout = Playout(2)
    playout.begin(ROW)
    return playout


def test_a_clip_is_sent_as_it_is_and_padded_to_a_frame() -> None:
    playout = a_row()
    playout.play(ROW, 5, b"\x01" * 400, last=True)
    assert run(playout, 4) == (b"\x01" * 400 + b"\xff" * 240, [(0, 5)], [(2, 5)])


def test_clips_follow_each_other_without_a_gap() -> None:
    playout = a_row()
    playout.play(ROW, 1, b"\x01" * 320, last=True)
    playout.play(ROW, 2, b"\x02" * 160, last=True)
    sound, starts, ends = run(playout, 4)
    assert sound == b"\x01" * 320 + b"\x02" * 160 + b"\xff" * 160
    assert (starts, ends) == ([(0, 1), (2, 2)], [(1, 1), (2, 2)])


def test_a_clip_longer_than_the_calendar_is_sent_whole() -> None:
    playout = a_row()
    ticks = CALENDAR_TICKS * 3 + 7
    clip = b"".join(bytes([number % 251]) * 160 for number in range(ticks))
    playout.play(ROW, 1, clip, last=True)
    playout.play(ROW, 2, b"\x09" * 160, last=True)
    sound, starts, ends = run(playout, ticks + 1)
    assert sound == clip + b"\x09" * 160
    assert starts == [(0, 1), (ticks, 2)]
    assert ends == [(ticks - 1, 1), (ticks, 2)]


def test_pieces_of_any_length_join_to_the_sample() -> None:
    playout = a_row()
    pieces = [bytes([number]) * size for number, size in enumerate([100, 1, 333, 47, 160], start=1)]
    for piece in pieces:
        playout.play(ROW, 1, piece, last=False)
    playout.play(ROW, 1, b"\x09" * 5, last=True)
    whole = b"".join(pieces) + b"\x09" * 5
    sound, starts, ends = run(playout, 5)
    assert sound == whole.ljust(800, b"\xff")
    assert (starts, ends) == ([(0, 1)], [(4, 1)])


def test_a_clip_that_runs_dry_goes_on_with_its_next_piece_and_ends_once() -> None:
    playout = a_row()
    playout.play(ROW, 1, b"\x01" * 160, last=False)
    assert run(playout, 3)[2] == []
    playout.play(ROW, 1, b"\x02" * 160, last=True)
    assert run(playout, 2) == (b"\x02" * 160 + b"\xff" * 160, [], [(3, 1)])


def test_an_empty_last_piece_ends_what_was_sent_already() -> None:
    playout = a_row()
    playout.play(ROW, 1, b"\x01" * 160, last=False)
    run(playout, 2)
    ended = playout.play(ROW, 1, b"", last=True)
    assert ended is not None
    assert ended.samples_before(playout.tick) == 160
    assert run(playout, 3)[2] == []


def test_an_empty_last_piece_ends_a_clip_still_being_sent_at_its_last_frame() -> None:
    playout = a_row()
    playout.play(ROW, 1, b"\x01" * 320, last=False)
    assert playout.play(ROW, 1, b"", last=True) is None
    assert run(playout, 3)[2] == [(1, 1)]


def test_the_next_clip_ends_one_left_open() -> None:
    playout = a_row()
    playout.play(ROW, 1, b"\x01" * 200, last=False)
    playout.play(ROW, 2, b"\x02" * 160, last=True)
    sound, starts, ends = run(playout, 3)
    assert sound == (b"\x01" * 200).ljust(320, b"\xff") + b"\x02" * 160
    assert (starts, ends) == ([(0, 1), (2, 2)], [(1, 1), (2, 2)])


def test_clearing_silences_the_next_tick_and_returns_what_was_cut() -> None:
    playout = a_row()
    playout.play(ROW, 1, b"\x01" * 1600, last=True)
    playout.play(ROW, 2, b"\x02" * 1600, last=True)
    run(playout, 3)
    cut = playout.clear(ROW)
    assert [(clip.clip_id, clip.samples_before(playout.tick)) for clip in cut] == [(1, 480), (2, 0)]
    assert run(playout, 20) == (b"\xff" * 3200, [], [])


def test_what_follows_a_clear_starts_at_once() -> None:
    playout = a_row()
    playout.play(ROW, 1, b"\x01" * 160 * 300, last=True)
    run(playout, 3)
    playout.clear(ROW)
    playout.play(ROW, 2, b"\x02" * 160, last=True)
    assert run(playout, 200) == ((b"\x02" * 160).ljust(32000, b"\xff"), [(3, 2)], [(3, 2)])


def test_nothing_is_played_before_the_row_sends() -> None:
    playout = Playout(2)
    playout.play(ROW, 1, b"\x01" * 160, last=True)
    assert run(playout, 3)[0] == b"\xff" * 480
    playout.begin(ROW)
    assert run(playout, 1) == (b"\x01" * 160, [(3, 1)], [(3, 1)])


def test_a_clip_of_pieces_is_not_over_while_more_may_come() -> None:
    playout = a_row()
    playout.play(ROW, 1, b"\x01" * 320, last=False)
    assert run(playout, 10)[2] == [], "run dry, not ended"
    playout.play(ROW, 1, b"\x02" * 160, last=False)
    assert run(playout, 10) == ((b"\x02" * 160).ljust(1600, b"\xff"), [], [])
    assert playout.play(ROW, 1, b"", last=True) is not None


def test_a_row_talks_until_its_clip_is_closed_even_where_it_has_run_dry() -> None:
    playout, rows = a_row(), np.array([ROW])
    assert not playout.is_talking(rows)[0]
    playout.play(ROW, 1, b"\x01" * 160, last=False)
    run(playout, 5)
    assert playout.is_talking(rows)[0]
    playout.play(ROW, 1, b"", last=True)
    assert not playout.is_talking(rows)[0]


def test_pieces_of_a_clip_that_was_cut_are_dropped() -> None:
    """They were on their way when it was cut."""
    playout = a_row()
    playout.play(ROW, 1, b"\x01" * 320, last=False)
    run(playout, 1)
    assert [clip.clip_id for clip in playout.clear(ROW)] == [1]
    playout.play(ROW, 1, b"\x02" * 160, last=False)
    assert playout.play(ROW, 1, b"", last=True) is None
    assert run(playout, 3) == (b"\xff" * 480, [], [])
    assert not playout.is_talking(np.array([ROW]))[0]
    playout.play(ROW, 2, b"\x03" * 160, last=True)
    assert run(playout, 1) == (b"\x03" * 160, [(4, 2)], [(4, 2)])


def test_a_row_given_to_another_line_forgets_what_was_cut() -> None:
    playout = a_row()
    playout.play(ROW, 1, b"\x01" * 320, last=False)
    playout.reset(ROW)
    playout.begin(ROW)
    playout.play(ROW, 1, b"\x02" * 160, last=True)
    assert run(playout, 1) == (b"\x02" * 160, [(0, 1)], [(0, 1)])


# --- standing still -------------------------------------------------------------------------------------

ROWS = np.array([ROW])


def held_run(playout: Playout, before: int, held: int, after: int) -> tuple[bytes, list[int], list[int]]:
    """Run, stand still, go on: all frames, and the ticks at which clips began and ended."""
    sound, starts, ends = run(playout, before)
    playout.hold(ROWS)
    parts = [(sound, starts, ends), run(playout, held)]
    playout.release(ROWS)
    parts.append(run(playout, after))
    return (
        b"".join(part[0] for part in parts),
        [tick for part in parts for tick, _ in part[1]],
        [tick for part in parts for tick, _ in part[2]],
    )


def test_a_clip_that_stands_still_goes_on_to_the_sample() -> None:
    playout = a_row()
    clip = bytes(range(1, 201)) * 8  # ten frames
    playout.play(ROW, 1, clip, last=True)
    sound, starts, ends = held_run(playout, 3, 5, 9)
    assert sound == clip[:480] + b"\xff" * 800 + clip[480:] + b"\xff" * 320
    assert starts == [0], "it begins once"
    assert ends == [14], "and ends once, five frames later"


def test_what_waits_behind_a_clip_that_stands_still_begins_behind_it() -> None:
    playout = a_row()
    playout.play(ROW, 1, b"\x01" * 480, last=True)
    playout.play(ROW, 2, b"\x02" * 320, last=True)
    sound, starts, ends = held_run(playout, 1, 2, 5)
    assert sound == b"\x01" * 160 + b"\xff" * 320 + b"\x01" * 320 + b"\x02" * 320 + b"\xff" * 160
    assert starts == [0, 5]
    assert ends == [4, 6]


def test_pieces_that_come_while_a_clip_stands_still_are_kept_for_later() -> None:
    playout = a_row()
    playout.play(ROW, 1, b"\x01" * 320, last=False)
    run(playout, 1)
    playout.hold(ROWS)
    assert playout.is_talking(ROWS).all()
    assert playout.play(ROW, 1, b"\x02" * 160, last=True) is None
    assert run(playout, 3)[0] == b"\xff" * 480
    playout.release(ROWS)
    assert run(playout, 3) == (b"\x01" * 160 + b"\x02" * 160 + b"\xff" * 160, [], [(5, 1)])


def test_a_clip_longer_than_the_calendar_may_stand_still() -> None:
    playout = a_row()
    ticks = CALENDAR_TICKS * 2
    clip = b"".join(bytes([1 + number % 200]) * 160 for number in range(ticks))
    playout.play(ROW, 1, clip, last=True)
    sound, _, ends = held_run(playout, 100, CALENDAR_TICKS + 3, ticks)
    assert sound.replace(b"\xff" * 160, b"") == clip
    assert ends == [ticks + CALENDAR_TICKS + 2]


def test_what_is_cleared_while_it_stands_still_counts_as_played_up_to_there() -> None:
    playout = a_row()
    playout.play(ROW, 1, b"\x01" * 1600, last=True)
    run(playout, 4)
    playout.hold(ROWS)
    run(playout, 3)
    (clip,) = playout.clear(ROW)
    assert clip.samples_before(playout.tick) == 640
    assert clip.end_sample() == 640
    assert not playout.is_held(ROWS).any()
    playout.play(ROW, 2, b"\x02" * 160, last=True)
    assert run(playout, 1)[0] == b"\x02" * 160


def test_a_row_that_stands_still_with_nothing_to_say_says_what_comes_after_it() -> None:
    playout = a_row()
    playout.hold(ROWS)
    playout.play(ROW, 1, b"\x01" * 160, last=True)
    assert run(playout, 2) == (b"\xff" * 320, [], [])
    playout.release(ROWS)
    assert run(playout, 1) == (b"\x01" * 160, [(2, 1)], [(2, 1)])
