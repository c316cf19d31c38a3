"""One request to a language model, spoken sentence by sentence as the answer comes.

Knows the models' door and its ways of failing. What an answer is good for is decided by the reply.
"""

from __future__ import annotations

import re
from contextlib import aclosing
from dataclasses import dataclass, field

from byourside_server.conversation.draft import Draft, Verdict
from byourside_server.conversation.meter import Account
from byourside_server.conversation.sentences import SentenceCutter
from byourside_server.providers.base import (
    Completion,
    Generation,
    LanguageModel,
    ProviderError,
    ProviderErrorKind,
    ToolCall,
    Usage,
)

MAX_TOOL_CALLS = 8  # of one answer
# A model that writes the other side's lines, or ours to it, has stopped talking to the contact.
_OTHER_ROLES = re.compile(r"\W*(?:NOTE|CONTACT|SYSTEM|(?i:user|human|customer|contact)(?=:\s*[\"“]))\s*:")


@dataclass
class ModelAnswer:
    """What came of one request: `passed` is in the draft; `rejected` is not, and ended the answer."""

    passed: list[str] = field(default_factory=list)
    rejected: str = ""
    verdict: Verdict = "fit"
    tool_calls: tuple[ToolCall, ...] = ()
    error: ProviderError | None = None

    @property
    def text(self) -> str:
        return " ".join(self.passed)


async def answer_of(
    model: LanguageModel, request: Generation, draft: Draft, account: Account
) -> ModelAnswer:
    """The answer, its sentences already in the draft. `account` learns what it cost."""
    answer, reading = ModelAnswer(), account.open(request)
    cutter = SentenceCutter(may_split_first=not draft.said)
    try:
        async with aclosing(model.generate(request)) as pieces:
            async for piece in pieces:
                if isinstance(piece, Completion):
                    reading.usage, answer.tool_calls = piece.usage, piece.tool_calls[:MAX_TOOL_CALLS]
                    _take(answer, draft, _last_of(cutter, draft, piece), may_wait=True)
                    break
                reading.given += len(piece.text)
                if not _take(answer, draft, cutter.push(piece.text)):
                    break
            else:
                raise ProviderError(ProviderErrorKind.BAD_ANSWER, "the answer has no end")
    except ProviderError as error:
        reading.usage, answer.error = Usage(failures=1), error
    return answer


def _last_of(cutter: SentenceCutter, draft: Draft, end: Completion) -> list[str]:
    """The last sentences; not one that the limit of tokens cut, where others were said."""
    sentences = cutter.finish()
    return sentences[:-1] if end.finish_reason == "length" and draft.said else sentences


def _take(answer: ModelAnswer, draft: Draft, sentences: list[str], *, may_wait: bool = False) -> bool:
    """Put the sentences into the draft; False where the answer is of no use from here on."""
    for sentence in sentences:
        if _OTHER_ROLES.match(sentence):
            return False
        verdict = draft.offer(sentence, may_wait=may_wait)
        if verdict in ("leak", "repeat"):
            answer.rejected, answer.verdict, answer.tool_calls = sentence, verdict, ()
            return False
        if verdict == "fit":
            answer.passed.append(draft.said[-1])
    return True
