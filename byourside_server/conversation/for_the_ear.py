"""Written words made fit to be spoken: no mark-up, no pictures, no stage directions.

Pure: strings only. What is said stays what was written; how numbers and addresses sound is the voice's
matter.
"""

from __future__ import annotations

import re

_STAGE_WORDS = (
    r"pauses?|pausing|waits?|waiting|smiles?|smiling|laughs?|laughing|laughter|chuckles?|chuckling|sighs?"
    r"|sighing|clears? (?:my |his |her |their )?throat|coughs?|nods?|nodding|types?|typing|beeps?|silence"
    r"|hangs? up|ends? (?:the )?call|listens?|listening|whispers?|softly|warmly|cheerfully|gently|hesitates?"
    r"|thinking|beat|dial tone|ring(?:s|ing)?|cut off|interrupted|inaudible|unintelligible|no response"
    r"|disclosure|continues?|speaks?|brief pause|short pause|long pause|takes? a breath|inhales?|exhales?"
)
# "(pauses)", "*smiles warmly*", "[typing]"
_STAGE_DIRECTION = re.compile(
    rf"\((?:{_STAGE_WORDS})\b[^()]*\)|\[(?:{_STAGE_WORDS})\b[^\[\]]*\]|(?<!\*)\*(?:{_STAGE_WORDS})\b[^*\n]*\*"
    rf"|(?<!\w)_(?:{_STAGE_WORDS})\b[^_\n]*_(?!\w)",
    re.IGNORECASE,
)
_PICTURES = re.compile(
    "[\U0001f000-\U0001faff\u2600-\u27bf\u2b00-\u2bff\u2190-\u21ff\u25a0-\u25ff\ufe0f\u200d\u20e3"
    "\U000e0020-\U000e007f]+"
)
# A tool call or an object that a model wrote out as text.
_FOR_MACHINES = re.compile(r"^\s*(?:```\w*\s*)?(?:\{\s*[\"']|\[\s*\{|</?(?:tool|function)[\w_|]*)")
_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    (_STAGE_DIRECTION, " "),
    (re.compile(r"!?\[([^\[\]]+)\]\((?:[^()\s]+)\)"), r"\1"),  # a link is its text
    (re.compile(r"```\w*"), " "),
    (re.compile(r"`+"), ""),
    (re.compile(r"^\s*(?:agent|assistant|ai|you)\s*:\s+", re.IGNORECASE), ""),
    (re.compile(r"^\s*(?:#{1,6}|>|[-*•‣◦–—]|\(?\d{1,2}[.)])\s+(?=\S)"), ""),  # heading, quotation, list
    (re.compile(r"^\s*\|?(?:\s*:?-{3,}:?\s*\|?)+\s*$|^\s*(?:[-*_]\s*){3,}$"), " "),  # rulers
    (re.compile(r"\s*\|\s*"), ", "),
    (re.compile(r"(?<!\w)(?:__|~~)(.+?)(?:__|~~)(?!\w)"), r"\1"),
    (re.compile(r"(?<!\w)_(\S(?:[^_]*\S)?)_(?!\w)"), r"\1"),
    (re.compile(r"\*+(?=[^\s\d*])|(?<=[^\s\d*])\*+|\*{2,}"), ""),  # but "*67" is dialled
    (re.compile(r"</?(?:b|i|em|strong|br|p|speak|break|prosody|emphasis)\b[^<>]*>", re.IGNORECASE), " "),
    (_PICTURES, " "),
    (re.compile(r"\s+"), " "),
    (re.compile(r" (?=[,.;!?](?:\s|$))"), ""),
)


def for_the_ear(text: str) -> str:
    """`text` as it can be spoken; "" where there is nothing to say."""
    if _FOR_MACHINES.match(text):
        return ""
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    text = text.strip(" ,") if text.strip().startswith(",") else text.strip()
    return text if any(mark.isalnum() for mark in text) else ""
