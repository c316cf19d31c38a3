"""A recorded menu of keys as words: which options it offers, and which of them leads on.

Pure. Reads both orders, "for sales press one" and "press one for sales", and what recognition makes of
digits ("press to", "press won"). The choice goes by the objective alone: background is never looked at.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from byourside_server.conversation.fields import stems
from byourside_server.conversation.words import plain

OPERATOR_KEY = "0"
_KEYS = {
    **{word: str(digit) for digit, word in enumerate(
        ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
    )},
    **{str(digit): str(digit) for digit in range(10)},
    "oh": "0", "o": "0", "won": "1", "to": "2", "too": "2", "tree": "3", "fore": "4", "for": "4",
    "fife": "5", "sicks": "6", "ate": "8", "niner": "9",
    "star": "*", "asterisk": "*", "pound": "#", "hash": "#",
}
_HEARD_WRONG = frozenset({"to", "for", "o"})  # keys only where nothing else makes sense
_PRESS = re.compile(
    r"\b(?:press(?:ing)?|dial|push|select|choose|enter)(?: or say| and say)?"
    r"(?: (?:the|number|key|option|digit))* (" + "|".join(sorted(_KEYS, key=len, reverse=True)) + r")\b"
    r"(?: key)?"
)
_LEADS = re.compile(r"^(?:or |and )*(?:for|to|if)\b")
_LAST_LEAD = re.compile(r".*\b(?:for|to|if) (?=\S)")

# What callers want, by the words they use for it, and what menus call that. First column: stems of either.
TOPICS: tuple[tuple[str, str], ...] = (
    (
        r"appointment|reschedul|visit|check-?up|consultation|doctor|dentist|haircut|schedul",
        r"appointment|schedul|booking|reservation|reception",
    ),
    (r"reserv|table|book|room|guests?", r"reserv|booking|appointment|table"),
    (r"bill|invoice|payment|pay|charge|refund|balance|owe", r"bill|payment|account|invoice|finance"),
    (r"order|deliver|package|shipment|parcel|tracking", r"order|deliver|shipping|tracking|parcel"),
    (
        r"problem|broken|repair|not working|fix|issue|error|technical|support|outage|complain|warranty"
        r"|return",
        r"support|technical|repair|service|problem|help|return",
    ),
    (
        r"price|cost|quote|buy|purchase|offer|stock|availab|product|rent|sale|sell",
        r"sales|new customer|product|price",
    ),
    (r"hours|open|close|location|address|directions", r"hours|direction|location|information"),
    (r"prescription|refill|pharmacy|medication", r"prescription|refill|pharmac"),
)
_OPERATOR = re.compile(
    r"\b(?:operator|representative|agent|receptionist|reception|front desk|attendant|someone|somebody"
    r"|a person|team member|advisor|associate|staff|speak|talk)\b"
)
_ANYTHING_ELSE = re.compile(
    r"\b(?:all other|anything else|other (?:questions|inquiries|enquiries|matters|calls)|general"
    r"|everything else|all else|customer service|connected|accept|continue|english|inquiries|enquiries"
    r"|questions|information)\b"
)
_LEADS_NOWHERE = re.compile(
    r"\b(?:repeat|again|hear th|message|voice ?mail|mailbox|end (?:the|this) call|hang up|spanish|espanol"
    r"|french|previous|main menu|go back|return to|extension|directory|survey|fax|decline|reject|block)\b"
)
TOPIC_POINTS, WORD_POINTS = 3, 2


@dataclass(frozen=True)
class Option:
    """A key and what it is for."""

    key: str
    label: str


@dataclass(frozen=True)
class Pressed:
    """Keys, and the menu they answered."""

    menu: str
    keys: str


def options_of(text: str) -> tuple[Option, ...]:
    """The options that the words offer, in their order."""
    spoken = plain(text)
    presses = [match for match in _PRESS.finditer(spoken) if _is_key(match, spoken)]
    if not presses:
        return ()
    between = [
        spoken[start:end].strip()
        for start, end in zip(
            [0, *(match.end() for match in presses)],
            [*(match.start() for match in presses), len(spoken)],
            strict=True,
        )
    ]
    is_key_first = _LEADS.match(between[-1]) is not None
    labels = between[1:] if is_key_first else [_first_label(between[0]), *between[1:-1]]
    return tuple(
        Option(_KEYS[match[1]], _without_lead(label)) for match, label in zip(presses, labels, strict=True)
    )


def key_for(
    options: Sequence[Option], wish: str, tried: Collection[str] = (), *, is_over: bool = False
) -> str:
    """The key that leads on, "" for none yet. `wish` is the objective; `tried` keys led nowhere.

    While the menu may go on only an option that fits the wish is taken; once it `is_over`, an operator,
    then whatever takes all other matters, then the key that reaches one in most menus.
    """
    open_options = [
        option for option in options if option.key not in tried and not _LEADS_NOWHERE.search(option.label)
    ]
    best = max(open_options, key=lambda option: _points(option.label, wish), default=None)
    if best is not None and _points(best.label, wish) > 0:
        return best.key
    if not is_over:
        return ""
    for pattern in (_OPERATOR, _ANYTHING_ELSE):
        for option in open_options:
            if pattern.search(option.label):
                return option.key
    is_offered = any(option.key == OPERATOR_KEY for option in options)
    return "" if OPERATOR_KEY in tried or is_offered else OPERATOR_KEY


def is_same_menu(one: str, other: str) -> bool:
    """Whether both read out the same options."""
    keys, others = ({(o.key, o.label) for o in options_of(text)} for text in (one, other))
    if not keys or not others:
        return plain(one) == plain(other)
    return len(keys & others) * 2 >= min(len(keys), len(others)) and bool(keys & others)


def _points(label: str, wish: str) -> int:
    """How well an option fits what the caller wants."""
    wanted = plain(wish)
    shared = stems(label) & stems(wanted)
    fits = any(_begins(ours, wanted) and _begins(theirs, label) for ours, theirs in TOPICS)
    return len(shared) * WORD_POINTS + fits * TOPIC_POINTS


def _begins(pattern: str, text: str) -> bool:
    """Whether a word begins so."""
    return re.search(rf"\b(?:{pattern})", text) is not None


def _is_key(match: re.Match[str], spoken: str) -> bool:
    """ "Press to" is a two where no verb follows: "press to speak" is none."""
    if match[1] not in _HEARD_WRONG:
        return True
    rest = spoken[match.end() :].strip()
    return not rest or _LEADS.match(rest) is not None or " press " in f" {rest} "


def _first_label(before: str) -> str:
    """Before the first key stands the greeting as well: only from the last "for" or "to" on."""
    found = _LAST_LEAD.match(before)
    return before[found.end() :] if found else before


def _without_lead(label: str) -> str:
    return re.sub(r"^(?:or |and )*(?:for|to|if you(?:'d like| would like| want| are)?(?: to)?)\s+", "", label)
