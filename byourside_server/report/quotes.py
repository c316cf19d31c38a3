"""Where a quotation stands in a text, however its spaces, case and marks were copied.

Pure text. What is found is given back as it stands there, not as it was quoted.
"""

from __future__ import annotations

import re

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")


def located(quote: str, text: str) -> str | None:
    """The stretch of `text` that `quote` copies, None where its words do not stand there in a row."""
    wanted = [_folded(word) for word in _WORD.findall(quote)]
    if not wanted:
        return None
    found = list(_WORD.finditer(text))
    words = [_folded(match[0]) for match in found]
    for at in range(len(words) - len(wanted) + 1):
        if words[at : at + len(wanted)] == wanted:
            return text[found[at].start() : found[at + len(wanted) - 1].end()]
    return None


def _folded(word: str) -> str:
    return word.casefold().replace("’", "'")
