"""Which language a sentence is in, by its little words. Good enough to refuse in the same language."""

from __future__ import annotations

from byourside_server.conversation.folding import words_in

_LITTLE_WORDS: dict[str, frozenset[str]] = {
    language: frozenset(words.split())
    for language, words in {
        "en": (
            "the is and of to a in you i it that my your was with for has have are not we they she he be on "
            "at"
        ),
        "de": (
            "der die das und ist ich sie er es ein eine nicht mit von zu den dem hat haben wir ja im auf fur "
            "wird"
        ),
        "es": "el la los las y es de que un una no con por para su se lo en si mi esta del al debe son",
        "fr": "le la les et est de que un une ne pas avec pour il elle je vous nous en du des c'est sur mon",
        "it": "il la gli e che di un una non con per si lo in sono ha del della mi lei era da",
        "pt": "o a os as e que de um uma nao com por para se em sua seu do da foi tem eu no na",
        "nl": "de het een en is van ik niet met voor op dat u zijn heeft hij zij wij aan",
    }.items()
}


def tongue_of(text: str) -> str | None:
    """The language with the most little words in the text; None for a tie, or for none at all."""
    words = words_in(text).folded
    counts = {language: sum(word in little for word in words) for language, little in _LITTLE_WORDS.items()}
    best = max(counts.values())
    leaders = [language for language, count in counts.items() if count == best]
    return leaders[0] if best > 1 and len(leaders) == 1 else None
