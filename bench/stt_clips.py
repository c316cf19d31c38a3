"""How well does the embedded recogniser hear the sandbox's people?

    .venv/bin/python bench/stt_clips.py [--wrong] [--voice awb]

Every clip goes through µ-law with 200 ms of line silence before and 300 ms after it, as voice activity
detection cuts it, clean and with white noise 20 dB under the speech; the grammar is the one
the conversation would use (EXPECTATIONS). Prints word error rate, exact sentences, yes/no decisions,
what becomes of speech that answers another question or none, and CPU time. Takes two minutes.
"""

import argparse
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from byourside_server.providers.base import Expectation
from byourside_server.providers.flite import FliteVoice, find_flite
from byourside_server.providers.grammar import in_words
from byourside_server.providers.recognition_worker import Recogniser
from byourside_server.providers.telephone_band import decode_ulaw, encode_ulaw, speech_level_dbfs
from byourside_server.sandbox.clips import Clip, all_clips, noise, silence

LINE_NOISE_DBFS = -70.0

# clip id prefix → what the conversation expects when this is said; the longest prefix counts
EXPECTATIONS: dict[str, tuple[str, ...]] = {
    "hello": ("greeting", "voicemail"),
    "speaking": ("greeting", "yes_no"),
    "john_speaking": ("greeting", "voicemail"),
    "yes": ("yes_no",),
    "yeah": ("yes_no",),
    "sure": ("yes_no",),
    "okay": ("yes_no",),
    "that_is_fine": ("yes_no",),
    "sounds": ("yes_no",),
    "go_ahead": ("yes_no",),
    "uh_huh": ("yes_no",),
    "no": ("yes_no",),
    "friday": ("day", "time"),
    "tomorrow": ("day", "time"),
    "seven": ("day", "time"),
    "monday": ("day", "time"),
    "tuesday": ("day", "time"),
    "next": ("day", "time"),
    "three": ("day", "time"),
    "two_pm": ("day", "time"),
    "thursday": ("day", "time"),
    "four": ("number",),
    "two": ("number",),
    "twenty": ("number",),
    "two_forty": ("money",),
    "fifty": ("money",),
    "number": ("digits",),
    "digits": ("digits",),
    "my_name": ("name",),
    "john_smith": ("name",),
    "smith": ("name",),
    "my_number": ("digits",),
    "voicemail": ("greeting", "voicemail"),
    "menu": ("greeting", "voicemail"),
    "screening": ("greeting", "voicemail"),
    "hold_notice": ("greeting", "voicemail"),
    "you_are_welcome": ("goodbye",),
    "thank_you": ("goodbye",),
    "goodbye": ("goodbye",),
    "bye": ("goodbye",),
}
OPEN = ("open",)
# A question of one kind, answered with something else: must be heard for what it is, or not at all
FOREIGN: tuple[tuple[str, str], ...] = (
    (
        "yes_no",
        "friday_three_thirty seven_pm_friday two_forty_nine_dollars my_name_is_john_smith email_by_thursday "
        "number_555_0128 monday_ten back_on_the_line",
    ),
    (
        "digits",
        "friday_three_thirty no_need_to_reschedule my_name_is_john_smith email_by_thursday yes_works "
        "sounds_good",
    ),
    (
        "name",
        "friday_three_thirty two_forty_nine_dollars email_by_thursday yes_works number_555_0128 "
        "no_not_interested",
    ),
    (
        "day time",
        "email_by_thursday my_name_is_john_smith yes_works no_not_interested number_555_0128 sounds_good",
    ),
)


@dataclass
class Tally:
    """Errors over a set of clips."""

    words: int = 0
    wrong_words: int = 0
    clips: int = 0
    exact: int = 0
    rejected: int = 0

    def add(self, said: list[str], heard: list[str]) -> None:
        self.words += len(said)
        self.wrong_words += edit_distance(said, heard)
        self.clips += 1
        self.exact += said == heard
        self.rejected += not heard

    def __str__(self) -> str:
        rate = 100 * self.wrong_words / max(1, self.words)
        return f"{rate:5.1f} % | {self.exact}/{self.clips} | {self.rejected}"


def edit_distance(said: list[str], heard: list[str]) -> int:
    """Insertions, deletions and substitutions of words (Levenshtein)."""
    row = list(range(len(heard) + 1))
    for i, word in enumerate(said, 1):
        previous, row[0] = row[0], i
        for j, other in enumerate(heard, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (word != other))
    return row[-1]


def said_by(voice: str) -> Iterator[Clip]:
    """The clips' words in another voice: what the recogniser was not tuned on."""
    program = find_flite()
    if program is None:
        sys.exit("--voice needs the flite program (Debian: apt install flite)")
    for clip in all_clips():
        yield Clip(clip.clip_id, clip.text, voice, FliteVoice(program, voice).say_now(clip.text))


def expectation_of(clip: Clip) -> Expectation:
    prefixes = [prefix for prefix in EXPECTATIONS if clip.clip_id.startswith(prefix)]
    return Expectation(frozenset(EXPECTATIONS[max(prefixes, key=len)] if prefixes else OPEN))


def on_the_line(clip: Clip, snr_db: float | None, seed: int) -> bytes:
    """The clip as the server receives it: line noise, or white noise `snr_db` under the speech."""
    ulaw = silence(200) + clip.ulaw + silence(300)
    level = speech_level_dbfs(decode_ulaw(clip.ulaw)) - snr_db if snr_db is not None else LINE_NOISE_DBFS
    hiss = decode_ulaw(noise(len(ulaw) // 8, level, seed))
    samples = decode_ulaw(ulaw)
    samples[: len(hiss)] += hiss
    return encode_ulaw(samples)


def yes_or_no(text: str) -> str:
    """The decision a conversation would take from the first word that decides."""
    for word in text.split():
        if word in {"no", "nope", "nah", "not", "don't", "can't"}:
            return "no"
        if word in {"yes", "yeah", "sure", "okay", "correct", "right", "fine", "good", "ahead", "huh"}:
            return "yes"
    return "-"


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--wrong", action="store_true", help="print each clip heard wrongly")
    options.add_argument("--voice", help="say every clip's words anew with this flite voice")
    asked = options.parse_args()
    recogniser = Recogniser()
    clips = list(all_clips()) if asked.voice is None else list(said_by(asked.voice))
    by_id = {clip.clip_id: clip for clip in clips}
    for clip in clips:
        recogniser.prepare(expectation_of(clip))
    print("| line | kind | word errors | exact | rejected |\n|---|---|---|---|---|")
    for label, snr_db in (("clean", None), ("20 dB noise", 20.0)):
        tallies: dict[str, Tally] = {}
        decisions: list[bool] = []
        spent = sound = 0.0
        for seed, clip in enumerate(clips):
            expect = expectation_of(clip)
            ulaw = on_the_line(clip, snr_db, seed)
            began = time.process_time()
            heard = recogniser.recognise(ulaw, expect)
            spent += time.process_time() - began
            sound += len(ulaw) / 8000
            said = in_words(clip.text)
            kind = "+".join(sorted(expect.kinds))
            for name in (kind, "all"):
                tallies.setdefault(name, Tally()).add(said.split(), heard.text.split())
            if kind == "yes_no":
                decisions.append(yes_or_no(said) == yes_or_no(heard.text))
            if asked.wrong and said != heard.text:
                print(f"    {kind}: {clip.clip_id}: {said!r} heard {heard.text!r} {heard.confidence}")
        for name, tally in sorted(tallies.items()):
            print(f"| {label} | {name} | {tally} |")
        print(f"\n{label}: yes/no decisions right {sum(decisions)}/{len(decisions)}")
        print(f"{label}: CPU {spent / sound:.3f} s per second of sound\n")
    report_foreign(recogniser, by_id, asked.wrong)
    report_backwards(recogniser, clips, asked.wrong)


def report_foreign(recogniser: Recogniser, by_id: dict[str, Clip], show: bool) -> None:
    """Answers to another question than the one asked."""
    tally = Tally()
    for kinds, clip_ids in FOREIGN:
        for seed, clip_id in enumerate(clip_ids.split()):
            expect = Expectation(frozenset(kinds.split()))
            heard = recogniser.recognise(on_the_line(by_id[clip_id], None, seed), expect)
            tally.add(in_words(by_id[clip_id].text).split(), heard.text.split())
            if show:
                print(f"    {kinds}: {clip_id} heard as {heard.text!r} {heard.confidence}")
    print(f"answers to another question | word errors | exact | rejected: {tally}")


def report_backwards(recogniser: Recogniser, clips: list[Clip], show: bool) -> None:
    """Clips played backwards: the sound of speech without a word in it."""
    refused = total = doubtful = 0
    for seed, clip in enumerate(clips[::3]):
        backwards = Clip(clip.clip_id, "", clip.voice, clip.ulaw[::-1])
        heard = recogniser.recognise(on_the_line(backwards, None, seed), expectation_of(clip))
        total += 1
        refused += heard.text == ""
        doubtful += heard.confidence < 0.5
        if show:
            print(f"    backwards {clip.clip_id} heard as {heard.text!r} {heard.confidence}")
    print(f"speech played backwards: refused {refused}/{total}, confidence under 0.5 {doubtful}/{total}")


if __name__ == "__main__":
    main()
