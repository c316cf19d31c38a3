"""The verdict on who answered, as it stands: what it rests on, how soon it came, what it replaced."""

from __future__ import annotations

from collections.abc import Mapping

from byourside_server.calls.answering import Answering, Verdict
from byourside_server.conversation import patience
from byourside_server.conversation.pickup import Finding, Pickup

SURE = 0.99
BY_BEEP = Finding("voicemail", "beep", SURE)
BY_WORDS = Finding("voicemail", "words", 0.98)
BY_MIND = Finding("voicemail", "mind", 0.9)
BEFORE_A_PERSON: Mapping[str, Finding] = {
    "ivr": Finding("ivr", "words", 0.9),
    "screening": Finding("screening", "words", 0.9),
}
NOTHING_HEARD = Finding("unknown", "silence", 0.5)
_FAX = Finding("fax", "fax_tone", SURE)
_NOBODY_THERE = Finding("unknown", "network_tone", SURE)

# The three rising tones come before "the number you have dialled is not in service".
_OF_TONE: Mapping[str, Finding] = {"fax_ced": _FAX, "fax_cng": _FAX, "sit": _NOBODY_THERE}
_REASON_TO_END: Mapping[Verdict, str] = {"voicemail": "voicemail", "fax": "fax"}


def reason_to_end(finding: Finding) -> str:
    """The `endReason` where a call ends because of who answered."""
    if finding.by == "network_tone":
        return "unallocated_number"
    return _REASON_TO_END.get(finding.verdict, "not_a_person")


class Verdicts:
    """One call's verdict. A second one that says the same changes nothing."""

    def __init__(self) -> None:
        self.answering: Answering | None = None

    def reach(self, finding: Finding, now: float) -> Verdict:
        before = self.answering.verdict if self.answering is not None else None
        if finding.verdict != before:
            time_ms = max(0, round(now * 1000))
            self.answering = Answering(finding.verdict, finding.by, time_ms, finding.confidence, before)
        return finding.verdict

    def of_tone(self, kind: str, at: float, pickup: Pickup, *, has_conversed: bool) -> Finding | None:
        """What a tone, heard `at`, says of who answered; None where it says nothing (any more)."""
        kind = pickup.hear_tone(kind)
        if kind != "beep":
            return None if has_conversed else _OF_TONE.get(kind)
        is_open = self.answering is None or self.answering.verdict in ("unknown", "ivr", "screening")
        is_soon = at <= patience.BEEP_PROVES_UNTIL_S and not has_conversed
        return BY_BEEP if is_open or is_soon else None
