"""Written text to text that an engine reads aloud the way a person would.

Pure: strings only. Telephone numbers digit by digit, "2pm" as "2 P M", money with its unit after it,
addresses of the internet word by word, and no mark-up. Engines read plain numbers well: those stay.
"""

import re
from collections.abc import Callable

DIGIT_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
# currency sign: (one, many, hundredths)
CURRENCIES = {
    "$": ("dollar", "dollars", "cents"),
    "£": ("pound", "pounds", "pence"),
    "€": ("euro", "euros", "cents"),
}

Rule = tuple[re.Pattern[str], Callable[[re.Match[str]], str] | str]


def to_spoken(text: str) -> str:
    """`text` as it should reach a speech engine; "" where nothing can be said."""
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return " ".join(text.split())


def digit_by_digit(digits: str) -> str:
    """ "5550123" → "five five five, zero one two three": groups that a listener can write down."""
    words = [DIGIT_WORDS[int(digit)] for digit in digits]
    sizes = _group_sizes(len(words))
    groups = []
    for size in sizes:
        groups.append(" ".join(words[:size]))
        words = words[size:]
    return ", ".join(groups)


def _group_sizes(count: int) -> list[int]:
    """Threes, with the last group two to four long, as numbers are spoken in North America."""
    sizes = []
    while count > 4:
        sizes.append(3)
        count -= 3
    return [*sizes, count]


def _phone_number(match: re.Match[str]) -> str:
    digits = re.sub(r"\D", "", match[0])
    if match[0].startswith("+1") and len(digits) == 11:
        return digit_by_digit(digits[1:])  # nobody says the 1 to a neighbour
    return ("plus " if match[0].startswith("+") else "") + digit_by_digit(digits)


def _clock_time(match: re.Match[str]) -> str:
    hour, minute, half = match["hour"], match["minute"], match["half"]
    spoken = str(int(hour))
    if minute and minute != "00":
        spoken += f" oh {int(minute)}" if minute.startswith("0") else f" {int(minute)}"
    if half:
        return f"{spoken} {half[0].upper()} M"
    return spoken if minute != "00" else f"{spoken} o'clock"


def _money(match: re.Match[str]) -> str:
    one, many, hundredths = CURRENCIES[match["sign"]]
    whole = match["whole"].replace(",", "")
    spoken = f"{whole} {one if whole == '1' else many}"
    cents = match["cents"]
    return f"{spoken} and {int(cents)} {hundredths}" if cents and cents != "00" else spoken


def _iso_date(match: re.Match[str]) -> str:
    return f"{MONTHS[int(match['month']) - 1]} {int(match['day'])}, {match['year']}"


def _mail_or_site(match: re.Match[str]) -> str:
    return re.sub(r"[.@_-]", lambda mark: _MARK_WORDS[mark[0]], match[0])


_MARK_WORDS = {".": " dot ", "@": " at ", "_": " underscore ", "-": " dash "}

# "pm", "p.m." and "P M"; a full stop that also ends the sentence stays in the text
_HALF_OF_DAY = r"\s?(?P<half>[ap])(?:\.\s?m\.(?=\s+(?-i:[a-z])|,)|\.?\s?m\b)"

# In order: what is more particular comes first.
_RULES: tuple[Rule, ...] = (
    (re.compile(r"[\x00-\x1f\x7f*`<>|~^{}\[\]\\]+"), " "),
    (re.compile(r"https?://(?:www\.)?"), ""),
    (re.compile(r"\bAI\b"), "A I"),
    (
        re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+|\b[\w-]+(?:\.[\w-]+)*\.(?:com|org|net|io|ai|co\.uk)\b"),
        _mail_or_site,
    ),
    (
        re.compile(r"\b(?P<year>(?:19|20)\d\d)-(?P<month>0[1-9]|1[0-2])-(?P<day>0[1-9]|[12]\d|3[01])\b"),
        _iso_date,
    ),
    (re.compile(r"(?P<sign>[$£€])\s?(?P<whole>\d{1,3}(?:,\d{3})+|\d+)(?:\.(?P<cents>\d\d)\b)?"), _money),
    (
        re.compile(rf"\b(?P<hour>[01]?\d|2[0-3]):(?P<minute>[0-5]\d)(?:{_HALF_OF_DAY})?", re.IGNORECASE),
        _clock_time,
    ),
    (re.compile(rf"\b(?P<hour>1[0-2]|0?[1-9])(?P<minute>){_HALF_OF_DAY}", re.IGNORECASE), _clock_time),
    (
        re.compile(
            r"\+\d[\d ()-]{5,}\d|\(\d{3}\) ?\d{3}[- ]\d{4}"
            r"|\b\d{3}-\d{3}-\d{4}\b|\b\d{3}-\d{4}\b|\b\d{7,}\b"
        ),
        _phone_number,
    ),
    (re.compile(r"#\s?(?=\d)"), "number "),
    (re.compile(r"\s&\s"), " and "),
    (re.compile(r"\bDr\.(?= [A-Z])"), "Doctor"),
    (re.compile(r"(?<=\w)\s[—–-]\s(?=\w)|[—–]"), ", "),
)
