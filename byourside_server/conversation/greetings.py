"""Whether somebody who picked up has said no more than hello."""

from __future__ import annotations

import re

LONGEST_GREETING = 4  # words
_GREETING_WORDS = frozenset(
    {
        *("hello", "hi", "hey", "hiya", "yes", "yeah", "yep", "good", "morning", "afternoon", "evening"),
        *("there", "who's", "speaking", "go", "ahead", "ja", "hallo", "guten", "tag", "morgen", "abend"),
        *("hola", "bueno", "diga", "dígame", "digame", "sí", "si", "aló", "alo", "buenos", "buenas", "días"),
        *("dias", "tardes", "noches", "allô", "allo", "oui", "bonjour", "bonsoir", "pronto", "buongiorno"),
        *("buonasera", "ciao", "alô", "oi", "olá", "ola", "estou", "sim", "bom", "dia", "boa", "tarde"),
        *("goedemorgen", "goedemiddag", "goedenavond", "goedendag", "hoi", "halo", "słucham", "halló"),
    }
)
_NOT_ALONE = frozenset({"who's", "speaking", "go", "good", "bom", "boa", "guten", "there"})


def is_greeting(text: str) -> bool:
    """ "Hello?", "yes, hello", "good morning", or nothing at all."""
    words = re.findall(r"[\w']+", text.casefold().replace("’", "'"))
    if len(words) > LONGEST_GREETING or any(word not in _GREETING_WORDS for word in words):
        return False
    return not words or not all(word in _NOT_ALONE for word in words)
