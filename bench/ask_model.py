"""Has a language model answer the prompts that `red_team` or `extraction` wrote, and records its answers.

    script/bench red_team --write-prompts DIR
    script/bench ask_model --model 'openai?model=…' --prompts DIR --answers FILE

The prompts are asked one after the other, as a call would; the recorded answers are then read by the bench
that wrote them. `--every N` asks every Nth prompt only.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from byourside_server.providers.base import (
    AnswerSchema,
    Generation,
    LanguageModel,
    Message,
    ProviderError,
    TextDelta,
)
from byourside_server.providers.language_registry import open_language_model

MAX_TOKENS = 400
MAX_SPOKEN_TOKENS = 100
Prompt = Mapping[str, object]
System = Mapping[str, Mapping[str, str]]


async def text_of(model: LanguageModel, request: Generation) -> str:
    """The whole answer; "" where the model gave none."""
    pieces = []
    try:
        async for piece in model.generate(request):
            if isinstance(piece, TextDelta):
                pieces.append(piece.text)
    except ProviderError as error:
        print(f"no answer: {error}", file=sys.stderr)
        return ""
    return "".join(pieces)


async def talk(model: LanguageModel, prompt: Prompt) -> list[str]:
    """The answers of a telephone scenario: each of the contact's turns is told after the answer before."""
    messages, later = prompt["messages"], prompt["next"]
    assert isinstance(messages, list)
    assert isinstance(later, list)
    asked = tuple(Message(each["role"], each["content"]) for each in messages)
    answers = []
    for following in [*later, None]:
        answers.append(await text_of(model, Generation(asked, max_tokens=MAX_SPOKEN_TOKENS)))
        if following is not None:
            said = following if isinstance(following, str) else following["content"]
            asked = (*asked, Message("assistant", answers[-1]), Message("user", said))
    return answers


async def read(model: LanguageModel, system: System, prompt: Prompt) -> dict[str, str]:
    """The two JSON answers about one transcript."""
    found = {}
    for part in ("extraction", "objective"):
        asked = prompt[part]
        assert isinstance(asked, dict)
        schema = AnswerSchema(part, asked.get("schema") or system[part]["schema"])
        messages = (Message("system", system[part]["system"]), Message("user", asked["user"]))
        found[part] = await text_of(model, Generation(messages, schema=schema, max_tokens=MAX_TOKENS))
    return found


def prompts_in(folder: Path) -> tuple[System, list[Prompt]]:
    """What stands above every prompt (of `extraction` alone), and the prompts."""
    system_file = folder / "system.json"
    lines = [line for part in sorted(folder.glob("part_*.jsonl")) for line in part.read_text().splitlines()]
    return json.loads(system_file.read_text()) if system_file.exists() else {}, [*map(json.loads, lines)]


async def ask(spec: str, system: System, prompts: Sequence[Prompt]) -> list[dict[str, object]]:
    """One row of answers for each prompt."""
    model, rows = open_language_model(spec, os.environ), list[dict[str, object]]()
    for number, prompt in enumerate(prompts, 1):
        answered = await read(model, system, prompt) if system else {"answers": await talk(model, prompt)}
        rows.append({"id": prompt["id"], **answered})
        print(f"\r{number} of {len(prompts)}", end="", file=sys.stderr, flush=True)
    await model.close()
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", required=True, help="language models as in the setting `mind`")
    parser.add_argument("--prompts", required=True, type=Path, metavar="DIR")
    parser.add_argument("--answers", required=True, type=Path, metavar="FILE")
    parser.add_argument("--every", type=int, default=1, metavar="N")
    wanted = parser.parse_args()
    system, prompts = prompts_in(wanted.prompts)
    rows = asyncio.run(ask(wanted.model, system, prompts[:: wanted.every]))
    wanted.answers.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    print(f"\n{len(rows)} answers in {wanted.answers}")


if __name__ == "__main__":
    main()
