"""What may be said next, written as a grammar for the recogniser (JSGF).

Pure: an `Expectation` in, text out. The vocabulary is in `grammar_rules`; which words the
recogniser knows how to pronounce is its own affair.
"""

import re
import unicodedata

from byourside_server.providers.base import Expectation
from byourside_server.providers.grammar_rules import (
    RULES,
    RULES_OF_ANY_MOMENT,
    RULES_OF_KIND,
    RULES_OF_PAIR,
)
from byourside_server.providers.number_words import number_in_words

EXPECTED_WEIGHT = 0.9
ANY_MOMENT_WEIGHT = 0.1
LONGEST_PHRASE_WORDS = 30
MOST_PHRASES = 100

_RULE_NAME = re.compile(r"<(\w+)>")
_WORD = re.compile(r"[a-z]+(?:'[a-z]+)*'?")


def grammar_for(expect: Expectation) -> str:
    """JSGF that accepts the expected answers and, with less weight, what people say at any moment."""
    expected = [f"<{rule}>" for rule in _expected_rules(expect.kinds)]
    expected += [phrase for phrase in map(in_words, expect.phrases[:MOST_PHRASES]) if phrase]
    at_any_moment = [f"<{rule}>" for rule in RULES_OF_ANY_MOMENT]
    body = f"/{ANY_MOMENT_WEIGHT}/ <any_moment>"
    definitions = {"any_moment": " | ".join(at_any_moment)}
    if expected:
        body = f"/{EXPECTED_WEIGHT}/ <expected> | " + body
        definitions["expected"] = " | ".join(expected)
    for name in _reachable(definitions):
        definitions[name] = RULES[name]
    rules = "".join(f"<{name}> = {text};\n" for name, text in definitions.items())
    return f"#JSGF V1.0;\ngrammar answer;\npublic <answer> = {body};\n{rules}"


def words_of(jsgf: str) -> frozenset[str]:
    """Every word that the grammar can give."""
    bodies = " ".join(line.partition("=")[2] for line in jsgf.splitlines())
    return frozenset(re.findall(r"[a-z][a-z']*", _RULE_NAME.sub(" ", bodies)))


def in_words(phrase: str) -> str:
    """A written phrase as the recogniser's words: lower case, numbers spoken out, no punctuation."""
    plain = unicodedata.normalize("NFKD", phrase).encode("ascii", "ignore").decode().lower()
    spoken = re.sub(r"\d+", lambda digits: f" {number_in_words(digits[0])} ", plain)
    words = _WORD.findall(spoken.replace("&", " and "))
    return " ".join(words[:LONGEST_PHRASE_WORDS])


def _expected_rules(kinds: frozenset[str]) -> list[str]:
    """Each rule once: a rule that stands twice would count double."""
    rules = [rule for kind in sorted(kinds) for rule in RULES_OF_KIND[kind]]
    rules += [rule for pair, rule in RULES_OF_PAIR.items() if pair <= kinds]
    return list(dict.fromkeys(rules))


def _reachable(definitions: dict[str, str]) -> list[str]:
    """Names of all rules that these definitions use, directly or through others."""
    found: dict[str, None] = {}
    waiting = [name for text in definitions.values() for name in _RULE_NAME.findall(text)]
    while waiting:
        name = waiting.pop()
        if name not in found and name not in definitions:
            found[name] = None
            waiting += _RULE_NAME.findall(RULES[name])
    return sorted(found)
