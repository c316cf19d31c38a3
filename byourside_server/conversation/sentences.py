"""A model's text as it streams, cut into sentences that can be spoken while the next is still being made.

Knows spelling: abbreviations, decimals, initials, quotes. What a sentence means, and how it gets its final
shape for the ear, is not decided here.
"""

from __future__ import annotations

import re

from byourside_server.conversation.words import word_set

# A first sentence this long is begun at a clause, so that nobody waits for its end.
LONG_START = 80  # characters
SHORTEST_CLAUSE = 25

_CLOSERS = "\"'”’»)]*_」』）"
_END = re.compile(rf"[.!?…؟।]+[{re.escape(_CLOSERS)}]*(?=\s)|[。！？｡]+[{re.escape(_CLOSERS)}]*|\n")
_CLAUSE = re.compile(r"(?:[,;:]|\s[–—-])\s|[，、；：]|—")
# Followed by a name or a number, never the end.
_NEVER_LAST = word_set(
    "dr mr mrs ms mx prof rev hon gen sen rep st mt vs e.g i.e approx ext dept fig z.b bzw ca sra sr dra m"
    " mme mlle dhr mevr mw sig dott ing"
)
# May be the last word of a sentence: it is where a new one begins with a capital letter.
_MAY_BE_LAST = word_set("a.m p.m inc ltd co corp jr etc ave blvd rd u.s u.k d.c usw")
_BEFORE_NUMBER = word_set("no nos nr art")
# Capitalised in the middle of a sentence, after "2 p.m." or "the 3.".
_DAYS_AND_MONTHS = word_set(
    "monday tuesday wednesday thursday friday saturday sunday january february march april may june july"
    " august september october november december montag dienstag mittwoch donnerstag freitag samstag sonntag"
    " januar februar märz mai juni juli oktober dezember est edt cst cdt mst mdt pst pdt gmt utc"
)


class SentenceCutter:
    """Takes text piece by piece and gives back whole sentences."""

    def __init__(self, *, may_split_first: bool = True) -> None:
        """`may_split_first` lets a long first sentence begin at a clause."""
        self._text = ""
        self._may_split = may_split_first

    def push(self, piece: str) -> list[str]:
        """The sentences that are whole now."""
        self._text += piece
        found = []
        while (end := self._next_end()) is not None:
            found.append(self._text[:end].strip())
            self._text = self._text[end:]
        sentences = [sentence for sentence in found if sentence]
        if sentences:
            self._may_split = False
        elif self._may_split and (clause := self._first_clause()):
            self._may_split = False
            sentences = [clause]
        return sentences

    def finish(self) -> list[str]:
        """What is left at the end of the text."""
        rest = self.push("\n")
        self._text = ""
        return rest

    def _next_end(self) -> int | None:
        for match in _END.finditer(self._text):
            verdict = _is_end(self._text, match)
            if verdict is None:
                return None  # the next word will tell
            if verdict:
                return match.end()
        return None

    def _first_clause(self) -> str:
        """The longest run of clauses of a first sentence that is long already; "" where there is none."""
        if len(self._text) < LONG_START:
            return ""
        ends = [match.end() for match in _CLAUSE.finditer(self._text) if match.end() >= SHORTEST_CLAUSE]
        if not ends:
            return ""
        clause, self._text = self._text[: ends[-1]].strip(), self._text[ends[-1] :]
        return clause


def sentences_of(text: str) -> list[str]:
    """The sentences of a whole text."""
    cutter = SentenceCutter(may_split_first=False)
    return [*cutter.push(text), *cutter.finish()]


def _is_end(text: str, match: re.Match[str]) -> bool | None:
    """Whether the mark ends a sentence; None where that hangs on text that has not come yet."""
    mark = match[0].rstrip(_CLOSERS)
    if mark not in (".", "...", "…"):
        return True
    word = _word_before(text, match.start())
    if mark == "." and (word.lower() in _NEVER_LAST or _is_initial(word)):
        return text[match.end() : match.end() + 1] == "\n"
    if word.isdigit() and text[: match.start()].strip() == word:
        return False  # "1. First" in a list
    is_doubtful = word.lower() in _MAY_BE_LAST | _BEFORE_NUMBER or word.isdigit()
    if mark == "." and not is_doubtful:
        return True
    return _begins_anew(text[match.end() :], after=word)


def _begins_anew(rest: str, *, after: str) -> bool | None:
    """Whether the words after a doubtful mark begin a sentence."""
    if rest[:1] == "\n":
        return True
    following = re.match(r"\s+(\S+)(\s?)", rest)
    if following is None:
        return None
    word = following[1].strip(".,;:!?\"'“”()")
    if after.lower() in _BEFORE_NUMBER:
        return not word[:1].isdigit()
    is_whole = bool(following[2]) or following[1][-1:] in ".,;:!?"
    if not word[:1].isupper():
        return not word[:1].islower() and not word[:1].isdigit() if is_whole else None
    if not is_whole:
        return None
    return word.lower() not in _DAYS_AND_MONTHS


def _word_before(text: str, at: int) -> str:
    found = re.search(r"[^\s\"'“(]*$", text[:at])
    return found[0] if found else ""


def _is_initial(word: str) -> bool:
    """ "J. Smith", "J.R. Smith": single letters; "I." and CJK are not."""
    is_single = re.fullmatch(r"(?:[A-Z]\.)*[A-Z]", word) is not None
    return is_single and word != "I" and word.lower() not in _MAY_BE_LAST
