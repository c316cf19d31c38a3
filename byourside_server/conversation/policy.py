"""What a mind's decision may have carried out, whatever the mind asks for.

Pure: a decision and the brief in, a decision out. Knows no mind: rules and language models are treated alike.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace

from byourside_server.conversation.brief import Brief, TransferTarget
from byourside_server.conversation.events import END_REASONS
from byourside_server.conversation.mind import DEFAULT_PATIENCE_S, Decision

MAX_KEYS = 32
LONGEST_PATIENCE_S = 60.0
SHORTEST_PATIENCE_S = 0.5
# The rest of END_REASONS are facts of the line, which a mind can't know.
REASONS_OF_A_MIND = frozenset(
    {
        "completed",
        "voicemail",
        "no_response",
        "not_interested",
        "do_not_call",
        "wrong_number",
        "callback_requested",
        "mind_failed",
    }
)
assert frozenset(END_REASONS) >= REASONS_OF_A_MIND
# Digits, star, hash, A to D (RFC 4733 §3.2), and a comma for a pause.
_KEYS = re.compile(rf"[0-9*#A-D,]{{1,{MAX_KEYS}}}")


def target_of(brief: Brief, name: str | None) -> TransferTarget | None:
    """The configured target with this name, however it is capitalised; None where there is none."""
    wanted = (name or "").strip().casefold()
    return next((target for target in brief.transfers if target.name.strip().casefold() == wanted), None)


def keys_of(text: str) -> str:
    """The keys as they may be pressed, "" where one of them is none or there are more than MAX_KEYS."""
    keys = re.sub(r"[\s-]", "", text).upper()
    return keys if _KEYS.fullmatch(keys) and keys.strip(",") else ""


def allowed(decision: Decision, brief: Brief, *, in_menu: bool) -> Decision:
    """The decision without what is not allowed; `note` says what was dropped, never what it held."""
    checked = _Checked(decision)
    _check_transfer(checked, brief)
    _check_keys(checked, in_menu)
    _check_ending(checked)
    _check_message(checked)
    _check_patience(checked)
    if not checked.dropped:
        return checked.decision
    note = "; ".join([part for part in (decision.note,) if part] + checked.dropped)
    return replace(checked.decision, note=note)


@dataclass
class _Checked:
    decision: Decision
    dropped: list[str]

    def __init__(self, decision: Decision) -> None:
        self.decision, self.dropped = decision, []

    def drop(self, why: str, **instead: object) -> None:
        self.decision = replace(self.decision, **instead)  # type: ignore[arg-type]
        self.dropped.append(why)


def _check_transfer(checked: _Checked, brief: Brief) -> None:
    decision = checked.decision
    if decision.then != "transfer":
        if decision.transfer_to is not None:
            checked.drop("dropped a transfer target without a transfer", transfer_to=None)
        return
    target = target_of(brief, decision.transfer_to)
    if target is None:
        checked.drop("dropped a transfer to an unknown target", then="listen", transfer_to=None)
    elif target.name != decision.transfer_to:
        checked.decision = replace(decision, transfer_to=target.name)


def _check_keys(checked: _Checked, in_menu: bool) -> None:
    decision = checked.decision
    if not decision.keys:
        return
    if not in_menu:
        checked.drop("dropped keys outside a menu", keys="")
    elif decision.then != "listen":
        checked.drop(f"dropped keys together with {decision.then}", keys="")
    elif not keys_of(decision.keys):
        checked.drop("dropped keys that are none, or too many", keys="")
    else:
        checked.decision = replace(decision, keys=keys_of(decision.keys))


def _check_ending(checked: _Checked) -> None:
    decision = checked.decision
    if decision.then != "hang_up":
        if decision.end_reason is not None:
            checked.drop("dropped a reason to end without an end", end_reason=None)
    elif decision.end_reason is None:
        checked.decision = replace(decision, end_reason="completed")
    elif decision.end_reason not in REASONS_OF_A_MIND:
        checked.drop("dropped a reason to end that a mind can't know", end_reason="completed")


def _check_message(checked: _Checked) -> None:
    """A machine is spoken to after its beep, by the conversation: not before, and nothing else."""
    decision = checked.decision
    if decision.then == "leave_message" and (decision.say or decision.asks):
        checked.drop("dropped words to a machine before its beep", say="", asks=None)


def _check_patience(checked: _Checked) -> None:
    patience_s = checked.decision.patience_s
    if not math.isfinite(patience_s):
        checked.drop("dropped a patience that is no number", patience_s=DEFAULT_PATIENCE_S)
    elif not SHORTEST_PATIENCE_S <= patience_s <= LONGEST_PATIENCE_S:
        kept_s = min(max(patience_s, SHORTEST_PATIENCE_S), LONGEST_PATIENCE_S)
        checked.drop("dropped a patience out of range", patience_s=kept_s)
