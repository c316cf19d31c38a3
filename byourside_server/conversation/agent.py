"""The agent's side of the talk: asks the mind, speaks as it answers, and knows what was decided.

Lets nothing of the caller's background out, and holds a goodbye back until all that the caller demands was
said. Keeps no time: what is to follow is told to the conversation as a `Next`.
"""

from __future__ import annotations

from collections import deque
from typing import Literal

from byourside_server.calls.transcript import Turn
from byourside_server.conversation.brief import Brief
from byourside_server.conversation.connecting import Connecting
from byourside_server.conversation.discretion import Discretion
from byourside_server.conversation.events import ConversationEvent, PressKeys, Transfer
from byourside_server.conversation.farewell import Farewell
from byourside_server.conversation.foresight import Foresight
from byourside_server.conversation.intents import Intent, intent_of
from byourside_server.conversation.listening import ContactTurn
from byourside_server.conversation.mind import Decision, Occasion, Situation
from byourside_server.conversation.mouth import Mouth
from byourside_server.conversation.obligations import owed
from byourside_server.conversation.policy import allowed, target_of
from byourside_server.conversation.record import Record
from byourside_server.conversation.thought import Thought
from byourside_server.conversation.utterance import Words

# speaking: words are on their way · listen: it is the contact's turn · finish · voicemail: a machine listens
# · transfer: the call is being handed over
Next = Literal["speaking", "listen", "finish", "voicemail", "transfer"]


class Agent:
    """One side of one conversation."""

    def __init__(self, brief: Brief, events: deque[ConversationEvent], record: Record) -> None:
        self._brief = brief
        self._events = events
        self._record = record
        self._discretion = Discretion(brief)
        self._farewell = Farewell(brief)
        self._since = 0  # the first turn with the one who has the phone now
        self._replies_to: float | None = None
        self._decided_late: tuple[int, Decision] | None = None  # came while the contact spoke
        self._unanswered: tuple[Occasion, str] | None = None  # what the mind was asked last
        self._keys = ""  # to be pressed after the words for a menu
        self._was_asked_to_hold = False
        self.is_back = False  # somebody speaks again after we were on hold
        self.way = Connecting()
        self.mouth = Mouth(brief, events, record)
        self.thought = Thought(events)
        self.foresight = Foresight(self.thought, events, self.mouth)
        self.decision: Decision | None = None
        self.silences = 0
        self.unclear = 0

    @property
    def reason_to_end(self) -> str:
        """Why the call ends, where the mind ends it."""
        return (self.decision and self.decision.end_reason) or "completed"

    def is_taking_leave(self, heard: str = "") -> bool:
        """Whether only what the caller demands keeps the goodbye back, also after these words."""
        return self._farewell.is_under_way and not self._farewell.is_put_off_by(heard)

    @property
    def _turns(self) -> tuple[Turn, ...]:
        """What the one on the phone may have heard."""
        return self._record.turns[self._since :]

    def begin_anew(self) -> None:
        """Somebody else will come to the phone, to whom nothing was said yet."""
        self.decision, self.silences = None, 0
        self._farewell = Farewell(self._brief)
        self._since = len(self._record.turns)

    def hear(self, text: str) -> None:
        """The contact's words, whatever becomes of them."""
        self._discretion.heard(text)

    def hold_back(self) -> None:
        """They speak: what is not being said yet waits until it is known whether that means anything."""
        self.foresight.drop()
        if not self.thought.has_begun:
            self.thought.drop()  # a reply to what went before would talk over them
        self.mouth.hold_back(is_replying=self.thought.has_begun)

    def think(self, occasion: Occasion, text: str, heard: ContactTurn | None) -> Next | None:
        """Ask the mind what comes next, or take over what was foreseen; what was to be said is dropped."""
        situation = Situation(
            brief=self._brief,
            turns=self._record.turns_for_mind,
            occasion=occasion,
            text=text,
            confidence=heard.confidence if heard is not None else 0.0,
            open_step=self._record.open_step,
            silences=self.silences,
            unclear=self.unclear,
            owed=owed(self._brief, self._turns),
            pressed=self.way.pressed,
            is_back=self.is_back,
        )
        foreseen = self.foresight.redeem(situation)
        self.drop()
        self._farewell.put_off()
        self._unanswered = occasion, text
        self._was_asked_to_hold = intent_of(text) is Intent.HOLD
        self.is_back = False
        self._replies_to = heard.voiced_until if heard is not None else None
        if foreseen is None:
            self.thought.ask(situation)
            return None
        self.thought.take_over(foreseen.number, situation)
        for sentence in foreseen.sentences:
            self.take_words(foreseen.number, sentence)
        return self.take_reply(foreseen.number, foreseen.decision) if foreseen.decision else None

    def foresee(self, text: str, confidence: float, turn: ContactTurn) -> None:
        """Ask the mind ahead: as if the turn in progress were over with these words."""
        before = self._record.turns_for_mind
        start_ms, end_ms = round(turn.start * 1000), round(turn.voiced_until * 1000)
        said = Turn(len(before), "contact", text, max(0, start_ms), end_ms, confidence=round(confidence, 3))
        situation = Situation(
            brief=self._brief,
            turns=(*before, said),
            occasion="heard",
            text=text,
            confidence=confidence,
            open_step=self._record.open_step,
            owed=owed(self._brief, (*self._turns, said)),
            pressed=self.way.pressed,
        )
        self.foresight.ask(situation, self._discretion.on_trial(), turn.start)

    def take_words(self, request_id: int, text: str) -> None:
        """A sentence of the reply, while the rest is being made."""
        if self.thought.is_of(request_id):
            self.thought.begin()
            self.say(text)
        else:
            self.foresight.take_words(request_id, text)

    def take_reply(self, request_id: int, decision: Decision) -> Next | None:
        """The reply, or its end; None where it is too late or must wait until the contact has spoken."""
        if not self.thought.is_of(request_id):
            self.foresight.take_reply(request_id, decision)
            return None
        if decision.end_reason == "mind_failed" and self.thought.ask_again():
            return None
        if self.mouth.is_held:
            self._decided_late = request_id, decision
            return None
        has_begun, is_menu = self.thought.has_begun, self.thought.occasion == "menu"
        self.thought.finish()
        self._unanswered = None
        decision = allowed(decision, self._brief, in_menu=is_menu)
        coming = f"{self.mouth.unsaid} {decision.say}"
        if not is_menu and self._farewell.is_due(decision, self._turns, coming):
            self._farewell.begin(decision, has_said_goodbye=has_begun and not decision.say.strip())
            return self.take_leave("")
        return self._follow(decision, is_menu=is_menu)

    def _follow(self, decision: Decision, *, is_menu: bool = False) -> Next:
        if decision.then == "leave_message":
            return "voicemail"
        ends = decision.then == "hang_up"
        if is_menu:
            self._keys = decision.keys
        if not is_menu or ends:
            self.decision = decision
        if decision.say.strip():
            self.say(decision.say, asks=decision.asks, is_last=ends)
        else:
            self.mouth.finish_reply(decision.asks, is_last=ends)
        is_done = self.mouth.is_silent or (self.mouth.is_filling and not self.mouth.has_more)
        return self.all_said() if is_done else "speaking"

    def all_said(self) -> Next:
        """All words of a reply are out: now the rest of what was decided."""
        self._record.close()
        keys, self._keys = self._keys, ""
        if keys:
            self._events.append(PressKeys(keys))
            self.way.press(keys)
        if self.decision is None or self.decision.then not in ("hang_up", "transfer"):
            self._hold_if_asked()
            return "listen"
        return "finish" if self.decision.then == "hang_up" else self._transfer(self.decision)

    def _hold_if_asked(self) -> None:
        """They asked us to wait, and we ask nothing in return."""
        if self._was_asked_to_hold and self.decision is not None and self.decision.asks is None:
            self.way.hold.begin("person")

    def be_quiet(self) -> None:
        """Nobody listens: what was to be said is dropped, and no reply is wanted."""
        self.drop()
        self._unanswered = None

    def _transfer(self, decision: Decision) -> Next:
        target = target_of(self._brief, decision.transfer_to)
        if target is None:
            return "listen"
        self._events.append(Transfer(target))
        return "transfer"

    def take_leave(self, heard: str) -> Next:
        """What the caller demands to be said and asked, before the goodbye; `heard` is the last answer."""
        statements, question = self._farewell.next(self._turns, self.mouth.unsaid, heard)
        for text in statements:
            self.mouth.say(Words(text, barge_in=False))
        if question is None:
            return self._follow(self._farewell.end())
        self.decision = self._farewell.asking(question)
        self.mouth.say(Words(question, asks=self.decision.asks))
        return "speaking"

    def go_on(self) -> Next | None:
        """What was heard changes nothing: say the rest, think on; "listen" where there is neither."""
        late, self._decided_late = self._decided_late, None
        is_saying = self.mouth.say_rest()
        if late is not None:
            return self.take_reply(*late)
        if is_saying or self.thought.is_pending:
            return "speaking"
        if self._unanswered is None:
            return "listen"
        return self.think(*self._unanswered, None)

    def drop(self) -> None:
        """A reply under way is not wanted any more."""
        self.foresight.drop()
        self.thought.drop()
        self.mouth.drop_rest()
        self._decided_late = None

    def fill(self, text: str) -> None:
        """Fill a silence. Where that is with the disclosure, the answer begins with it."""
        replies_to = None
        if not self.mouth.has_disclosed:
            replies_to, self._replies_to = self._replies_to, None
        self.mouth.say_filler(text, replies_to)

    def say(self, text: str, *, asks: str | None = None, is_last: bool = False) -> None:
        """Every word of a mind goes through here."""
        replies_to, self._replies_to = self._replies_to, None
        cleared = self._discretion.cleared(text.strip()).text
        if cleared:
            self.mouth.say(Words(cleared, asks=asks, is_last=is_last, replies_to=replies_to))
