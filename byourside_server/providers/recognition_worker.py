"""The process that holds pocketsphinx: telephone sound and an expectation in, words and confidence out.

One decoder with the acoustic model its wheel carries; a grammar is a search added to it, kept while it
is among the most recently used. A grammar alone never says no: a second pass lets the same decoder
spell the sound freely in phones, and what the phones explain much better was not in the grammar.
Run as `python -m byourside_server.providers.recognition_worker`; `recognition_message` has the format.
"""

import math
import re
import warnings
from collections import OrderedDict
from dataclasses import dataclass

from pocketsphinx import Decoder, Segment, get_model_path

from byourside_server.providers.base import Expectation, Recognition
from byourside_server.providers.grammar import grammar_for, words_of
from byourside_server.providers.pronunciation import guess_pronunciation
from byourside_server.providers.recognition_message import (
    read_request,
    write_recognition,
)
from byourside_server.providers.telephone_band import decode_ulaw, sounding_time, to_int16, widen
from byourside_server.providers.worker_pipe import serve

KEPT_GRAMMARS = 32
SHORTEST_SPEECH_MS = 100  # less is a click
PHONE_LOOP = "phone_loop"
ONE_WORD = "one_word"
FRAME_MS = 10.0  # of the decoder
LOG_BASE = math.log(1.0001)  # unit of the decoder's scores

# Built at the start, before the first call needs them: these take 20 to 450 ms each.
COMMON_KINDS = (
    ("open",),
    ("yes_no",),
    ("greeting", "voicemail"),
    ("day", "time"),
)
EVERYTHING = Expectation(frozenset({"open"}))

# Weight of the grammar and cost of a word, chosen on bench/stt_clips.py: with a widened band, of 6.5 and
# 0.65 (the decoder's own) 3.1 % word errors on a quiet line and 9.6 % in noise, of these 3.1 % and 8.6 %.
GRAMMAR_WEIGHT = 4.0
WORD_PENALTY = 0.3
# The phone loop only measures how well the sound can be explained at all: hardly any language in it.
PHONE_LOOP_SETTINGS = {"allphone_ci": True, "lw": 2.0, "pip": 0.3, "beam": 1e-20, "pbeam": 1e-20}

# Deficit: how much better, per 10 ms, free phones explain the sound than the grammar's sentence does
# (docs/decisions/embedded-speech.md has the distributions).
MIDDLE_DEFICIT = 36.0
DEFICIT_SPREAD = 6.0
SUSPICIOUS_CONFIDENCE = 0.88  # below this the sentence may belong to another question
CLEARLY_BETTER = 0.2
REJECT_BELOW = 0.15  # lower lets in more speech played backwards, higher loses short answers
# Words must account for the sound: a tone with an "oh" in it, or half a sentence, is not understood.
LEAST_COVERAGE = 0.5
# A sentence drawn out beyond this is rather music or a tone; one recording of 97 is slower.
LONGEST_START_MS = 400.0
LONGEST_LETTER_MS = 110.0

_NOT_A_WORD = re.compile(r"<[^>]*>|\[[^\]]*\]|\(\w+\)|\+\+\w+\+\+")


@dataclass(frozen=True)
class Reading:
    """One pass over the sound: the words, and the deficit against free phones."""

    text: str
    deficit: float
    spoken_ms: float

    def confidence(self, sounding_ms: float) -> float:
        """0 to 1, from how well the words fit, how much of the sound they cover, and their pace."""
        fit = 1 / (1 + math.exp(min((self.deficit - MIDDLE_DEFICIT) / DEFICIT_SPREAD, 50.0)))
        coverage = min(1.0, self.spoken_ms / (LEAST_COVERAGE * sounding_ms))
        letters = sum(map(str.isalpha, self.text))
        haste = min(1.0, (LONGEST_START_MS + LONGEST_LETTER_MS * letters) / max(self.spoken_ms, 1.0))
        return fit * coverage**2 * haste**3


class Recogniser:
    """Decodes one utterance at a time with the grammar it may come from."""

    def __init__(self) -> None:
        model = get_model_path("en-us")
        files = {"hmm": f"{model}/en-us", "dict": f"{model}/cmudict-en-us.dict", "lm": None}
        self._decoder = Decoder(
            **files,
            lw=GRAMMAR_WEIGHT,
            wip=WORD_PENALTY,
            bestpath=False,  # its lattice explodes on looping grammars: minutes for one voicemail greeting
            loglevel="FATAL",
        )
        self._phones = Decoder(**files, **PHONE_LOOP_SETTINGS, loglevel="FATAL")
        self._phones.add_allphone_file(PHONE_LOOP, f"{model}/en-us-phone.lm.bin")
        for decoder in (self._decoder, self._phones):
            decoder.add_jsgf_string(ONE_WORD, "#JSGF V1.0; grammar one; public <one> = yes;")
        self._phones.activate_search(PHONE_LOOP)
        self._grammars: OrderedDict[str, str] = OrderedDict()  # JSGF → name of its search
        self._made = 0

    def prepare(self, expect: Expectation) -> None:
        """Build the grammar now rather than with the first utterance."""
        self._search_for(expect)

    def recognise(self, ulaw: bytes, expect: Expectation) -> Recognition:
        """Words and confidence; text "" where the sound is clearly no sentence we know.

        What does not fit the expected answers is tried once more with everything we know.
        Without any sound the grammar is still built: that is how a call prepares its next question.
        """
        self.prepare(expect)
        line = decode_ulaw(ulaw)
        sounding_ms = sounding_time(line) * 1000
        if sounding_ms < SHORTEST_SPEECH_MS:
            return Recognition("", 0.0)
        sound = to_int16(widen(line))
        free = self._free_score(sound)
        best = self._read(sound, expect, free)
        if self._is_suspicious(best, sounding_ms) and expect.kinds != EVERYTHING.kinds:
            other = self._read(sound, EVERYTHING, free)
            if other.confidence(sounding_ms) > best.confidence(sounding_ms) + CLEARLY_BETTER:
                best = other
        confidence = best.confidence(sounding_ms)
        return Recognition(best.text if confidence >= REJECT_BELOW else "", round(confidence, 3))

    @staticmethod
    def _is_suspicious(reading: Reading, sounding_ms: float) -> bool:
        return reading.confidence(sounding_ms) < SUSPICIOUS_CONFIDENCE

    def _read(self, sound: bytes, expect: Expectation, free: float) -> Reading:
        """The grammar's best sentence."""
        self._decoder.activate_search(self._search_for(expect))
        pieces = _decode(self._decoder, sound)
        words = [piece for piece in pieces if not _NOT_A_WORD.fullmatch(piece.word)]
        if not words:
            return Reading("", math.inf, 0.0)
        text = " ".join(_NOT_A_WORD.sub("", piece.word) for piece in words)
        spoken_frames = sum(piece.end_frame - piece.start_frame + 1 for piece in words)
        return Reading(text, (free - sum(map(_score, pieces))) / spoken_frames, spoken_frames * FRAME_MS)

    def _free_score(self, sound: bytes) -> float:
        """Acoustic score of the best string of phones, whatever it means."""
        return sum(map(_score, _decode(self._phones, sound)))

    def _search_for(self, expect: Expectation) -> str:
        jsgf = grammar_for(expect)
        if jsgf not in self._grammars:
            self._made += 1
            name = f"grammar_{self._made}"
            self._learn_words(jsgf)
            self._decoder.add_jsgf_string(name, jsgf)
            self._grammars[jsgf] = name
            if len(self._grammars) > KEPT_GRAMMARS:
                _, oldest = self._grammars.popitem(last=False)
                self._decoder.remove_search(oldest)
        self._grammars.move_to_end(jsgf)
        return self._grammars[jsgf]

    def _learn_words(self, jsgf: str) -> None:
        """Give every word a pronunciation: one without would make the decoder refuse the grammar."""
        for word in sorted(words_of(jsgf)):
            if self._decoder.lookup_word(word) is None:
                self._decoder.add_word(word, guess_pronunciation(word) or "AH", True)


def _decode(decoder: Decoder, sound: bytes) -> list[Segment]:
    """The pieces of the best path through the decoder's active search.

    The decoder takes noise out of a sound as it has learnt it from earlier sounds, whose calls they were all
    the same, and so hears it another way after each. Here it learns from the sound itself, in a first pass
    that looks for one word alone and costs little.
    """
    search = decoder.current_search()
    # The library calls this needless, but nothing else has it forget.
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        decoder.start_stream()
    for each in (ONE_WORD, search):
        decoder.activate_search(each)
        decoder.start_utt()
        decoder.process_raw(sound, full_utt=True)
        decoder.end_utt()
    return list(decoder.seg() or ()) if decoder.hyp() is not None else []


def _score(piece: Segment) -> float:
    """The piece's acoustic score in the decoder's own units: it hands out the exponential."""
    return math.log(max(piece.ascore, 1e-300)) / LOG_BASE


def main() -> None:
    """Answer until the parent closes the pipe."""
    recogniser = Recogniser()
    for kinds in COMMON_KINDS:
        recogniser.prepare(Expectation(frozenset(kinds)))
    serve(lambda request: write_recognition(recogniser.recognise(*read_request(request))))


if __name__ == "__main__":
    main()
