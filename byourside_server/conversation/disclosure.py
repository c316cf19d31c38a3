"""What the agent must say of itself, and what it must never say.

The disclosure is put before the first words of any mind by the conversation itself. Words of `context` that
a mind lets slip are kept back. Pure text.
"""

from __future__ import annotations

from dataclasses import replace

from byourside_server.conversation.brief import Brief
from byourside_server.conversation.phrases import phrases_for
from byourside_server.conversation.plan import plan_of
from byourside_server.conversation.words import plain

REFUSAL = "I'm sorry, I can't share that."
# So many words in a row out of the context are a quotation.
QUOTED_WORDS = 5


def disclosure(brief: Brief) -> str:
    """The first sentence of every call, in its language."""
    return phrases_for(brief.language).disclosure_of(brief.on_behalf_of)


def introduction(brief: Brief) -> str:
    """Who is calling, in the language of the call."""
    return phrases_for(brief.language).introduction_of(brief.on_behalf_of)


def without_context(text: str, brief: Brief) -> str:
    """`text`, or a polite refusal where it quotes the context with words the objective does not hold."""
    if not brief.context:
        return text
    said, background, goal = plain(text).split(), f" {plain(brief.context)} ", f" {_told_to_say(brief)} "
    for at in range(len(said) - QUOTED_WORDS + 1):
        run = f" {' '.join(said[at : at + QUOTED_WORDS])} "
        if run in background and run not in goal:
            return REFUSAL
    return text


def _told_to_say(brief: Brief) -> str:
    """The objective as written and as it is put to the contact: "they need" becomes "do you need"."""
    plan = plan_of(replace(brief, fields=()))
    return plain(" ".join([brief.objective, plan.purpose, *(step.spoken for step in plan.steps)]))
