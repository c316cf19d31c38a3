"""Language tags: their primary subtag, and the languages' names in English. Knows no sentence of any."""

from __future__ import annotations

DEFAULT_LANGUAGE = "en"
_NAMES = {
    "ar": "Arabic",
    "cs": "Czech",
    "da": "Danish",
    "de": "German",
    "el": "Greek",
    "en": "English",
    "es": "Spanish",
    "fi": "Finnish",
    "fr": "French",
    "he": "Hebrew",
    "hi": "Hindi",
    "hu": "Hungarian",
    "id": "Indonesian",
    "it": "Italian",
    "ja": "Japanese",
    "ko": "Korean",
    "nb": "Norwegian",
    "nl": "Dutch",
    "no": "Norwegian",
    "pl": "Polish",
    "pt": "Portuguese",
    "ro": "Romanian",
    "ru": "Russian",
    "sv": "Swedish",
    "th": "Thai",
    "tr": "Turkish",
    "uk": "Ukrainian",
    "vi": "Vietnamese",
    "zh": "Chinese",
}


def primary_language(tag: str | None) -> str:
    """The language itself of a tag such as "pt-BR"; None is English."""
    return (tag or DEFAULT_LANGUAGE).replace("_", "-").split("-")[0].strip().lower()


def language_name(tag: str | None) -> str:
    """The language's name, with the tag where that says more: "Portuguese (pt-BR)"."""
    name = _NAMES.get(primary_language(tag))
    if name is None:
        return tag or DEFAULT_LANGUAGE
    return name if tag is None or tag.lower() == primary_language(tag) else f"{name} ({tag})"
