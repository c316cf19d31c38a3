"""Do a number, a time or a text agree with what was said?

For values whose finder is not trusted. A value may come from the contact's own words, from a proposal of
the agent's that he agreed to, or from what was read back to him and confirmed.
"""

from __future__ import annotations

import re

from byourside_server.conversation.words import plain
from byourside_server.report.doubts import doubt
from byourside_server.report.findings import Finding
from byourside_server.report.said import figured, is_time, marks_of, marks_said, numbers_said, spelled
from byourside_server.report.talk import Talk, assents, corrects

_RANGE = re.compile(r"\b(\d+(?:\.\d+)?) (?:dollars? |euros? |pounds? )?(?:to|or|and) (\d+(?:\.\d+)?)\b")
_RANGE_LEAD = re.compile(r"\b(?:between|either|from|anywhere|somewhere)\b")
_CODE = re.compile(r"\S*@\S*|(?=(?:\D*\d){3})[A-Za-z0-9+() -]{3,}")
_CORRECTION = re.compile(
    r"\b(?:no wait|wait|scratch that|actually|i mean|i meant|sorry|correction|hold on|hang on|let me look"
    r"|(?<=\w )no)\b"
)
_ALIKE_FROM = 4
MIN_DIGITS = 3


def number_was_said(finding: Finding, talk: Talk) -> bool:
    """The figure stands in the contact's last word on it, or in a proposal he plainly agreed to."""
    assert isinstance(finding.value, int | float)
    value = float(finding.value)
    if doubt(finding.turn.text) == "command" and value not in numbers_said(finding.quote):
        return False
    last_word = _after_correction(finding.turn.text)
    if value in numbers_said(last_word):
        return True
    if numbers_said(last_word):
        return assents(finding.turn.text) and value in numbers_said(talk.said_before(finding.turn))
    agreed = talk.said_before(finding.turn) if assents(finding.turn.text) else ""
    return any(value in numbers_said(text) for text in (agreed, talk.confirmed_after(finding.turn)))


def stands_outside_ranges(finding: Finding) -> bool:
    """ "Between forty and fifty", "four or five" name no number."""
    assert isinstance(finding.value, int | float)
    spoken = figured(finding.turn.text)
    ranges = [
        match
        for match in _RANGE.finditer(spoken)
        if "and" not in match[0].split() or _RANGE_LEAD.search(spoken)
    ]
    value = float(finding.value)
    ends = {float(end) for match in ranges for end in match.groups()}
    if value not in ends and not (ranges and _RANGE_LEAD.search(spoken) and value in _ends_as_said(spoken)):
        return True
    outside = _RANGE.sub(" ", spoken)
    return value in numbers_said(outside)


_HOURS = range(1, 13)
_BEFORE_AN_HOUR = r"(?:at|after|before|until|till|past|by)"


def is_more_than_an_hour(finding: Finding) -> bool:
    """Whether a small number stands somewhere else in the turn than behind "at" or "after"."""
    assert isinstance(finding.value, int | float)
    if finding.value not in _HOURS:
        return True
    figure = f"{int(finding.value)}"
    spoken = figured(finding.turn.text)
    said = len(re.findall(rf"\b{figure}\b", spoken))
    as_hour = len(re.findall(rf"\b{_BEFORE_AN_HOUR} {figure}\b(?! (?!or\b|and\b|on\b|today\b)[a-z])", spoken))
    return said == 0 or said > as_hour


def _ends_as_said(spoken: str) -> frozenset[float]:
    match = re.search(r"\b(?:between|from)\b(.*)", spoken)
    return numbers_said(match[1]) if match is not None else frozenset()


def _after_correction(text: str) -> str:
    """What follows the last correction in a turn, where a figure or a time follows."""
    marks = list(_CORRECTION.finditer(text.lower()))
    for mark in reversed(marks):
        rest = text[mark.end() :]
        if mark.start() and (numbers_said(rest) or any(map(is_time, marks_said(rest)))):
            return rest
    return text


def text_was_said(finding: Finding, talk: Talk) -> bool:
    """Every word, time and spelling of the value was said by the contact or confirmed by him."""
    assert isinstance(finding.value, str)
    value = finding.value
    agreed = talk.said_before(finding.turn) if assents(finding.turn.text) else ""
    confirmed = talk.confirmed_after(finding.turn)
    if _CODE.fullmatch(value.strip()) and not any(map(is_time, marks_of(value))):
        return any(
            _is_spelled(value, text) for text in (_last_spelling(value, finding.turn.text), agreed, confirmed)
        )
    own = finding.turn.text
    times = {mark for mark in marks_of(value) if is_time(mark)}
    if times:
        own = _after_correction(own)
    earlier = " . ".join(turn.text for turn in talk.contact_until(finding.turn) if turn is not finding.turn)
    said = marks_said(own) | marks_said(agreed) | marks_said(confirmed)
    wanted = marks_of(value)
    if not wanted:
        return bool(marks_of(value) or plain(value)) and plain(value) in plain(own)
    missing = {mark for mark in wanted if not _holds(said, mark)}
    if missing == wanted:
        return False
    # A day named before, and an hour now: both are his.
    named = marks_said(earlier)
    return all(is_time(mark) and _holds(named, mark) and not _names_a_day(own, mark) for mark in missing)


def _names_a_day(text: str, mark: str) -> bool:
    """Whether the later words name a time of the same sort, so that the earlier one is replaced."""
    is_clock = mark.startswith("@")
    return any(is_time(each) and each.startswith("@") is is_clock for each in marks_of(text))


def _holds(said: frozenset[str], mark: str) -> bool:
    if mark in said:
        return True
    if is_time(mark) or not mark.isalpha() or len(mark) < _ALIKE_FROM:
        return False
    return any(_alike(mark, each) for each in said if each.isalpha() and len(each) >= _ALIKE_FROM)


def _alike(one: str, other: str) -> bool:
    """ "allergic" and "allergy": the same beginning, up to the last letters."""
    shared = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        shared += 1
    return shared >= max(_ALIKE_FROM, min(len(one), len(other)) - 2)


def _last_spelling(value: str, text: str) -> str:
    """What follows the last correction, where an address or a number is spelled there again."""
    for mark in reversed(list(_CORRECTION.finditer(text.lower()))):
        rest = spelled(text[mark.end() :])
        if mark.start() and ("@" in rest if "@" in value else sum(map(str.isdigit, rest)) >= MIN_DIGITS):
            return text[mark.end() :]
    return text


def _is_spelled(value: str, text: str) -> bool:
    """The value's letters and figures in a row, not cut out of longer ones."""
    wanted, spoken = _compact(spelled(value)), _compact(spelled(text))
    if not wanted or not spoken:
        return False
    at = spoken.rfind(wanted)
    while at >= 0:
        before, after = spoken[at - 1 : at], spoken[at + len(wanted) : at + len(wanted) + 1]
        if not (wanted[0].isdigit() and before.isdigit()) and not (wanted[-1].isdigit() and after.isdigit()):
            return True
        at = spoken.rfind(wanted, 0, at)
    return False


def _compact(text: str) -> str:
    return text if "@" in text else re.sub(r"[^a-z0-9]", "", text)


def is_outdated(finding: Finding, talk: Talk) -> bool:
    """A later correction names another number or time, or denies this one ("six, not five")."""
    for turn in talk.contact_after(finding.turn):
        if turn.index in talk.cited and not _denies(turn.text, finding):
            continue
        if _denies(turn.text, finding):
            return True
        if corrects(turn.text) and _names_another(turn.text, finding):
            return True
    return False


def _denies(text: str, finding: Finding) -> bool:
    denied = re.findall(r"\bnot ((?:on )?\S+(?: \S+)?)", figured(text))
    marks = marks_of(str(finding.value))
    return any(marks and marks <= marks_said(each) for each in denied)


def _names_another(text: str, finding: Finding) -> bool:
    if isinstance(finding.value, int | float):
        numbers = numbers_said(text)
        return bool(numbers) and float(finding.value) not in numbers
    times = {mark for mark in marks_of(str(finding.value)) if is_time(mark)}
    named = {mark for mark in marks_of(text) if is_time(mark)}
    sort = {mark.startswith("@") for mark in times}
    return bool(times) and any(
        mark.startswith("@") in sort and not _holds(marks_said(str(finding.value)), mark) for mark in named
    )
