"""The mind that asks a language model what to say, and stays honest where none answers.

One per call. Knows the models' door; what is asked stands in `prompt`, how an answer is put together in
`replying`, what may be carried out in `policy`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from byourside_server.calls.transcript import Turn
from byourside_server.conversation import expectations
from byourside_server.conversation.brief import Brief
from byourside_server.conversation.discretion import Discretion
from byourside_server.conversation.draft import Draft
from byourside_server.conversation.embedded_mind import EMBEDDED_LANGUAGES, EmbeddedMind
from byourside_server.conversation.greetings import is_greeting
from byourside_server.conversation.languages import primary_language
from byourside_server.conversation.meter import Account, Meter
from byourside_server.conversation.mind import Decision, Situation, Speak
from byourside_server.conversation.phrases import phrases_for
from byourside_server.conversation.questions import is_goodbye, last_question
from byourside_server.conversation.replying import Reply, Speechless
from byourside_server.providers.base import LanguageModel, Usage

MAX_SILENCES = 3  # in a row; the model is not asked any more then
# A call that has come further than this is not handed over to rules that did not lead it.
EMBEDDED_UP_TO_TURNS = 2
SUPPOSED_GREETING = "Hello?"

OnFailure = Literal["goodbye", "embedded"]


@dataclass
class _Known:
    """What the mind has learned in the call: fields noted, and what the contact said himself."""

    notes: dict[str, object] = field(default_factory=dict)
    heard: set[tuple[int, str]] = field(default_factory=set)
    discretion: Discretion | None = None

    def on_trial(self) -> _Known:
        """The same, to learn what may turn out never to have been."""
        discretion = self.discretion and self.discretion.on_trial()
        return _Known(dict(self.notes), set(self.heard), discretion)

    def hear(self, situation: Situation) -> Discretion:
        """Tell the watch over the background what the contact has said since."""
        if self.discretion is None:
            self.discretion = Discretion(situation.brief)
        said = {(turn.index, turn.text): None for turn in situation.turns if turn.role == "contact"}
        for index, text in said:
            if (index, text) not in self.heard:
                self.discretion.heard(text)
        self.heard.update(said)
        return self.discretion


class LlmMind:
    """A language model behind the `Mind` door."""

    def __init__(
        self, model: LanguageModel, *, name: str | None = None, on_failure: OnFailure = "embedded"
    ) -> None:
        """With `on_failure` "embedded" the rules take over a call that has hardly begun, in English."""
        self.name = name or f"llm:{model.name}"
        self._model = model
        self._on_failure = on_failure
        self._meter = Meter()
        self._opening: tuple[Brief, Decision] | None = None
        self._embedded: EmbeddedMind | None = None
        self._known = _Known()
        self._ahead: tuple[_Known, Account] | None = None

    @property
    def usage(self) -> Usage:
        """The sum over all requests; one that failed or was called off counts as a failure."""
        return self._meter.usage

    async def prepare(self, brief: Brief) -> str | None:
        """Have the opening made as if the contact had said hello; the words, None where that fails."""
        turn = Turn(index=0, role="contact", text=SUPPOSED_GREETING, start_ms=0, end_ms=0)
        owed = (*brief.must_say, *brief.must_ask)
        situation = Situation(brief, (turn,), "opening", SUPPOSED_GREETING, 1.0, owed=owed)
        draft = Draft(situation, Discretion(brief), lambda sentence: None)
        reply = self._reply(situation, draft, {}, self._meter.account())
        try:
            decision = await reply.make()
        except Speechless:
            return None
        if decision.then != "listen" or reply.uses_own_words:
            return None
        self._opening = brief, replace(decision, say=draft.text)
        return draft.text

    async def reply(self, situation: Situation, speak: Speak) -> Decision:
        """What comes next; each sentence goes to `speak` as soon as it is whole."""
        if self._embedded is not None:
            return await self._embedded.reply(situation, speak)
        if situation.is_ahead:
            return await self._reply_ahead(situation, speak)
        discretion = self._known.hear(situation)
        ready = self._without_asking(situation, discretion)
        if ready is not None:
            return ready
        draft = Draft(situation, discretion, speak)
        try:
            return await self._reply(situation, draft, self._known.notes, self._meter.account()).make()
        except Speechless as failure:
            return await self._give_up(situation, speak, failure)

    async def _reply_ahead(self, situation: Situation, speak: Speak) -> Decision:
        """The same without a trace, until `confirm`; one that fails is no reason to give up yet."""
        known, account = self._ahead = self._known.on_trial(), self._meter.account(is_ahead=True)
        draft = Draft(situation, known.hear(situation), speak)
        try:
            return await self._reply(situation, draft, known.notes, account).make()
        except Speechless as failure:
            return _hang_up("", "mind_failed", f"no model answered ahead: {failure.error.kind.value}")

    def confirm(self) -> None:
        """The last reply made ahead counts, with what it noted and will note yet."""
        if self._ahead is not None:
            self._known, account = self._ahead
            account.is_taken_over, self._ahead = True, None

    def _reply(
        self, situation: Situation, draft: Draft, notes: dict[str, object], account: Account
    ) -> Reply:
        return Reply(self._model, situation, draft, notes, account)

    # where the model is not needed

    def _without_asking(self, situation: Situation, discretion: Discretion) -> Decision | None:
        if situation.occasion == "opening":
            return self._prepared(situation, discretion)
        if situation.occasion != "silence":
            return None
        if _has_taken_leave(situation):
            return _hang_up("", "completed")
        if situation.silences >= MAX_SILENCES:
            return _hang_up(phrases_for(situation.brief.language).cannot_hear, "no_response")
        return None

    def _prepared(self, situation: Situation, discretion: Discretion) -> Decision | None:
        """The opening made while the phone rang, where the contact said no more than hello."""
        prepared, self._opening = self._opening, None
        if prepared is None or prepared[0] != situation.brief or not is_greeting(situation.text):
            return None
        if any(turn.role == "agent" for turn in situation.turns) or discretion.cleared(prepared[1].say).leaks:
            return None
        return prepared[1]

    # where there is no model

    async def _give_up(self, situation: Situation, speak: Speak, failure: Speechless) -> Decision:
        contact_turns = sum(1 for turn in situation.turns if turn.role == "contact")
        is_english = primary_language(situation.brief.language) in EMBEDDED_LANGUAGES
        if self._on_failure == "embedded" and is_english and contact_turns <= EMBEDDED_UP_TO_TURNS:
            self._embedded = EmbeddedMind()
            self.name = f"{self.name}, {EmbeddedMind.name}"
            return await self._embedded.reply(situation, speak)
        problem = phrases_for(situation.brief.language).technical_problem
        return _hang_up(problem, "mind_failed", f"no model answered: {failure.error.kind.value}")


def _has_taken_leave(situation: Situation) -> bool:
    """Whether our last words were a goodbye that nobody answered."""
    last = situation.turns[-1] if situation.turns else None
    if last is None or last.role != "agent" or last.interrupted:
        return False
    return is_goodbye(last.text) and not last_question(last.text)


def _hang_up(say: str, reason: str, note: str = "") -> Decision:
    return Decision(
        say, expectation=expectations.CLOSING, then="hang_up", end_reason=reason, note=note or reason
    )
