"""One reply of a language model: ask, speak sentence by sentence, use the tools, and mend what goes wrong.

Knows the models' door and its ways of failing; keeps nothing beyond the reply. What is to happen where
nothing at all comes is decided by the mind.
"""

from __future__ import annotations

from byourside_server.conversation import expectations
from byourside_server.conversation.asked import asked_in
from byourside_server.conversation.draft import Draft
from byourside_server.conversation.embedded_mind import EMBEDDED_LANGUAGES, HOLD_PATIENCE_S
from byourside_server.conversation.intents import Intent, intent_of
from byourside_server.conversation.languages import primary_language
from byourside_server.conversation.meter import Account
from byourside_server.conversation.mind import DEFAULT_PATIENCE_S, Decision, Situation
from byourside_server.conversation.model_answer import ModelAnswer, answer_of
from byourside_server.conversation.phrases import has_phrases, phrases_for
from byourside_server.conversation.plan import plan_of
from byourside_server.conversation.prompt import messages_for, with_note
from byourside_server.conversation.questions import last_question
from byourside_server.conversation.sentences import sentences_of
from byourside_server.conversation.tools import (
    EndCall,
    LeaveMessage,
    NoteField,
    PressKeys,
    Problem,
    Transfer,
    Wish,
    read_call,
    tools_for,
)
from byourside_server.providers.base import (
    Generation,
    LanguageModel,
    Message,
    ProviderError,
    ProviderErrorKind,
)

MAX_REQUESTS = 6  # of one reply, whatever happens
MAX_TOOL_ROUNDS = 3
MAX_TOKENS = 2000  # enough for a model that thinks first; what is spoken is limited by the draft
GOODBYE_PATIENCE_S = 3.0
MENU_PATIENCE_S = 15.0

LEAKED = (
    "Your last sentence would have revealed private background and was not spoken. Answer again without it; "
    "don't mention this note."
)
REPEATED = (
    "Your last sentence was said just before, word for word, and was not spoken again. Take up what the "
    "contact answered and go on, in other words."
)
GAVE_NOTHING = "You gave no words, but the contact is waiting. Say something now."
BROKE_OFF = (
    "The connection broke off after these words of yours, which the contact has heard. Go on right behind "
    "them, without saying them again."
)


class Speechless(Exception):
    """The model failed before anything was said; `error` is how."""

    def __init__(self, error: ProviderError) -> None:
        super().__init__(str(error))
        self.error = error


class Reply:
    """Makes one decision; used once."""

    def __init__(
        self,
        model: LanguageModel,
        situation: Situation,
        draft: Draft,
        notes: dict[str, object],
        account: Account,
    ) -> None:
        """`notes` is added to where the model notes a field; `account` is told what each request cost."""
        self.uses_own_words = False  # in place of the model's
        self._model = model
        self._situation = situation
        self._brief = situation.brief
        self._draft = draft
        self._notes = notes
        self._account = account
        self._in_menu = situation.occasion == "menu"
        self._messages = messages_for(situation, notes)
        self._phrases = phrases_for(self._brief.language)
        self._tool_rounds = 0
        self._met: set[str] = set()  # what has gone wrong once
        self._remarks: list[str] = []

    async def make(self) -> Decision:
        """The decision. Raises Speechless; never ProviderError."""
        for _ in range(MAX_REQUESTS):
            answer = await self._ask()
            decision = self._after(answer)
            if decision is not None:
                return decision
            self._draft.flush()
        return self._at_the_end()

    async def _ask(self) -> ModelAnswer:
        tools = tools_for(self._brief, in_menu=self._in_menu)
        request = Generation(self._messages, tools=tools, max_tokens=MAX_TOKENS)
        return await answer_of(self._model, request, self._draft, self._account)

    def _after(self, answer: ModelAnswer) -> Decision | None:
        """The decision, None where the model is to be asked again."""
        if answer.rejected:
            return self._correct(answer)
        if answer.error is not None:
            return self._mend(answer, answer.error)
        if answer.tool_calls:
            return self._use_tools(answer)
        return self._listen() if self._draft.said else self._ask_for_words()

    def _correct(self, answer: ModelAnswer) -> Decision | None:
        """A sentence was not let pass: once more without it, then without the model."""
        is_second = answer.verdict in self._met
        self._met.add(answer.verdict)
        self._draft.drops_repeats = self._draft.drops_repeats or answer.verdict == "repeat"
        self._remarks.append(f"held back a sentence: {answer.verdict}")
        if is_second:
            return self._refuse(answer.rejected)
        note = LEAKED if answer.verdict == "leak" else REPEATED
        self._messages = with_note(self._messages, note, f"{answer.text} {answer.rejected}".strip())
        return None

    def _refuse(self, sentence: str) -> Decision:
        """Without the model; an opening is that of the plan, where there is one in the language."""
        self.uses_own_words = True
        if self._situation.occasion == "opening" and not self._draft.said and self._speaks_as_planned:
            self._draft.insist(plan_of(self._brief).main.spoken)
        else:
            self._draft.refuse(sentence)
            self._draft.insist(self._open_question())
        return self._listen()

    def _mend(self, answer: ModelAnswer, error: ProviderError) -> Decision | None:
        """The model failed: what was said stands, and is finished if that can be done."""
        if not self._draft.said:
            raise Speechless(error)
        self._remarks.append(f"broke off: {error.kind.value}")
        if self._draft.asks:
            return self._listen()
        if "break" in self._met:
            self._draft.insist(self._phrases.technical_problem)
            return self._hang_up("mind_failed")
        self._met.add("break")
        self._messages = with_note(self._messages, BROKE_OFF, answer.text)
        return None

    def _use_tools(self, answer: ModelAnswer) -> Decision | None:
        results: list[str] = []
        for call in answer.tool_calls:
            wish = read_call(call, self._brief, in_menu=self._in_menu)
            if isinstance(wish, Problem):
                self._remarks.append(f"{call.name[:40]}: not carried out")
                results.append(wish.message)
            elif isinstance(wish, NoteField):
                self._notes[wish.name] = wish.value
                results.append("Noted. Go on talking to the contact.")
            elif isinstance(wish, EndCall) and self._draft.asks:
                results.append("Not ended: you have just asked something.")
            else:
                return self._carry_out(wish)
            if call.name == "end_call":
                self._met.add("end_call")
        self._tool_rounds += 1
        if self._draft.asks:
            return self._listen()
        if self._tool_rounds > MAX_TOOL_ROUNDS:
            return self._at_the_end()
        self._messages = _with_results(self._messages, answer, results)
        return None

    def _carry_out(self, wish: Wish) -> Decision:
        if isinstance(wish, LeaveMessage):
            return Decision("", then="leave_message", note=self._note("leaves a message"))
        if isinstance(wish, PressKeys):
            note = self._note("presses keys")
            return self._decision(keys=wish.digits, patience_s=MENU_PATIENCE_S, note=note)
        if isinstance(wish, Transfer):
            if not self._draft.said:
                self._draft.insist(self._phrases.fillers[0])
            return Decision(
                self._draft.rest(), then="transfer", transfer_to=wish.target, note=self._note("transfers")
            )
        assert isinstance(wish, EndCall)
        self._say_goodbye(wish.goodbye)
        return self._hang_up(wish.reason)

    def _say_goodbye(self, goodbye: str) -> None:
        """The model's last words, once; ours where it gave none, or none that may be said."""
        if self._draft.takes_leave:
            return
        verdicts = {self._draft.offer(sentence, may_wait=True) for sentence in sentences_of(goodbye)}
        if "fit" in verdicts and "leak" not in verdicts:
            return
        if not self._draft.said or has_phrases(self._brief.language):
            self._draft.insist(self._phrases.goodbye)

    def _ask_for_words(self) -> Decision | None:
        """Nothing came: that is no answer to somebody who is waiting, but may be right in a menu."""
        if self._in_menu:
            return Decision("", patience_s=MENU_PATIENCE_S, note=self._note("waits in the menu"))
        if "nothing" in self._met or "repeat" in self._met:
            return self._at_the_end()
        self._met.add("nothing")
        self._messages = with_note(self._messages, GAVE_NOTHING)
        return None

    def _at_the_end(self) -> Decision:
        """No more requests: make something of what there is."""
        if self._draft.said:
            ends = "end_call" in self._met and self._draft.takes_leave
            return self._hang_up("completed") if ends else self._listen()
        if self._in_menu:
            return Decision("", patience_s=MENU_PATIENCE_S, note=self._note("waits in the menu"))
        self.uses_own_words = True
        self._remarks.append("the model gave no words")
        self._draft.insist(self._words_of_our_own())
        return self._listen()

    def _words_of_our_own(self) -> str:
        """The open question again, or whether there is anything else. Raises Speechless for an opening."""
        if self._situation.occasion == "opening":
            if self._speaks_as_planned:
                return plan_of(self._brief).main.spoken
            raise Speechless(ProviderError(ProviderErrorKind.BAD_ANSWER, "the model gave no words"))
        is_silent = self._situation.occasion == "silence"
        lead = self._phrases.are_you_there if is_silent else self._phrases.not_caught
        agent = self._said_before()
        if agent and agent[-1].startswith(lead):
            return self._phrases.anything_else
        question = "" if "repeat" in self._met else self._open_question()
        return f"{lead} {question}".strip() if question != lead else lead

    @property
    def _speaks_as_planned(self) -> bool:
        return primary_language(self._brief.language) in EMBEDDED_LANGUAGES

    def _open_question(self) -> str:
        """The question the agent put last, "" where it has put none."""
        return next((asked for text in reversed(self._said_before()) if (asked := last_question(text))), "")

    def _said_before(self) -> list[str]:
        return [turn.text for turn in self._situation.turns if turn.role == "agent"]

    def _listen(self) -> Decision:
        asked = asked_in(self._brief, self._draft.text, open_step=self._situation.open_step)
        return self._decision(
            asks=asked.step,
            expectation=asked.expectation,
            patience_s=self._patience_s(),
            note=self._note(f"asks {asked.step}" if asked.step else "talks"),
        )

    def _patience_s(self) -> float:
        if self._draft.asks:
            return DEFAULT_PATIENCE_S
        if intent_of(self._situation.text) is Intent.HOLD:
            return HOLD_PATIENCE_S
        return GOODBYE_PATIENCE_S if self._draft.takes_leave else DEFAULT_PATIENCE_S

    def _hang_up(self, reason: str) -> Decision:
        note = self._note(reason)
        return self._decision(expectation=expectations.CLOSING, then="hang_up", end_reason=reason, note=note)

    def _decision(self, **rest: object) -> Decision:
        return Decision(self._draft.rest(), **rest)  # type: ignore[arg-type]

    def _note(self, what: str) -> str:
        return "; ".join([what, *self._remarks])


def _with_results(
    messages: tuple[Message, ...], answer: ModelAnswer, results: list[str]
) -> tuple[Message, ...]:
    """The request with the model's calls and what came of each."""
    said = Message("assistant", answer.text, tool_calls=answer.tool_calls)
    told = (
        Message("tool", result, tool_call_id=call.id)
        for call, result in zip(answer.tool_calls, results, strict=True)
    )
    return (*messages, said, *told)
