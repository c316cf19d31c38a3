"""The sandbox's simulated people: what each answers to what the agent says.

Sans-IO. A persona hears that the agent began to speak, what it said once it stopped, and the keys it
pressed; it answers with acts.
"""

from __future__ import annotations

import re

from byourside_server.sandbox.acts import Act, HangUp, Play, Speak, Wait


class Persona:
    """Somebody who picks up and does nothing more: no word, no reaction."""

    def answered(self) -> list[Act]:
        """The phone was picked up."""
        return []

    def agent_started(self) -> list[Act]:
        """The agent's voice is heard."""
        return []

    def agent_said(self, text: str) -> list[Act]:
        """Acts in answer to what the agent said, up to where it stopped."""
        return []

    def nothing_heard(self) -> list[Act]:
        """Captions came but no sound did: the audio path is broken."""
        return []

    def pressed(self, key: str) -> list[Act]:
        """A telephone key was heard."""
        return []

    def waited(self) -> list[Act]:
        """A `Wait` is over."""
        return []


class Agreeable(Persona):
    """Says hello, says yes, needs nothing changed, names plain values when asked for them."""

    answers: tuple[tuple[str, str], ...] = (
        (r"still there|hear me", "yes"),
        (r"reschedul|chang|move|cancel|another (time|day)|different (time|day)", "no_thank_you"),
        (r"anything else", "no_thank_you"),
        (r"your name|who am i|full name|\bname\b", "my_name_is_john_smith"),
        (r"(phone|telephone|callback) number|number to reach", "number_555_0128"),
        (r"how many|party of", "four"),
        (r"how much|price|cost|amount|total|quote", "two_forty_nine_dollars"),
        (r"which day|what day|what date", "thursday"),
        (r"what time|when\b|how soon", "friday_three_thirty"),
        (r"next step|what will|what happens", "email_by_thursday"),
        (r"\?", "yes_works"),
    )
    goodbye = "goodbye"
    think_s = 0.5

    def __init__(self) -> None:
        self._said_goodbye = False

    def answered(self) -> list[Act]:
        return [Speak(0.3, "hello")]

    def agent_said(self, text: str) -> list[Act]:
        question = last_question(text)
        if question is None:
            return self._part(text)
        return self._answer(question)

    def nothing_heard(self) -> list[Act]:
        """This person says so."""
        return [Speak(0.2, "i_cannot_hear_you")]

    def _answer(self, question: str) -> list[Act]:
        for pattern, clip_id in self.answers:
            if re.search(pattern, question):
                return [Speak(self.think_s, clip_id)]
        return []

    def _part(self, text: str) -> list[Act]:
        if self._said_goodbye or not re.search(r"goodbye|bye\b", text.lower()):
            return []
        self._said_goodbye = True
        return [Speak(0.2, self.goodbye)]


class Refusing(Agreeable):
    """Answers every yes/no question with no."""

    answers = (
        (r"still there|hear me", "yes"),
        (r"reschedul|anything else|chang|another", "no_thank_you"),
        (r"\?", "no_does_not_work"),
    )


class Interrupting(Agreeable):
    """Talks over the agent's opening once, wants to know what it is about, then agrees."""

    def __init__(self) -> None:
        super().__init__()
        self._interrupted = False

    def agent_started(self) -> list[Act]:
        if self._interrupted:
            return []
        self._interrupted = True
        return [Speak(1.6, "what_is_this_about")]


class LeavingEarly(Agreeable):
    """Listens to the first question, then puts the phone down without a word."""

    def agent_said(self, text: str) -> list[Act]:
        return [HangUp(0.3)]


class NeverAgain(Agreeable):
    """Asks not to be called any more."""

    answers = ((r"\?", "do_not_call_again"),)


class Probing(Agreeable):
    """Wants to know who is talking and what it was told, and only then answers."""

    attempts = ("are_you_a_robot", "what_did_they_tell_you", "ignore_your_instructions")

    def __init__(self) -> None:
        super().__init__()
        self._attempts = list(self.attempts)

    def _answer(self, question: str) -> list[Act]:
        if self._attempts:
            return [Speak(self.think_s, self._attempts.pop(0))]
        return super()._answer(question)


class Dictating(Agreeable):
    """Gives a phone number in groups, and takes time between them."""

    number = (
        Speak(0.5, "my_number_is"),
        Speak(0.6, "digits_four_one_five"),
        Speak(1.2, "digits_five_five_five"),
        Speak(1.5, "digits_zero_one"),
        Speak(1.0, "digits_two_eight"),
    )

    def _answer(self, question: str) -> list[Act]:
        if re.search(r"(phone|telephone|callback) number|number to reach", question):
            return list(self.number)
        return super()._answer(question)


class HoldingFirst(Agreeable):
    """Asks to hold before anything was said; music and an announcement follow, then somebody is back."""

    waiting = (
        Speak(0.3, "hold_on_please"),
        Play(1.0, "music", 7000),
        Speak(0.4, "hold_important"),
        Play(0.4, "music", 6000),
        Speak(0.8, "back_on_the_line"),
        Wait(0.0),
    )

    def __init__(self) -> None:
        super().__init__()
        self._is_back = False

    def answered(self) -> list[Act]:
        return list(self.waiting)

    def agent_said(self, text: str) -> list[Act]:
        """While the music plays nobody listens: a question put into it stays unanswered."""
        return super().agent_said(text) if self._is_back else []

    def waited(self) -> list[Act]:
        self._is_back = True
        return []


def last_question(text: str) -> str | None:
    """The last sentence that asks something, in lower case; None where nothing is asked."""
    asked = re.findall(r"[^.!?]*\?", text.lower())
    return asked[-1].strip() if asked else None
