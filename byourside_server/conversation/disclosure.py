"""What the agent must say of itself: the conversation puts it before the first words of any mind.

Pure text.
"""

from __future__ import annotations

from byourside_server.conversation.brief import Brief
from byourside_server.conversation.phrases import phrases_for


def disclosure(brief: Brief) -> str:
    """The first sentence of every call, in its language."""
    return phrases_for(brief.language).disclosure_of(brief.on_behalf_of)


def introduction(brief: Brief) -> str:
    """Who is calling, in the language of the call."""
    return phrases_for(brief.language).introduction_of(brief.on_behalf_of)
